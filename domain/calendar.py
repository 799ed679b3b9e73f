"""Japanese business days and the fiscal year (`domain.md` section 6d).

No business day: Saturday, Sunday, national holidays, 29 December to 3 January and 13 to 15 August.
Waits counted in business days end at 18:00 JST; waits counted in days or months end at the local time they began.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final

from holidays.countries.japan import Japan

JST: Final = timezone(timedelta(hours=9), "JST")
CLOSE_OF_BUSINESS: Final = time(18, 0)
_OBON: Final = {(8, 13), (8, 14), (8, 15)}
_YEAR_END: Final = {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}


@lru_cache(maxsize=256)
def _national_holidays(year: int) -> frozenset[date]:
    return frozenset(Japan(years=year))


def is_business_day(day: date) -> bool:
    """Whether banks, universities and the center work on *day*."""
    if day.weekday() >= 5 or (day.month, day.day) in _OBON | _YEAR_END:
        return False
    return day not in _national_holidays(day.year)


@lru_cache(maxsize=65_536)
def _later_business_day(day: date, count: int) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_business_day(day):
            day += step
    return day


def japanese_day(moment: datetime) -> date:
    """The calendar day in Japan at *moment*."""
    return moment.astimezone(JST).date()


def close_of(day: date) -> datetime:
    """18:00 JST of *day*, in UTC."""
    return datetime.combine(day, CLOSE_OF_BUSINESS, JST).astimezone(UTC)


def after_business_days(since: datetime, count: int) -> datetime:
    """18:00 JST of the *count*-th business day after *since*; a negative count looks back."""
    return close_of(_later_business_day(japanese_day(since), count))


def after_days(since: datetime, count: int) -> datetime:
    """*count* calendar days later, at the same local time."""
    return since + timedelta(days=count)


def after_months(since: datetime, count: int) -> datetime:
    """*count* months later at the same local time, on the month's last day where the day does not exist."""
    local = since.astimezone(JST)
    months = local.year * 12 + local.month - 1 + count
    year, month = divmod(months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def second_friday(since: date) -> date:
    """The day of the next salon 二金会 after *since*: the second Friday of its month, or the business day after it."""
    year, month = since.year, since.month
    while True:
        first = date(year, month, 1)
        day = first + timedelta(days=(4 - first.weekday()) % 7 + 7)
        day = day if is_business_day(day) else _later_business_day(day, 1)
        if day > since:
            return day
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def fiscal_year(moment: datetime) -> int:
    """The Japanese fiscal year (April to March) that holds *moment*."""
    day = japanese_day(moment)
    return day.year if day.month >= 4 else day.year - 1

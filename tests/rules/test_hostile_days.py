"""Days that break calendars, and moments at which two things happen at once."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError
from rules_story import CONSENT, NEED, Story

from domain.calendar import after_business_days, after_months, close_of, fiscal_year, is_business_day
from domain.records import Instant
from domain.timers import deadlines


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("since", "months", "then"),
    [
        ("2028-02-29T09:00:00+09:00", 12, "2029-02-28T09:00:00+09:00"),
        ("2027-08-31T09:00:00+09:00", 6, "2028-02-29T09:00:00+09:00"),
        ("2026-12-31T23:30:00+09:00", 2, "2027-02-28T23:30:00+09:00"),
    ],
)
def test_months_end_on_the_last_day_where_the_day_does_not_exist(since: str, months: int, then: str) -> None:
    assert after_months(moment(since), months) == moment(then)


def test_a_consent_until_a_leap_day_holds_on_it_and_not_after(story: Story) -> None:
    story.in_review(consent={**CONSENT, "valid_until": "2028-02-29"}).at("2028-02-29T17:59:00+09:00")
    assert story.stands == ("review", "open")
    story.at("2028-02-29T18:00:00+09:00")
    assert story.stands == ("review", "held")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2021-07-19", True),  # 海の日 moved to the 22nd for the Games
        ("2021-07-22", False),
        ("2021-07-23", False),
        ("2021-08-09", False),  # the day after 山の日, which had moved to a Sunday
        ("2026-09-22", False),  # between two holidays
    ],
)
def test_holidays_moved_by_law_are_known(day: str, works: bool) -> None:
    assert is_business_day(date.fromisoformat(day)) is works


def test_business_days_step_over_the_turn_of_the_year() -> None:
    assert after_business_days(moment("2026-12-28T10:00:00+09:00"), 1) == close_of(date(2027, 1, 4))
    assert fiscal_year(moment("2027-03-31T14:59:59+00:00")) == 2026
    assert fiscal_year(moment("2027-03-31T15:00:00+00:00")) == 2027


@pytest.mark.parametrize("hours", [-12, 0, 9, 14])
def test_an_instant_is_the_same_in_every_offset(story: Story, hours: int) -> None:
    story.in_review()
    at = (story.now - timedelta(hours=2)).astimezone(timezone(timedelta(hours=hours)))
    [event] = story.do("tanaka", "AddNote", {"text": "x"}, occurred_at=at)
    assert event.occurred_at == at.astimezone(UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00"])
def test_an_instant_that_utc_cannot_write_is_none(text: str) -> None:
    with pytest.raises(ValidationError, match="outside of the years"):
        TypeAdapter(Instant).validate_python(text)


def test_a_wish_for_yesterday_is_refused_at_intake(story: Story) -> None:
    assert story.says("sato", "ReferNeed", {**NEED, "desired_by": "2026-03-31"}) == "invalid_field"
    assert story.says("sato", "ReferNeed", {**NEED, "desired_by": "2026-04-01"})[0] == "CaseOpened"


def test_what_has_expired_is_given_no_more_time(story: Story) -> None:
    story.offered().pass_time(timedelta(days=30))
    more = {"timer": "offer", "subject": "a1", "to": "2026-08-01"}
    assert story.state.assignments["a1"].state == "expired"
    assert story.says("tanaka", "ExtendDeadline", more, reason="other") == "invalid_field"


def at_expiry(story: Story) -> Story:
    """An offer at the very moment at which it expires, before the clock has acted."""
    story.searching().offer("a1", "hayashi", "kyudai", respond_by="2026-04-10")
    story.pass_time(moment("2026-04-10T17:59:59+09:00"))
    story.now = moment("2026-04-10T18:00:00+09:00")
    return story


def test_an_answer_at_the_very_moment_of_expiry_counts_if_it_comes_first(story: Story) -> None:
    at_expiry(story).must("hayashi", "AcceptAssignment", {"assignment_id": "a1"})
    story.pass_time(timedelta(seconds=1))
    assert story.state.assignments["a1"].state == "accepted"


def test_an_answer_after_the_expiry_of_the_same_moment_comes_too_late(story: Story) -> None:
    [due] = [one for one in deadlines(at_expiry(story).state) if one.timer == "offer"]
    assert due.due_at == story.now
    story.pass_time(timedelta())
    assert story.state.assignments["a1"].state == "expired"
    assert story.says("hayashi", "AcceptAssignment", {"assignment_id": "a1"}) == "already_done"


def test_a_case_is_reopened_after_years_but_not_after_three(story: Story) -> None:
    story.in_review(consent={**CONSENT, "valid_until": "2034-03-31"})
    story.must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other")
    story.pass_time(after_months(story.now, 35))
    assert story.says("tanaka", "ReopenCase", reason="other") == ["CaseReopened"]
    story.must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other")
    story.pass_time(after_months(story.now, 37))
    assert story.says("tanaka", "ReopenCase", reason="other") == "case_closed"


def test_an_expired_consent_carries_nothing_when_the_other_is_taken_back(story: Story) -> None:
    """Invariant 3: held, and closed after the wind-down."""
    story.in_review(consent={**CONSENT, "valid_until": "2026-06-30"})
    story.must("arita", "RecordConsent", {**CONSENT, "consent_id": "k2"}).at("2026-07-01T09:00:00+09:00")
    story.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")
    assert story.stands == ("review", "held")
    story.pass_time(timedelta(days=40))
    assert (story.state.status, story.state.disposition) == ("closed", "consent_withdrawn")

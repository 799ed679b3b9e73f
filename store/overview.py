"""One row a case, for boards, lists and the sweep of deadlines; written by the append itself, so never behind."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import Select, and_, func, or_, select, tuple_, union_all

from domain.lending import Grant, grants_of
from domain.records import Record
from domain.state import Case
from domain.terms import Disposition, Origin, Stage, Status
from domain.timers import Deadline, deadlines
from domain.visibility import readers
from store.pool import Pool, Seen, rows
from store.tables import case_overview, entries

_TABLE: Final = case_overview.c
Place: TypeAlias = tuple[datetime, str]
"""Where a page of a list ended: `opened_at` and `case_id` of its last row."""


class Overview(Record):
    """What a list shows of a case, and who may see it."""

    case_id: str
    case_no: str
    stage: Stage
    furthest_stage: Stage
    status: Status
    disposition: Disposition | None = None
    origin: Origin
    company_id: str | None = None
    coordinator_id: str | None = None
    title: str | None = None
    readers: tuple[str, ...] = ()
    """Such as `bank:jfs-fukuoka` or `person:sato`."""
    opened_at: datetime
    updated_at: datetime
    next_due_at: datetime | None = None
    """The earliest deadline, None when nothing can fall due."""
    version: int = 0
    """The last event's version; given by the append, left out by the writer, as `position` is."""
    position: int = 0
    lending: tuple[Grant, ...] | None = None
    """What lenders may learn of the case; None in a row from before there was a feed: nothing."""


def overview_of(case: Case, due: Sequence[Deadline] | None = None) -> Overview:
    """The row of *case*, which waits for *due* (worked out when it is None)."""
    due = deadlines(case) if due is None else due
    return Overview(
        case_id=case.case_id,
        case_no=case.case_no,
        stage=case.stage,
        furthest_stage=case.furthest_stage,
        status=case.status,
        disposition=case.disposition,
        origin=case.origin,
        company_id=case.company_id,
        coordinator_id=case.coordinator_id,
        title=case.need.title if case.need else None,
        readers=readers(case),
        opened_at=case.opened_at,
        updated_at=case.updated_at,
        next_due_at=due[0].due_at if due else None,
        lending=grants_of(case),
    )


class Overviews:
    """Reads the overview. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._seen = Seen(pool)

    async def case(self, case_id: str) -> Overview | None:
        """The row of *case_id*, None when there is no such case."""
        found = await rows(self._seen, select(case_overview).where(_TABLE.case_id == case_id))
        return Overview(**found[0]) if found else None

    async def cases(
        self,
        *,
        readers: Collection[str] | None,
        status: Status | None = None,
        stage: Stage | None = None,
        merged_too: bool = False,
        after: Place | None = None,
        limit: int = 50,
    ) -> list[Overview]:
        """Cases, newest first, that one of *readers* may see (None: all); the next page comes *after* the last row.

        With *merged_too* those that were merged are among them whatever their stage and status: they go on elsewhere.
        """
        statement = select(case_overview).order_by(_TABLE.opened_at.desc(), _TABLE.case_id.desc()).limit(limit)
        if readers is not None:
            statement = statement.where(_TABLE.readers.overlap(list(readers)))
        wanted = [column == one.value for column, one in ((_TABLE.status, status), (_TABLE.stage, stage)) if one]
        if wanted:
            merged = _TABLE.disposition == Disposition.merged.value
            statement = statement.where(or_(and_(*wanted), merged) if merged_too else and_(*wanted))
        return [Overview(**row) for row in await rows(self._seen, _after(statement, after))]

    async def due(self, now: datetime, grace: timedelta, *, limit: int = 500) -> list[str]:
        """The cases whose earliest deadline passed more than *grace* before *now*, the longest overdue first."""
        statement = select(_TABLE.case_id).where(_TABLE.next_due_at < now - grace).order_by(_TABLE.next_due_at)
        return [row["case_id"] for row in await rows(self._seen, statement.limit(limit))]

    async def waiting(self) -> list[str]:
        """All cases that wait for a deadline, the nearest first: those whose workflow has to run."""
        statement = select(_TABLE.case_id).where(_TABLE.next_due_at.is_not(None)).order_by(_TABLE.next_due_at)
        return [row["case_id"] for row in await rows(self._seen, statement)]

    async def next_due(self, until: datetime) -> datetime | None:
        """The earliest deadline of any case or entry that is not later than *until*."""
        both = union_all(select(_TABLE.next_due_at), select(entries.c.next_due_at)).subquery()
        statement = select(func.min(both.c.next_due_at).label("due")).where(both.c.next_due_at <= until)
        found = await rows(self._seen, statement)
        return found[0]["due"] if found else None

    async def of_company(self, company_id: str, *, limit: int) -> list[Overview]:
        """The company's open cases, the newest first."""
        mine = select(case_overview).where(_TABLE.readers.overlap([f"company:{company_id}"]))
        going = mine.where(_TABLE.status != Status.closed.value).order_by(_TABLE.opened_at.desc(), _TABLE.case_id)
        return [Overview(**row) for row in await rows(self._seen, going.limit(limit))]

    async def of_reader(self, reader: str) -> list[str]:
        """The ids of all cases that *reader*, such as `bank:jfs-fukuoka`, may list."""
        statement = select(_TABLE.case_id).where(_TABLE.readers.overlap([reader])).order_by(_TABLE.case_id)
        return [row["case_id"] for row in await rows(self._seen, statement)]


def _after(statement: Select[object], place: Place | None) -> Select[object]:
    if place is None:
        return statement
    return statement.where(tuple_(_TABLE.opened_at, _TABLE.case_id) < place)

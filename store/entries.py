"""One row an entry of the catalogue or a dossier, written by the append itself: what it is, and what falls due next."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, select

from domain.catalogue.dossier_events import Dossier
from domain.catalogue.entry import Entry
from domain.records import Record
from store.pool import Pool, Seen, rows
from store.tables import entries

_TABLE: Final = entries.c


class EntryRow(Record):
    """What a list shows of an entry, and what the clock does to it next."""

    stream: str
    kind: str
    entry_id: str
    about: str | None = None
    """The case that a dossier is about."""
    standing: str
    due_command: str | None = None
    next_due_at: datetime | None = None
    body: dict[str, Any]
    """The entry's state."""
    version: int = 0
    """The last event's version; given by the append, left out by the writer, as `position` is."""
    position: int = 0


def row_of(stream: str, entry: Entry) -> EntryRow:
    """The row of *entry*."""
    due = entry.due()
    return EntryRow(
        stream=stream,
        kind=stream.removesuffix(f"-{entry.entry_id}"),
        entry_id=entry.entry_id,
        about=entry.case_id if isinstance(entry, Dossier) else None,
        standing=entry.standing,
        due_command=due.command if due else None,
        next_due_at=due.at if due else None,
        body=entry.model_dump(mode="json", exclude_none=True, exclude={"entry_id", "version", "updated_at"}),
    )


class Entries:
    """Reads the rows. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._seen = Seen(pool)

    async def entry(self, stream: str) -> EntryRow | None:
        """The row of *stream*, None when there is no such entry."""
        found = await rows(self._seen, select(entries).where(_TABLE.stream == stream))
        return EntryRow(**found[0]) if found else None

    async def of_kind(self, kind: str, *, after: str = "", limit: int = 50) -> list[EntryRow]:
        """Entries of one *kind*, by id, those *after* an id."""
        statement = select(entries).where(_TABLE.kind == kind, _TABLE.entry_id > after)
        found = await rows(self._seen, statement.order_by(_TABLE.entry_id).limit(limit))
        return [EntryRow(**row) for row in found]

    async def about(self, case_id: str) -> list[EntryRow]:
        """The dossiers of a case, by id."""
        statement = select(entries).where(_TABLE.about == case_id).order_by(_TABLE.stream)
        return [EntryRow(**row) for row in await rows(self._seen, statement)]

    async def cases_of_lender(self, lender_id: str) -> list[str]:
        """The cases that *lender_id* has dossiers of."""
        mine = and_(_TABLE.kind == "dossier", _TABLE.body["lender_id"].astext == lender_id)
        statement = select(_TABLE.about).where(mine, _TABLE.about.is_not(None)).distinct().order_by(_TABLE.about)
        return [str(row["about"]) for row in await rows(self._seen, statement)]

    async def due(self, now: datetime, grace: timedelta, *, limit: int = 500) -> list[EntryRow]:
        """The entries whose next step is more than *grace* overdue at *now*, the longest first."""
        statement = select(entries).where(_TABLE.next_due_at < now - grace).order_by(_TABLE.next_due_at)
        return [EntryRow(**row) for row in await rows(self._seen, statement.limit(limit))]

"""Projections of states: tables with one row for each case or entry, a pure function of its newest state.

Some are written by the append itself, so they are never behind; the others by the relay, each with a checkpoint.
`store.rebuild` builds any of them anew from the events.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

from domain.records import Record
from domain.state import Case
from domain.streams import State
from store.cases import Cases
from store.entries import row_of
from store.facts import facts_of
from store.follow import Batch, Follower
from store.overview import overview_of
from store.pool import Connection, rows
from store.tables import case_facts, case_overview, entries


@dataclass(frozen=True)
class Projection:
    """One table and what stands in its rows; both have `version` and `position` of the last event."""

    table: Table
    row: Callable[[str, State], Record | None]
    """The row of the stream in this state, without version and position; None where the stream has no row."""
    is_inline: bool = False
    """Whether `hashi.append` writes it; otherwise the relay does."""

    @property
    def name(self) -> str:
        """The name of the table, and of the follower."""
        return self.table.name

    def values(self, stream: str, state: State, position: int) -> dict[str, Any] | None:
        """The columns of the row, ready to be sent."""
        row = self.row(stream, state)
        if row is None:
            return None
        told = row.model_dump(mode="json") | {"version": state.version, "position": position}
        return {one.name: _sent(one.type, told[one.name]) for one in self.table.columns}


PROJECTIONS: Final[Mapping[str, Projection]] = {
    one.name: one
    for one in (
        Projection(
            case_overview, lambda _, state: overview_of(state) if isinstance(state, Case) else None, is_inline=True
        ),
        Projection(
            entries, lambda stream, state: None if isinstance(state, Case) else row_of(stream, state), is_inline=True
        ),
        Projection(case_facts, lambda _, state: facts_of(state) if isinstance(state, Case) else None),
    )
}
"""Every projection by name. A new one is a table and a line here."""


def projecting(projection: Projection, cases: Cases) -> Follower:
    """The follower that keeps *projection* up to date."""

    async def project(connection: Connection, batch: Batch) -> None:
        found = []
        for stream, (version, position) in batch.newest.items():
            state = await cases.state(stream, version)
            assert state is not None
            found.append(projection.values(stream, state, position))
        if kept := [one for one in found if one is not None]:
            await rows(connection, putting(projection.table, kept))

    return Follower(projection.name, project, size=200)


def asynchronous(cases: Cases) -> list[Follower]:
    """The followers of all projections that the append does not write."""
    return [projecting(one, cases) for one in PROJECTIONS.values() if not one.is_inline]


def putting(table: Table, values: Iterable[Mapping[str, Any]]) -> Insert:
    """The statement that writes rows into *table*, over those with the same key."""
    adding = insert(table).values(list(values))
    keys = [one.name for one in table.primary_key]
    changed = {one.name: adding.excluded[one.name] for one in table.columns if one.name not in keys}
    return adding.on_conflict_do_update(index_elements=keys, set_=changed)


def _sent(kind: object, value: Any) -> Any:
    return Jsonb(value) if isinstance(kind, JSONB) else value

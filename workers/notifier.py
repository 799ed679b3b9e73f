"""Follows the events and writes who is to be told of them into the outbox (`domain.notices`)."""

from collections.abc import Sequence

from domain.catalogue.dossier_events import Dossier
from domain.catalogue.entry import Entry
from domain.entry_notices import entry_notices
from domain.envelope import Event
from domain.notices import Notice, notices
from domain.state import Case
from domain.streams import State
from store.cases import Cases
from store.connect import Store
from store.follow import Batch, Follower
from store.notices import adding
from store.pool import Connection, rows


def telling(store: Store, cases: Cases) -> Follower:
    """The follower that writes the outbox."""

    async def tell(connection: Connection, batch: Batch) -> None:
        told = await told_of(store, cases, [event for _, event in batch.events])
        if told:
            await rows(connection, adding(told))

    return Follower("notices", tell, size=100)


async def told_of(store: Store, cases: Cases, events: Sequence[Event]) -> list[dict[str, object]]:
    """The rows of the outbox that *events*, in order, bring about."""
    found = []
    for event in events:
        state = await cases.state(event.stream, event.version)
        if isinstance(state, Case):
            told = [(one.case_id or state.case_id, one) for one in notices(state, event)]
        else:
            told = await _beside_the_cases(cases, state, event)
        found += [(event.event_id, about, event.recorded_at, one) for about, one in told]
    return await store.notices.rows_of(found, await store.clock.now()) if found else []


async def _beside_the_cases(cases: Cases, entry: State | None, event: Event) -> list[tuple[str, Notice]]:
    assert isinstance(entry, Entry)
    about = None
    if isinstance(entry, Dossier):
        stream = f"case-{entry.case_id}"
        about = (await cases.named([stream])).get(stream)
    case = about if isinstance(about, Case) else None
    return [(entry.entry_id, one) for one in entry_notices(entry, event, case)]

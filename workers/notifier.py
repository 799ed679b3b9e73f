"""Follows the events and writes who is to be told of them into the outbox (`domain.notices`)."""

from collections.abc import Sequence

from domain.envelope import Event
from domain.notices import notices
from domain.state import Case
from domain.streams import CASE
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
        if not event.stream.startswith(f"{CASE}-"):
            continue
        case = await cases.state(event.stream, event.version)
        assert isinstance(case, Case)
        found += [(event.event_id, one.case_id or case.case_id, event.recorded_at, one) for one in notices(case, event)]
    return await store.notices.rows_of(found, await store.clock.now()) if found else []

"""One clock, which stands where a test puts it and nowhere else moves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from ledger_notes import new_stream, note_types, notes

import migrations
from store.append import Appended, AppendRefused
from store.clock import Clock, ClockFixed
from store.connect import Store

THEN = datetime(2026, 4, 1, 0, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def fixed(new_database: Callable[[str | None], Awaitable[str]]) -> AsyncIterator[tuple[str, Store]]:
    """A store as in production: its clock was never made movable."""
    url = await new_database(None)
    migrations.upgrade(url)
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        yield url, store


async def test_a_production_clock_does_not_move(fixed: tuple[str, Store]) -> None:
    url, store = fixed
    before = await store.clock.now()
    for moving in (store.clock.move(THEN), store.clock.move(THEN, freeze=False), store.clock.release()):
        with pytest.raises(ClockFixed):
            await moving
    assert before <= await store.clock.now()
    await Clock.make_movable(url)
    assert await store.clock.move(THEN) == THEN


async def test_a_frozen_clock_stands_still(store: Store) -> None:
    await store.clock.move(THEN)
    assert {await store.clock.now() for _ in range(3)} == {THEN}
    assert (await store.desk.briefing("1", "c1", [])).now == THEN


async def test_a_released_clock_goes_on_from_where_it_stood(store: Store) -> None:
    await store.clock.move(THEN)
    released = await store.clock.release()
    later = await store.clock.now()
    assert THEN <= released < later < THEN + timedelta(hours=1)


async def test_a_moved_clock_goes_on(store: Store) -> None:
    far = datetime(2031, 12, 31, tzinfo=UTC)
    await store.clock.move(far, freeze=False)
    first, second = await store.clock.now(), await store.clock.now()
    assert far <= first < second < far + timedelta(hours=1)


async def test_events_go_by_the_moved_clock(store: Store) -> None:
    await store.clock.move(THEN)
    assert isinstance(await store.ledger.append(notes(new_stream(), 0, "c1", at=THEN)), Appended)
    with pytest.raises(AppendRefused, match="clock"):
        await store.ledger.append(notes(new_stream(), 0, "c1", at=datetime.now(UTC)))

"""The one way to write: in order, once, all or nothing, whoever else writes."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from ledger_notes import new_stream, note, note_types, notes, overview
from psycopg.types.json import Jsonb

from domain.canonical import NotCanonical
from domain.envelope import Event
from store.append import Append, Appended, AppendRefused, Conflict, Duplicate, NaturalKey, ReferenceTaken
from store.codec import UnknownEvent, encode
from store.connect import Store, StoreUnreachable
from store.pool import fetch

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


async def writer(url: str, streams: int, events: int) -> asyncio.subprocess.Process:
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, str(HERE / "ledger_writer.py"), url, str(streams), str(events)]
    return await asyncio.create_subprocess_exec(*command, env={**os.environ, "PYTHONPATH": paths})


async def test_a_follower_misses_nothing_while_two_processes_write(new_database: Callable[[], Awaitable[str]]) -> None:
    url = await new_database()
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        writers = [await writer(url, 20, 20) for _ in range(2)]
        ends = asyncio.gather(*(one.wait() for one in writers))
        seen: list[int] = []
        done = False
        while not done:
            done = ends.done()
            seen += [position for position, _ in await store.ledger.bodies(seen[-1] if seen else 0, 50)]
            done = done and len(seen) >= 800
            assert not ends.done() or (await ends) == [0, 0]
        assert seen == list(range(1, 801))


async def test_the_same_command_counts_once_and_gets_its_first_answer(store: Store) -> None:
    stream = new_stream()
    assert isinstance(await store.ledger.append(notes(stream, 0, "c1", 3)), Appended)
    await store.ledger.append(notes(stream, 3, "c2"))
    assert await store.ledger.append(notes(stream, 0, "c1", 3)) == Duplicate(1, 3)
    assert await store.ledger.append(notes(stream, 4, "c1", 1)) == Duplicate(1, 3)
    assert await store.ledger.head(stream) == 4


async def test_an_append_for_another_version_conflicts(store: Store) -> None:
    stream = new_stream()
    await store.ledger.append(notes(stream, 0, "c1", 2))
    assert await store.ledger.append(notes(stream, 0, "c2")) == Conflict(2)
    assert await store.ledger.append(notes(stream, 7, "c3")) == Conflict(2)


async def test_of_writers_at_one_version_one_wins(store: Store) -> None:
    stream = new_stream()
    outcomes = await asyncio.gather(*(store.ledger.append(notes(stream, 0, f"c{n}")) for n in range(20)))
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
    assert outcomes.count(Conflict(1)) == 19


async def test_what_waits_together_is_written_in_the_order_of_asking(store: Store) -> None:
    stream = new_stream()
    outcomes = await asyncio.gather(*(store.ledger.append(notes(stream, n, f"c{n}")) for n in range(100)))
    assert [outcome.last_version for outcome in outcomes if isinstance(outcome, Appended)] == list(range(1, 101))


async def test_an_append_the_database_cannot_take_harms_no_other(store: Store) -> None:
    first = note(new_stream(), 1, "c1")
    await store.ledger.append(Append(first.stream, 0, "c1", (first,)))
    twice = note(new_stream(), 1, "c1").model_copy(update={"event_id": first.event_id})
    bad = Append(twice.stream, 0, "c1", (twice,))
    group = [*(notes(new_stream(), 0, "c1") for _ in range(5)), bad, *(notes(new_stream(), 0, "c1") for _ in range(5))]
    outcomes = await asyncio.gather(*map(store.ledger.append, group), return_exceptions=True)
    assert isinstance(outcomes.pop(5), psycopg.errors.UniqueViolation)
    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    positions = [position for position, _ in await store.ledger.bodies(0, 10_000)]
    assert positions == list(range(1, len(positions) + 1))


async def test_a_banks_reference_belongs_to_one_case_for_ever(store: Store) -> None:
    streams = [new_stream(), new_stream()]
    keys = [NaturalKey("b1", "F-2026-0031", stream, b"print") for stream in streams]
    assert isinstance(await store.ledger.append(notes(streams[0], 0, "c1", referral=keys[0])), Appended)
    assert await store.ledger.append(notes(streams[1], 0, "c2", referral=keys[1])) == ReferenceTaken(streams[0])
    assert await store.ledger.head(streams[1]) == 0
    assert await store.desk.referral("b1", "F-2026-0031") == (streams[0], b"print")
    again = notes(streams[0], 1, "c3", referral=keys[0])
    assert isinstance(await store.ledger.append(again), Appended)


async def test_a_conflict_takes_no_reference_and_changes_no_overview(store: Store) -> None:
    stream = new_stream()
    beside = {"referral": NaturalKey("b1", "lost", stream, b""), "overview": overview(stream)}
    assert await store.ledger.append(notes(stream, 3, "c1", **beside)) == Conflict(0)
    assert await store.desk.referral("b1", "lost") is None
    assert await store.overview.case(stream) is None


async def test_the_overview_moves_with_its_events(store: Store) -> None:
    stream = new_stream()
    await store.ledger.append(notes(stream, 0, "c1", overview=overview(stream, title="鍛造")))
    outcome = await store.ledger.append(notes(stream, 1, "c2", 2, overview=overview(stream, title="鋳造")))
    row = await store.overview.case(stream)
    assert isinstance(outcome, Appended)
    assert row == overview(stream, title="鋳造", version=3, position=outcome.last_position)


async def test_an_overview_is_restated_only_where_the_stream_stands(store: Store) -> None:
    stream = new_stream()
    await store.ledger.append(notes(stream, 0, "c1", overview=overview(stream)))
    assert await store.ledger.restate(stream, 1, overview(stream, title="new"))
    assert not await store.ledger.restate(stream, 2, overview(stream, title="newer"))
    row = await store.overview.case(stream)
    assert row is not None
    assert (row.title, row.version) == ("new", 1)


async def test_a_time_off_the_clock_is_refused(store: Store) -> None:
    for minutes in (-6, 6):
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        with pytest.raises(AppendRefused, match="clock"):
            await store.ledger.append(notes(new_stream(), 0, "c1", at=moment))


def test_events_that_do_not_follow_are_no_append() -> None:
    stream = new_stream()
    for events in [(), (note(stream, 2, "c1"),), (note(stream, 1, "other"),), (note("case-2", 1, "c1"),)]:
        with pytest.raises(ValueError, match="do not follow"):
            Append(stream, 0, "c1", events)


async def test_the_database_itself_refuses_events_out_of_order(store: Store) -> None:
    stream = new_stream()
    for event in (note(stream, 2, "c1"), note(stream, 1, "c2"), note(new_stream(), 1, "c1")):
        given = [Jsonb([{"stream": stream, "expected": 0, "command": "c1", "count": 1}]), [encode(event)]]
        query = b"SELECT outcome FROM hashi.append(%s, %s)"
        assert await fetch(store.pool, query, given) == [("disorder",)]
    assert await store.ledger.head(stream) == 0


async def test_an_event_without_canonical_form_is_not_sent(store: Store) -> None:
    stream = new_stream()
    with pytest.raises(NotCanonical):
        await store.ledger.append(Append(stream, 0, "c1", (bad_note(stream),)))
    assert await store.ledger.head(stream) == 0


def bad_note(stream: str) -> Event:
    good = note(stream, 1, "c1")
    return good.model_copy(update={"data": good.data.model_copy(update={"count": 0.5})})


async def test_a_stream_is_read_in_part_or_whole(store: Store) -> None:
    stream = new_stream()
    await store.ledger.append(notes(stream, 0, "c1", 5))
    versions = [event.version for event in await store.ledger.read(stream)]
    assert versions == [1, 2, 3, 4, 5]
    assert [event.version for event in await store.ledger.read(stream, after=1, up_to=3)] == [2, 3]
    assert await store.ledger.read(new_stream()) == []


async def test_followers_get_events_with_their_positions(store: Store) -> None:
    stream = new_stream()
    outcome = await store.ledger.append(notes(stream, 0, "c1", 2))
    assert isinstance(outcome, Appended)
    followed = await store.ledger.read_all(outcome.last_position - 2, 2)
    assert [(position, event.version) for position, event in followed] == [
        (outcome.last_position - 1, 1),
        (outcome.last_position, 2),
    ]


async def test_an_event_this_code_does_not_know_stops_the_read(store: Store) -> None:
    stream = new_stream()
    unknown = note(stream, 1, "c1").model_copy(update={"type": "NoteBurnt"})
    await store.ledger.append(Append(stream, 0, "c1", (unknown,)))
    with pytest.raises(UnknownEvent):
        await store.ledger.read(stream)


async def test_each_append_wakes_those_who_listen(store: Store, url: str) -> None:
    connecting = psycopg.AsyncConnection.connect(url.replace("+psycopg", "", 1), autocommit=True)
    async with await connecting as listener:
        await listener.execute("LISTEN hashi_events")
        outcome = await store.ledger.append(notes(new_stream(), 0, "c1"))
        told = [int(note.payload) async for note in listener.notifies(stop_after=1, timeout=10)]
    assert isinstance(outcome, Appended)
    assert told[-1] >= outcome.last_position


async def test_the_columns_repeat_the_body(
    store: Store, as_owner: Callable[..., Awaitable[list[object]]], url: str
) -> None:
    stream = new_stream()
    await store.ledger.append(notes(stream, 0, "c1", 2))
    same = await as_owner(
        url,
        """SELECT bool_and(body ->> 'event_id' = event_id::text AND body ->> 'command_id' = command_id
               AND (body ->> 'version')::int = version AND (body ->> 'recorded_at')::timestamptz = recorded_at
               AND body ->> 'stream' = stream)
           FROM (SELECT event_id, command_id, version, recorded_at, stream,
                        convert_from(body, 'UTF8')::jsonb AS body FROM hashi.events) AS kept""",
    )
    assert same == [(True,)]


async def test_a_caller_who_leaves_takes_nobody_with_him(store: Store) -> None:
    streams = [new_stream() for _ in range(30)]
    waiting = [asyncio.create_task(store.ledger.append(notes(stream, 0, "c1"))) for stream in streams]
    await asyncio.sleep(0)
    for one in waiting[::2]:
        one.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, Appended) for outcome in outcomes[1::2])


async def test_closing_waits_for_what_is_under_way(url: str) -> None:
    stream = new_stream()
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        waiting = asyncio.create_task(store.ledger.append(notes(stream, 0, "c1")))
        await asyncio.sleep(0)
    assert isinstance(await waiting, Appended)
    with pytest.raises(StoreUnreachable):
        await store.ledger.append(notes(stream, 1, "c2"))

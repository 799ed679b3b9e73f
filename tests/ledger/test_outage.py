"""Lost connections: nothing lost, nothing doubled, and an answer in the end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from ledger_notes import new_stream, note_types, notes
from sqlalchemy import make_url

import migrations
from store.append import Appended, Duplicate, Outcome
from store.clock import Clock
from store.connect import Store, StoreUnreachable
from store.pool import connect_arguments

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
KILL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'hashi'
"""


async def insist(store: Store, stream: str, version: int) -> Outcome:
    """Send the same append until there is an answer, as an activity does."""
    wanted = notes(stream, version, f"c{version}")
    while True:
        try:
            return await store.ledger.append(wanted)
        except StoreUnreachable:
            await asyncio.sleep(0.01)


async def fill(store: Store, stream: str, count: int) -> None:
    for version in range(count):
        assert isinstance(await insist(store, stream, version), Appended | Duplicate)


async def test_cut_connections_lose_and_double_nothing(store: Store, as_owner: Run, url: str) -> None:
    streams = [new_stream() for _ in range(16)]
    filling = asyncio.gather(*(fill(store, stream, 25) for stream in streams))
    kills = 0
    while not filling.done():
        kills += len(await as_owner(url, KILL))
        await asyncio.sleep(0.03)
    await filling
    assert kills > 0
    for stream in streams:
        events = await store.ledger.read(stream)
        assert [event.command_id for event in events] == [f"c{version}" for version in range(25)]
    positions = [position for position, _ in await store.ledger.bodies(0, 10_000)]
    assert positions == list(range(1, 401))


async def test_after_a_cut_the_next_call_finds_a_new_connection(store: Store, as_owner: Run, url: str) -> None:
    await asyncio.gather(*(store.clock.now() for _ in range(20)))
    assert await as_owner(url, KILL)
    assert await store.clock.now()


async def test_a_store_that_is_away_says_so(
    new_database: Callable[[], Awaitable[str]], as_owner: Run, server: object
) -> None:
    url = await new_database()
    name = make_url(url).database
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        elsewhere = make_url(url).set(database="postgres").render_as_string(hide_password=False)
        await as_owner(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await as_owner(elsewhere, KILL.replace("current_database()", f"'{name}'"))
        calls = [
            store.ledger.append(notes(new_stream(), 0, "c1")),
            store.ledger.head("case-1"),
            store.ledger.read_all(0, 10),
            store.desk.briefing("1", "c1", []),
            store.desk.seal("c1", case_id="1", name="X", org_id="o", body=b"", fingerprint=b""),
            store.keys.who("hk_0_1"),
            store.directory.organization("o"),
            store.documents.keep(b"", "text/plain", None, "o"),
            store.overview.due(datetime.now(UTC), timedelta()),
            store.clock.now(),
        ]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnreachable] * len(calls)
        await as_owner(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert isinstance(await insist(store, new_stream(), 0), Appended)


async def test_a_store_that_was_never_there_says_so_at_once(url: str) -> None:
    nowhere = make_url(url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StoreUnreachable, match="nowhere"):
        async with Store.open(nowhere, [bytes(32)]):
            pass
    with pytest.raises(StoreUnreachable, match="nowhere"):
        migrations.check(nowhere)
    with pytest.raises(StoreUnreachable, match="nowhere"):
        await Clock.make_movable(nowhere)


def test_several_hosts_may_be_named() -> None:
    arguments = connect_arguments("postgresql+psycopg://u:p@/hashi?host=a&host=b&target_session_attrs=read-write")
    assert (arguments["host"], arguments["target_session_attrs"]) == ("a,b", "read-write")
    assert (arguments["user"], arguments["password"], arguments["dbname"]) == ("u", "p", "hashi")
    assert "role=hashi_app" in arguments["options"]

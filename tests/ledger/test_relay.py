"""Relays: one leads and lets all followers go on; whatever ends, another goes on where it stood."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from ledger_notes import new_stream, notes

import workers.relay
from audit.log import LOG
from store import lead
from store.connect import Store
from store.follow import Batch, Follower
from store.pool import Connection
from workers.relay import end, relay_for_ever

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
ROOT = Path(__file__).parent.parent.parent
LEADER = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 4919412003::bigint % (2^32)::bigint
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@asynccontextmanager
async def relay(url: str, store: Store, *everybody: Follower) -> AsyncIterator[None]:
    """A relay in this process."""
    going = asyncio.ensure_future(relay_for_ever(url, store, everybody=everybody or [LOG]))
    try:
        yield
        assert not going.done()
    finally:
        await end(going)


async def relay_process(url: str) -> asyncio.subprocess.Process:
    """A relay as in production."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HASHI_", "TEMPORAL_"))}
    key = base64.b64encode(bytes(32)).decode()
    environment = {**kept, "HASHI_DATABASE_URL": url, "HASHI_MASTER_KEY": key, "HASHI_LOG_LEVEL": "error"}
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "workers.cli", "relay", cwd=ROOT, env=environment)


async def handled(store: Store, name: str = LOG.name) -> None:
    """Wait until *name* has handled all there is."""
    async with asyncio.timeout(60):
        while await store.following.position(name) < await store.following.head():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def leader(as_owner: Run, url: str, *not_this: object) -> object:
    """The session that leads, once there is one other than *not_this*."""
    async with asyncio.timeout(60):
        while True:
            for (pid,) in await as_owner(url, LEADER):
                if pid not in not_this:
                    return pid
            await asyncio.sleep(0.05)


async def test_when_the_leading_relay_is_killed_another_takes_over(store: Store, as_owner: Run, url: str) -> None:
    first, second = await relay_process(url), await relay_process(url)
    await leader(as_owner, url)
    third = None
    for killed in (first, second):
        await store.ledger.append(notes(new_stream(), 0, "c1", 5))
        await handled(store)
        assert len(await as_owner(url, LEADER)) == 1
        killed.send_signal(SIGKILL)
        await killed.wait()
        third = third or await relay_process(url)
    await store.ledger.append(notes(new_stream(), 0, "c1", 5))
    await handled(store)
    assert third is not None
    third.send_signal(SIGTERM)
    assert await third.wait() == 0
    assert await as_owner(url, LEADER) == []


async def test_a_follower_that_fails_holds_up_no_other_and_is_tried_again(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.relay, "PERIOD", 0.05)
    tries: list[int] = []

    async def fails(_: Connection, batch: Batch) -> None:
        tries.append(batch.last)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    await store.ledger.append(notes(new_stream(), 0, "c1", 5))
    async with relay(url, store, Follower("fails", fails), LOG):
        await handled(store)
        await handled(store, "fails")
    assert tries == [tries[0]] * 3


async def test_an_append_wakes_the_followers(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (workers.relay, lead):
        monkeypatch.setattr(module, "PERIOD", 600)
    async with relay(url, store):
        await handled(store)
        for _ in range(20):
            await store.ledger.append(notes(new_stream(), 0, "c1"))
            await handled(store)


async def test_a_lost_notification_is_made_up_for_by_looking(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead, "_LISTEN", "SELECT")
    async with relay(url, store):
        await handled(store)
        await store.ledger.append(notes(new_stream(), 0, "c1"))
        await handled(store)


async def test_a_relay_that_lost_its_session_leads_again(store: Store, as_owner: Run, url: str) -> None:
    async with relay(url, store):
        first = await leader(as_owner, url)
        await as_owner(url, f"SELECT pg_terminate_backend({first}, 5000)")
        await store.ledger.append(notes(new_stream(), 0, "c1"))
        await leader(as_owner, url, first)
        await handled(store)


async def test_a_relay_that_leads_no_more_lets_nobody_go_on(store: Store, as_owner: Run, url: str) -> None:
    async with relay(url, store):
        first = await leader(as_owner, url)
        async with relay(url, store):
            await asyncio.sleep(0)
            assert await leader(as_owner, url) == first
    assert await as_owner(url, LEADER) == []

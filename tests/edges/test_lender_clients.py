"""The lender's clients in the documentation do what they say, as processes of their own."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from temporalio.client import Client

from activities.webhooks import Webhooks
from gateway.app import create_app
from gateway.settings import GatewaySettings
from store.connect import Store
from workers.case_worker import case_worker

sys.path.append(str(Path(__file__).parent))

from test_http_endpoints import lent, removed, stands
from test_http_feed import newest

Call = Callable[..., Any]
CLIENTS = Path(__file__).parents[2] / "docs" / "client"


@pytest.fixture(scope="module", autouse=True)
async def worker(engine: Client, store: Store) -> AsyncIterator[None]:
    """A worker that may push to this machine."""
    async with case_worker(engine, store, webhooks=Webhooks(loopback=True)):
        yield


@pytest.fixture(scope="module")
def app(store: Store, engine: Client) -> FastAPI:
    """A gateway of a development machine."""
    return create_app(store, engine, settings=GatewaySettings(webhooks_to_loopback=True))


@asynccontextmanager
async def client(name: str, *words: str, **environment: str) -> AsyncIterator[asyncio.StreamReader]:
    """The client *name* as a process; what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, CLIENTS / name, *words, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def lines(output: asyncio.StreamReader, count: int) -> list[str]:
    async with asyncio.timeout(20):
        return [(await output.readline()).decode().strip() for _ in range(count)]


async def test_the_receiver_answers_the_challenge_and_takes_signed_events(
    call: Call, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.endpoints.AGAIN", (timedelta(milliseconds=200),) * 50)  # the receiver starts later
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    body = {"url": f"http://127.0.0.1:{port}/", "after": await newest(call, store)}
    made = (await call("endo").post("/v1/feed/endpoints", json=body)).json()
    async with client("lender_receiver.py", port, HASHI_WEBHOOK_SECRET=made["secret"]) as output:
        assert await lines(output, 1) == [port]
        await stands(call, made, "active")
        case = await lent(call, store)
        found = [one.split() for one in await lines(output, 3)]
    assert [one[1] for one in found] == [case] * 3
    assert [one[0] for one in found] == sorted(one[0] for one in found)
    assert all("/v1/feed/events/" in one[3] for one in found)
    await removed(call, made)


async def test_the_consumer_goes_on_where_it_was_stopped(
    call: Call, store: Store, address: str, keys: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / "position.txt"
    place.write_text(str(await newest(call, store)))
    told = {"HASHI_URL": address, "HASHI_API_KEY": keys["endo"]}
    first = await lent(call, store)
    async with client("lender_consumer.py", str(place), **told) as output:
        found = await lines(output, 3)
        second = await lent(call, store)
        found += await lines(output, 3)
    assert [one.split()[1] for one in found] == [first] * 3 + [second] * 3
    third = await lent(call, store)
    async with client("lender_consumer.py", str(place), **told) as output:
        again = [one.split()[1] for one in await lines(output, 3)]
    assert set(again) <= {second, third}

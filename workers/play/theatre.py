"""Where scripts are played: a throw-away stack in one process, or a running system at a URL."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import uvicorn
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from domain.envelope import CENTER, Organization, Person
from domain.terms import OrganizationKind, Role
from gateway.app import GatewaySettings, create_app
from store.clock import Clock
from store.connect import Store
from workers.case_worker import case_worker
from workers.embedded import throwaway
from workers.sweeper import sweep

_AT_ONCE = timedelta(microseconds=-1)


@dataclass(frozen=True)
class Machine:
    """The parts of a throw-away stack that move its clock."""

    store: Store
    client: Client

    async def stand_at(self, moment: datetime) -> None:
        """Set the clock to *moment* and let it stand still."""
        await self.store.clock.move(moment)

    async def advance(self, moment: datetime) -> None:
        """Let time pass until *moment*, stopping at every deadline on the way so that it acts at its own time."""
        while True:
            due = await self.store.overview.next_due(moment)
            if due is None:
                break
            await self.stand_at(max(due, await self.store.clock.now()))
            await sweep(self.client, self.store, grace=_AT_ONCE)
        await self.stand_at(moment)


@dataclass(frozen=True)
class Theatre:
    """A system to play on: its address, an administrator's key, and its machine where the clock may move."""

    url: str
    admin_key: str
    machine: Machine | None = None


@asynccontextmanager
async def opened(*, ui: bool = False) -> AsyncIterator[Theatre]:
    """A throw-away stack with gateway and worker in this process; everything of it is removed at the end."""
    async with throwaway(search_attributes=SEARCH_ATTRIBUTES, ui=ui) as stack:
        client_connecting = Client.connect(stack.temporal_address, data_converter=pydantic_data_converter)
        _, client = await asyncio.gather(asyncio.to_thread(migrations.upgrade, stack.database_url), client_connecting)
        await Clock.make_movable(stack.database_url)
        async with (
            Store.open(stack.database_url, [secrets.token_bytes(32)]) as store,
            case_worker(client, store, sandboxed=False),
            _served(store, client) as url,
        ):
            yield Theatre(url, await administrator(store), Machine(store, client))


async def administrator(store: Store) -> str:
    """The key of an administrator, made together with the center."""
    center = Organization(org_id=CENTER, kind=OrganizationKind.center, name="九州地域産学官交流センター")
    await store.directory.register_organization(center)
    admin = Person(person_id="admin", role=Role.administrator, org_id=CENTER, name="管理者")
    await store.directory.register_person(admin)
    return await store.directory.issue("admin", "play")


@asynccontextmanager
async def _served(store: Store, client: Client) -> AsyncIterator[str]:
    # With the protocol named asyncio sets TCP_NODELAY; without it every answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = create_app(store, client, settings=GatewaySettings())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


def caller(theatre: Theatre, key: str) -> httpx.AsyncClient:
    """An HTTP client that acts with *key*."""
    headers = {"Authorization": f"Bearer {key}", "Accept-Language": "en"}
    return httpx.AsyncClient(base_url=theatre.url, headers=headers, timeout=60, trust_env=False)

"""Where scripts are played: throw-away servers with a database for each script, or a running system at a URL."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
import psycopg
import uvicorn
from psycopg import sql
from sqlalchemy import make_url
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from activities.papers import Printer
from audit.log import seal
from audit.signing import signers_of
from domain.envelope import CENTER, Organization, Person
from domain.likeness import SUSPECT_FROM
from domain.terms import OrganizationKind, Role
from gateway.app import GatewaySettings, create_app
from store.cases import Cases
from store.clock import Clock
from store.connect import Store
from store.follow import Follower
from store.pool import connect_arguments
from workers.case_worker import case_worker
from workers.embedded import throwaway
from workers.relay import end, followers, relay_for_ever
from workers.sweeper import sweep

_AT_ONCE: Final = timedelta(microseconds=-1)
_TRIES: Final = 50


@dataclass(frozen=True)
class Servers:
    """Running servers and a migrated database that is the pattern of each stage's own."""

    database_url: str
    client: Client


@dataclass(frozen=True)
class Machine:
    """The parts of a stage that move its clock."""

    store: Store
    client: Client
    followers: Sequence[Follower]

    async def settle(self) -> None:
        """Let everything that follows the events catch up with them, and seal them."""
        for one in self.followers:
            await self.store.following.catch_up(one)
        await seal(self.store.pool, signers_of(self.store.seals))

    async def stand_at(self, moment: datetime) -> None:
        """Set the clock to *moment* and let it stand still."""
        await self.store.clock.move(moment)

    async def advance(self, moment: datetime) -> None:
        """Let time pass until *moment*, stopping at every deadline on the way so that it acts at its own time.

        Raises RuntimeError for a deadline that is due and changes nothing: a fault of ours.
        """
        again = 0
        last = None
        while (due := await self.store.overview.next_due(moment)) is not None:
            again = again + 1 if due == last else 0
            if again > _TRIES:
                raise RuntimeError(f"a deadline of {due.isoformat()} is due and changes nothing")
            last = due
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
async def servers(*, ui: bool = False) -> AsyncIterator[Servers]:
    """Throw-away servers; everything of them is removed at the end."""
    async with throwaway(search_attributes=SEARCH_ATTRIBUTES, ui=ui) as stack:
        client, _ = await asyncio.gather(
            Client.connect(stack.temporal_address, data_converter=pydantic_data_converter),
            asyncio.to_thread(migrations.upgrade, stack.database_url),
        )
        await Clock.make_movable(stack.database_url)
        yield Servers(stack.database_url, client)


@asynccontextmanager
async def stage(running: Servers) -> AsyncIterator[Theatre]:
    """A system of its own on *running* servers: database, worker and gateway in this process."""
    url = await _own_database(running.database_url)
    async with Store.open(url, [secrets.token_bytes(32)]) as store:
        states = Cases(store.ledger)
        everybody = followers(store)
        async with (
            case_worker(
                running.client, store, cases=states, papers=Printer(store), alike=SUSPECT_FROM, sandboxed=False
            ),
            _relayed(url, store, everybody),
            _served(store, running.client, states) as address,
        ):
            yield Theatre(address, await administrator(store), Machine(store, running.client, everybody))


@asynccontextmanager
async def _relayed(url: str, store: Store, everybody: Sequence[Follower]) -> AsyncIterator[None]:
    relaying = asyncio.ensure_future(relay_for_ever(url, store, everybody=everybody))
    try:
        yield
    finally:
        await end(relaying)


async def _own_database(pattern: str) -> str:
    name = f"stage_{secrets.token_hex(4)}"
    url = make_url(pattern)
    arguments = {**connect_arguments(pattern, role=None), "dbname": "postgres", "autocommit": True}
    async with await psycopg.AsyncConnection.connect(**arguments) as connection:
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        await connection.execute(query.format(sql.Identifier(name), sql.Identifier(url.database or "")))
    return url.set(database=name).render_as_string(hide_password=False)


async def administrator(store: Store) -> str:
    """The key of an administrator, made together with the center."""
    center = Organization(org_id=CENTER, kind=OrganizationKind.center, name="九州地域産学官交流センター")
    await store.directory.register_organization(center)
    admin = Person(person_id="admin", role=Role.administrator, org_id=CENTER, name="管理者")
    await store.directory.register_person(admin)
    return await store.keys.issue("admin", "play")


@asynccontextmanager
async def _served(store: Store, client: Client, states: Cases) -> AsyncIterator[str]:
    # With the protocol named asyncio sets TCP_NODELAY; without it every answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = create_app(store, client, settings=GatewaySettings(), shared=states)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag only
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

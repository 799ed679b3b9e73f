"""A whole system as in production, to be measured or broken: servers, a worker process, a gateway process, people."""

import asyncio
import base64
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from subprocess import Popen
from typing import Final

import httpx
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from domain.envelope import CENTER, Organization, Person
from domain.terms import OrganizationKind
from store.clock import Clock
from store.connect import Store
from workers.embedded import Stack, throwaway
from workers.embedded.process import spawn, tail
from workers.play.script import Script
from workers.up.children import Child

_READY: Final = 30.0
_TOLD: Final = frozenset({"prefecture", "country", "corporate_number", "indirect_rate", "payment_first"})
"""What an organization of a script may say of itself beside its kind and name."""


class NotReady(Exception):
    """A process of the stand did not begin to answer; the message has the end of its log."""


@dataclass(frozen=True)
class Stand:
    """What runs: the servers, our two processes, and the keys of the script's people."""

    stack: Stack
    store: Store
    engine: Client
    worker: Child
    gateway: Child
    port: int
    keys: Mapping[str, str]
    home: Path
    environment: Mapping[str, str]

    async def ready(self) -> None:
        """Wait until the gateway and what is behind it answer. Raises NotReady."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while not await _answers(client, f"http://127.0.0.1:{self.port}/readyz"):
                if self.gateway.has_ended() is not None or loop.time() > deadline:
                    raise NotReady(f"the gateway does not answer; the end of its log:\n{tail(self.gateway.log)}")
                await asyncio.sleep(0.02)

    def beside(self, module: str, *words: str) -> "Popen[bytes]":
        """One more process of ours, `python -m` *module*, which ends with this one."""
        program = [sys.executable, "-P", "-m", module, *words]
        return spawn(program, log=self.home / "logs" / f"{module}.log", cwd=self.home, env=self.environment)

    @asynccontextmanager
    async def people(self) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
        """An HTTP client for every person."""
        async with AsyncExitStack() as opened:
            yield {name: await opened.enter_async_context(self._client(key)) for name, key in self.keys.items()}

    def _client(self, key: str) -> httpx.AsyncClient:
        headers, url = {"Authorization": f"Bearer {key}"}, f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30)


def kill(child: Child) -> None:
    """Kill -9 *child* and wait until it is gone."""
    assert child.pid is not None
    os.kill(child.pid, SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    child.has_ended()  # reaps it


@asynccontextmanager
async def stand(script: Script, *, fast: bool = False) -> AsyncIterator[Stand]:
    """A throw-away system with the people of *script*, its clock movable; *fast* leaves out fsync."""
    with tempfile.TemporaryDirectory(prefix="hashi-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "logs").mkdir()
        async with throwaway(search_attributes=SEARCH_ATTRIBUTES, fast=fast) as stack, AsyncExitStack() as ends:
            await asyncio.to_thread(migrations.upgrade, stack.database_url)
            await Clock.make_movable(stack.database_url)
            key, port = secrets.token_bytes(32), _free_port()
            store = await ends.enter_async_context(Store.open(stack.database_url, [key]))
            keys = await _register(store, script)
            environment = _environment(stack, home, key, port)
            worker, gateway = Child("worker", home, environment), Child("gateway", home, environment)
            for child in (worker, gateway):
                child.start()
                ends.push_async_callback(child.stop)
            engine = await Client.connect(stack.temporal_address, data_converter=pydantic_data_converter)
            running = Stand(stack, store, engine, worker, gateway, port, keys, home, environment)
            await running.ready()
            yield running


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(stack: Stack, home: Path, key: bytes, port: int) -> dict[str, str]:
    """As `hashi up` tells its processes, without what the caller's own environment says of other servers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "HASHI_"))}
    return kept | {
        "HASHI_HOME": str(home),
        "HASHI_MASTER_KEY": base64.b64encode(key).decode(),
        "HASHI_DATABASE_URL": stack.database_url,
        "HASHI_PORT": str(port),
        "HASHI_RATE_LIMIT": "0",
        "HASHI_WEBHOOKS_TO_LOOPBACK": "1",
        "HASHI_DUPLICATE_LIKENESS": "2",  # all needs of a bench are the same
        "TEMPORAL_ADDRESS": stack.temporal_address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


async def _register(store: Store, script: Script) -> dict[str, str]:
    """Everybody in *script*, and a key for each."""
    center = Organization(org_id=CENTER, kind=OrganizationKind.center, name=CENTER)
    await store.directory.register_organization(center)
    for org_id, org in script.orgs.items():
        more = {name: value for name, value in org.model_dump(exclude_none=True).items() if name in _TOLD}
        told = Organization.model_validate({"org_id": org_id, "kind": org.kind, "name": org.name or org_id, **more})
        await store.directory.register_organization(told)
    for person_id, one in script.people.items():
        person = Person(person_id=person_id, role=one.role, org_id=one.org, name=one.name or person_id)
        await store.directory.register_person(person)
    return {person_id: await store.keys.issue(person_id, "bench") for person_id in script.people}

"""A throw-away stack as in production: gateway and worker are processes of their own, which a test may kill."""

import asyncio
import base64
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from subprocess import Popen
from typing import Final

import httpx
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from bench.bare import ADDRESS
from bench.wire import Wire
from store.clock import Clock
from store.connect import Store
from workers.embedded import EmbeddedServerError, Stack, throwaway
from workers.embedded.process import end, mark_of, spawn, tail

HOST: Final = "127.0.0.1"
_OURS: Final = ("HASHI_", "TEMPORAL_")
_READY: Final = 30.0


@dataclass
class Process:
    """One process of ours that can be killed and started again; it dies with us."""

    words: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(repr=False)
    _running: Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._running is not None
        return self._running.pid

    def start(self) -> None:
        """Start it, in a session of its own."""
        program = [sys.executable, "-P", "-m", *self.words]
        self._running = spawn(program, log=self.log, cwd=self.log.parent, env=self.environment)

    def kill(self) -> None:
        """Kill -9 it, and wait for its end."""
        os.kill(self.pid, SIGKILL)
        assert self._running is not None
        self._running.wait()

    async def stop(self) -> None:
        """End it, gently first."""
        if self._running is not None and self._running.poll() is None:
            await end(mark_of(self._running), ((SIGTERM, 10.0), (SIGKILL, 5.0)))
            self._running.wait()

    def require(self) -> None:
        """Raises EmbeddedServerError with the end of its log when it has ended by itself."""
        if self._running is not None and self._running.poll() is not None:
            raise EmbeddedServerError(f"{' '.join(self.words)} ended:\n{tail(self.log)}", "")


@dataclass(frozen=True)
class Stand:
    """Everything that runs, and the bench's own ways into it."""

    stack: Stack
    store: Store
    engine: Client
    port: int
    worker: Process
    gateway: Process
    folder: Path

    def wire(self) -> Wire:
        """A connection to the gateway."""
        return Wire(HOST, self.port)

    def process(self, name: str, *words: str, **changes: str) -> Process:
        """One more process with the settings of the others and *changes* in its environment."""
        return Process(words, self.folder / f"{name}.log", {**self.worker.environment, **changes})


@asynccontextmanager
async def opened(*, fast: bool = False) -> AsyncIterator[Stand]:
    """A stand whose gateway answers. Raises EmbeddedServerError."""
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(throwaway(search_attributes=SEARCH_ATTRIBUTES, fast=fast))
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        await Clock.make_movable(stack.database_url)
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="hashi-bench-")))
        key, port = secrets.token_bytes(32), _free_port()
        environment = _environment(stack, key, port)
        stand = Stand(
            stack=stack,
            store=await exits.enter_async_context(Store.open(stack.database_url, [key], size=4)),
            engine=await Client.connect(stack.temporal_address, data_converter=pydantic_data_converter),
            port=port,
            worker=Process(("workers.cli", "worker"), folder / "worker.log", environment),
            gateway=Process(("workers.cli", "gateway"), folder / "gateway.log", environment),
            folder=folder,
        )
        for process in (stand.worker, stand.gateway):
            exits.push_async_callback(process.stop)
            process.start()
        await answers(stand)
        yield stand


async def answers(stand: Stand) -> None:
    """Wait until the gateway is ready. Raises EmbeddedServerError when it does not become so."""
    deadline = time.monotonic() + _READY
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while not await _is_ready(client, f"http://{HOST}:{stand.port}/readyz"):
            stand.worker.require()
            stand.gateway.require()
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"The gateway does not answer:\n{tail(stand.gateway.log)}", "")
            await asyncio.sleep(0.05)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


def _environment(stack: Stack, key: bytes, port: int) -> dict[str, str]:
    """What a process in production is told, and nothing that this shell says of another system."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {
        **others,
        "HASHI_DATABASE_URL": stack.database_url,
        "HASHI_MASTER_KEY": base64.b64encode(key).decode(),
        "HASHI_HOST": HOST,
        "HASHI_PORT": str(port),
        ADDRESS: stack.temporal_address,
        "TEMPORAL_NAMESPACE": stack.temporal_namespace,
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])

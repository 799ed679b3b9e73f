"""The course of `hashi up`: servers, schema, first people, our processes; then watch over all until told to stop."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import structlog

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from store.connect import Store, StoreUnreachable
from store.pool import fetch
from store.sealing import SealBroken
from workers.embedded import Stack, start
from workers.embedded.process import tail
from workers.processes import NotServed, listen, stop_signal
from workers.settings import Settings, SettingsFault
from workers.up.children import Child, Server
from workers.up.home import HomeInUse, UpHome
from workers.up.people import has_administrator, register

_GLANCE: Final = 0.3
"""Seconds between two looks at what runs."""
_READY: Final = 60.0
_LAST_SEALED: Final = "SELECT command_id, sealed_body FROM hashi.commands ORDER BY received_at DESC LIMIT 1"

log = structlog.get_logger("hashi")


class AlreadyUp(Exception):
    """Another `hashi up` serves this home; the message says where."""


@dataclass(frozen=True)
class Wishes:
    """What the caller of `hashi up` asked for."""

    ui: bool = True
    ui_port: int | None = None
    temporal_port: int | None = None


@dataclass
class Running:
    """What runs, for whoever wants to print it; `pid` changes when a process is started again."""

    home: UpHome
    url: str
    children: tuple[Child, ...]
    """Gateway, worker and relay."""
    stack: Stack | None = None
    servers: list[Server] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Addresses and pids, as `hashi up --json` prints them and `up.json` keeps them."""
        return {
            "url": self.url,
            "openapi": f"{self.url}/v1/openapi.json",
            "temporal_ui": self.stack.temporal_ui if self.stack else None,
            "temporal_address": self.stack.temporal_address if self.stack else os.environ.get("TEMPORAL_ADDRESS"),
            "home": str(self.home.path),
            "keys": str(self.home.keys),
            "environment": str(self.home.environment),
            "people": sorted(self.home.people()),
            "pid": os.getpid(),
            **{f"{one.name}_pid": one.pid for one in self.children},
        }


async def up(settings: Settings, wishes: Wishes, on_ready: Callable[[Running], None]) -> None:
    """Serve everything until SIGINT or SIGTERM, then stop it cleanly; *on_ready* hears once all answer.

    Raises AlreadyUp, SettingsFault, EmbeddedServerError, NotServed.
    """
    stopping = stop_signal()
    home = UpHome.at(settings.home)
    with _held(home):
        listen(settings).close()  # a taken port is told before anything is started
        serving = asyncio.ensure_future(_serve(settings, home, wishes, on_ready, stopping))
        waiting = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not serving.done():
            log.info("stopping")
            serving.cancel()  # once: a second signal only sets the event again
        with contextlib.suppress(asyncio.CancelledError):
            await serving


@contextlib.contextmanager
def _held(home: UpHome) -> Iterator[None]:
    try:
        descriptor = home.take()
    except HomeInUse as error:
        where = error.record.get("url", "its address is not known yet")
        raise AlreadyUp(
            f"`hashi up` runs already on {home.path} (pid {error.record.get('pid', '?')}): {where}. "
            "Stop that one first, or set HASHI_HOME to another folder."
        ) from error
    except OSError as error:
        raise SettingsFault(
            f"HASHI_HOME: {home.path} cannot be used: {error.strerror}; set it to a folder you may write to"
        ) from error
    try:
        yield
    finally:
        home.forget()
        os.close(descriptor)


async def _serve(
    settings: Settings, home: UpHome, wishes: Wishes, on_ready: Callable[[Running], None], stopping: asyncio.Event
) -> None:
    """Serve until cancelled; *stopping* still tells where that got lost (wait_for of Python 3.11 swallows some)."""
    embedded = not _names_others(settings, home)
    if not settings.master_keys():
        home.ensure_master_key()
        settings = settings.model_copy(update={"master_key_file": home.master_key})
    async with _servers(home, wishes, embedded=embedded) as stack:
        if stack is not None:
            settings = settings.model_copy(update={"database_url": stack.database_url, "owner_url": None})
        await _prepare(settings, home, demonstration=stack is not None)
        running = _processes(settings, home, stack)
        try:
            for child in running.children:
                child.start()
            await _answers(running)
            home.note(running.record())
            if not stopping.is_set():
                on_ready(running)
            await _watch(running, stopping)
        finally:
            await asyncio.gather(*(child.stop() for child in running.children))


def _processes(settings: Settings, home: UpHome, stack: Stack | None) -> Running:
    """Our own processes, not started yet, and the file that lets a shell start one more."""
    ours = {"HASHI_HOME": str(home.path)}
    if settings.master_key_file is not None:
        ours |= {"HASHI_MASTER_KEY_FILE": os.path.abspath(settings.master_key_file)}
    if stack is not None:
        ours |= {
            "HASHI_DATABASE_URL": stack.database_url,
            "TEMPORAL_ADDRESS": stack.temporal_address,
            "TEMPORAL_NAMESPACE": stack.temporal_namespace,
            "TEMPORAL_CONFIG_FILE": os.devnull,  # a profile in it is meant for another server
        }
    home.keep_environment(ours)
    environment = {
        **_inherited(without_temporal=stack is not None),
        **ours,
        "HASHI_WEBHOOKS_TO_LOOPBACK": "1" if settings.public_url is None else str(int(settings.webhooks_to_loopback)),
        "HASHI_DEPLOYMENT": "",  # one worker after the other: each takes the cases of the one before
        "HASHI_HOST": settings.host,
        "HASHI_PORT": str(settings.port),
    }
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Running(
        home=home,
        url=f"http://{host}:{settings.port}",
        children=tuple(Child(name, home.path, environment) for name in ("gateway", "worker", "relay")),
        stack=stack,
        servers=_watched(stack),
    )


@asynccontextmanager
async def _servers(home: UpHome, wishes: Wishes, *, embedded: bool) -> AsyncIterator[Stack | None]:
    """The embedded servers; None where others are named."""
    if not embedded:
        yield None
        return
    stack = await start(
        home.path,
        ui=wishes.ui,
        ui_port=wishes.ui_port,
        temporal_port=wishes.temporal_port,
        search_attributes=SEARCH_ATTRIBUTES,
        log=log,
    )
    try:
        yield stack
    finally:
        await stack.stop()


def _names_others(settings: Settings, home: UpHome) -> bool:
    """Whether the environment names servers other than our own, which a shell does that has read `up.env`."""
    if settings.database_url is not None and settings.database_url == home.servers().get("database_url"):
        return False
    named = {
        "HASHI_DATABASE_URL": settings.database_url,
        "TEMPORAL_ADDRESS": os.environ.get("TEMPORAL_ADDRESS") or os.environ.get("TEMPORAL_PROFILE"),
    }
    missing = [name for name, value in named.items() if not value]
    if len(missing) == 1:
        raise SettingsFault(f"{missing[0]}: not set, but the other server is; name both, or neither for embedded ones")
    return not missing


async def _prepare(settings: Settings, home: UpHome, *, demonstration: bool) -> None:
    """Bring the schema up to date, and see that somebody can begin."""
    url = settings.database_url
    assert url is not None
    try:
        await asyncio.to_thread(migrations.upgrade, settings.owner() or url)
        async with Store.open(url, settings.master_keys(), size=2) as store:
            await _require_the_same_key(store)
            if demonstration or not await has_administrator(store):
                await register(store, home, demonstration=demonstration)
    except StoreUnreachable as error:
        raise NotServed(f"PostgreSQL (HASHI_DATABASE_URL): {error}") from error


async def _require_the_same_key(store: Store) -> None:
    """Raises SettingsFault when what is kept was sealed with a key that is lost here."""
    for command_id, sealed in await fetch(store.pool, _LAST_SEALED):
        try:
            store.seals.unseal(sealed, command_id)
        except SealBroken as error:
            raise SettingsFault(
                f"HASHI_MASTER_KEY: the data were sealed with another key ({error}); "
                "put that one back into the home's master.key, or set HASHI_HOME to a new folder"
            ) from error


def _inherited(*, without_temporal: bool) -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not (without_temporal and name.startswith("TEMPORAL_")) and name != "HASHI_API_KEY"
    }


def _watched(stack: Stack | None) -> list[Server]:
    if stack is None:
        return []
    return [
        Server("postgresql", lambda: stack.postgres_pid, stack.restart_postgres),
        Server("temporal", lambda: stack.temporal_pid, stack.restart_temporal),
    ]


async def _answers(running: Running) -> None:
    """Wait until the gateway answers. Raises NotServed with the end of a log when a process ends instead."""
    deadline = time.monotonic() + _READY
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while not await _is_ready(client, running.url):
            for child in running.children:
                if child.has_ended() is not None or time.monotonic() > deadline:
                    raise NotServed(f"the {child.name} did not start; the end of {child.log}:\n{tail(child.log)}")
            await asyncio.sleep(0.05)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).is_success
    except httpx.TransportError:
        return False


async def _watch(running: Running, stopping: asyncio.Event) -> None:
    """Start again whatever ends, until *stopping*."""
    while not stopping.is_set():
        await asyncio.sleep(_GLANCE)
        for server in running.servers:
            await server.mend()
        if any([child.mend() for child in running.children]):
            running.home.note(running.record())

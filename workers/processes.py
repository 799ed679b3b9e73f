"""The production processes: worker, gateway and relay, each configured by the environment alone."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
import uvicorn
from temporalio.client import Client

import migrations
from activities.papers import Printer
from activities.webhooks import Webhooks
from console import add_console
from gateway.app import create_app
from store.cases import Cases
from store.connect import Store
from store.pool import StoreUnreachable
from workers.build import deployment
from workers.case_worker import case_worker
from workers.intake_worker import intake_worker
from workers.relay import end, relay_for_ever
from workers.settings import Settings, SettingsFault, connect_temporal
from workers.sweeper import sweep_for_ever

_DRAIN: Final = 10
"""Seconds that requests under way get when the gateway stops."""
_BACKLOG: Final = 1024

log = structlog.get_logger("hashi")


class NotServed(Exception):
    """A server this process needs does not answer; the message names it."""


class SchemaUnfit(Exception):
    """The database's schema is not the one this code needs."""


async def run_worker(settings: Settings) -> None:
    """Serve the cases, and sweep for overdue ones, until SIGTERM or SIGINT; what is under way then ends.

    Raises NotServed, SchemaUnfit, SettingsFault.
    """
    async with _servers(settings) as (client, store):
        stopping = stop_signal()
        build, cases, sandboxed = (
            deployment(settings.deployment, settings.build_id),
            Cases(store.ledger),
            settings.sandbox,
        )
        async with (
            case_worker(
                client,
                store,
                cases=cases,
                papers=Printer(store),
                alike=settings.duplicate_likeness,
                sandboxed=sandboxed,
                cached=settings.cached_cases,
                webhooks=Webhooks(loopback=settings.webhooks_to_loopback),
                address=settings.address(),
                build=build,
            ),
            intake_worker(client, store, cases=cases, sandboxed=sandboxed, build=build),
        ):
            log.info("worker_started", namespace=client.namespace, sandboxed=sandboxed, build=build.version.build_id)
            await _until(stopping, sweep_for_ever(client, store))
            log.info("worker_stopping")
    log.info("worker_stopped")


async def run_gateway(settings: Settings) -> None:
    """Answer HTTP until SIGTERM or SIGINT; requests under way then get ten seconds.

    Raises NotServed, SchemaUnfit, SettingsFault.
    """
    _require_named(settings)
    listening = listen(settings)
    async with _servers(settings) as (client, store):
        stopping = stop_signal()
        app = add_console(create_app(store, client, settings=settings.gateway()))
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=settings.behind_proxy,
                timeout_graceful_shutdown=_DRAIN,
            )
        )
        log.info("gateway_started", host=settings.host, port=settings.port)
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        await asyncio.wait([serving, asyncio.ensure_future(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await store.hearing.close()  # streams and long polls end by themselves, the others get their time
        await serving
    log.info("gateway_stopped")


async def run_relay(settings: Settings) -> None:
    """Let the followers of the events go on, whenever no other relay does, until SIGTERM or SIGINT.

    Raises NotServed, SchemaUnfit, SettingsFault.
    """
    mail, signers = settings.mail_server(), settings.log_signers()
    url, _ = _require_named(settings)
    async with _store(settings) as store:
        stopping = stop_signal()
        log.info("relay_started")
        await _until(stopping, relay_for_ever(url, store, mail=mail, sealed_by=signers))
    log.info("relay_stopped")


class _Server(uvicorn.Server):
    """uvicorn without signal handling of its own: it would raise the signal again and end us half-closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(settings: Settings) -> socket.socket:
    """The socket of the gateway. Raises SettingsFault when the port is taken or the address not ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named asyncio sets TCP_NODELAY; without it every answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        why = "it is in use" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise SettingsFault(
            f"HASHI_PORT: cannot listen on port {settings.port} of {settings.host}: {why}; "
            "choose another (HASHI_PORT, or hashi up --port)"
        ) from error
    return listening


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, instead of what they do otherwise."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


@asynccontextmanager
async def _servers(settings: Settings) -> AsyncIterator[tuple[Client, Store]]:
    async with _store(settings) as store:
        yield await temporal(settings), store


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    url, keys = _require_named(settings)
    await asyncio.to_thread(require_schema, url)
    try:
        async with Store.open(url, keys, size=settings.database_connections) as store:
            yield store
    except StoreUnreachable as error:
        raise NotServed(f"PostgreSQL (HASHI_DATABASE_URL): {error}") from error


def _require_named(settings: Settings) -> tuple[str, list[bytes]]:
    """The database's URL and the master keys. Raises SettingsFault when either is not set."""
    if settings.database_url is None:
        raise SettingsFault("HASHI_DATABASE_URL: not set; `hashi up` serves everything on one machine without it")
    keys = settings.master_keys()
    if not keys:
        raise SettingsFault("HASHI_MASTER_KEY: neither it nor HASHI_MASTER_KEY_FILE is set")
    return settings.database_url, keys


async def temporal(settings: Settings) -> Client:
    """The client of Temporal. Raises NotServed, SettingsFault."""
    try:
        return await connect_temporal(settings)
    except RuntimeError as error:
        raise NotServed(f"Temporal (TEMPORAL_ADDRESS): {error}") from error


def require_schema(url: str) -> None:
    """Raises SchemaUnfit with what is wrong, NotServed when the database does not answer."""
    try:
        problems = migrations.check(url)
    except StoreUnreachable as error:
        raise NotServed(f"PostgreSQL (HASHI_DATABASE_URL): {error}") from error
    if problems:
        raise SchemaUnfit(" ".join(problems))


async def _until(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do *work* until *stopping*; raises what *work* raised."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        await end(working, waiting)

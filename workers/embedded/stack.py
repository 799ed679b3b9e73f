"""The pair of servers: start, stop, break and mend; and throw-away pairs for demonstrations and tests."""

import asyncio
import contextlib
import os
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

import structlog.typing

from workers.embedded.errors import EmbeddedServerError
from workers.embedded.home import LOCK, Home, lock
from workers.embedded.namespace import NAMESPACE
from workers.embedded.place import Place, find, remove
from workers.embedded.postgres import FAST_SHUTDOWN, IMMEDIATE_SHUTDOWN, Postgres
from workers.embedded.temporal import AT_ONCE, GRACEFUL, HOST, Temporal, Wishes

THROWAWAY = "hashi-throwaway-"
ABANDONED = 3600.0  # seconds after which a throw-away folder that nobody holds is a killed process's
NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})

Log = structlog.typing.FilteringBoundLogger


class Options(TypedDict, total=False):
    """The options of `start`, which see."""

    ui: bool
    temporal_port: int | None
    ui_port: int | None
    search_attributes: Mapping[str, str]
    in_memory_temporal: bool
    fast: bool
    log: Log | None


class Stack:
    """A running pair of servers; they end with the process, and with the thread, that started them."""

    def __init__(self, home: Home, place: Place, postgres: Postgres, temporal: Temporal, log: Log | None) -> None:
        self._home = home
        self._place = place
        self._postgres = postgres
        self._temporal = temporal
        self._log = log
        self._ending: asyncio.Task[None] | None = None

    @property
    def database_url(self) -> str:
        """The SQLAlchemy address of the database `hashi` for its owner, a superuser; libpq's without `+psycopg`."""
        return self._postgres.url().replace("postgresql:", "postgresql+psycopg:", 1)

    @property
    def temporal_address(self) -> str:
        """Host and port of Temporal's gRPC service."""
        return f"{HOST}:{self._temporal.port}"

    @property
    def temporal_ui(self) -> str | None:
        """The address of Temporal's web pages, None when they were not asked for."""
        return None if self._temporal.ui_port is None else f"http://{HOST}:{self._temporal.ui_port}"

    @property
    def temporal_namespace(self) -> str:
        """The one namespace in use; closed runs stay 30 days."""
        return NAMESPACE

    @property
    def postgres_pid(self) -> int:
        """The process id of PostgreSQL. Raises EmbeddedServerError while it is killed."""
        return self._postgres.pid

    @property
    def temporal_pid(self) -> int:
        """The process id of Temporal. Raises EmbeddedServerError while it is killed."""
        return self._temporal.pid

    async def stop(self) -> None:
        """Stop Temporal, then PostgreSQL, cleanly; again is nothing. Goes to its end when the caller is cancelled."""
        await self._end(gently=True)

    async def discard(self) -> None:
        """End both servers at once and remove all their data; after `stop` it does nothing."""
        await self._end(gently=False)

    async def kill_postgres(self) -> None:
        """Kill -9 PostgreSQL with all its backends."""
        await self._postgres.kill()

    async def restart_postgres(self) -> None:
        """Kill PostgreSQL if it runs and start it on the same socket and data; clients reconnect by themselves."""
        await self._postgres.kill()
        await self._postgres.serve()

    async def kill_temporal(self) -> None:
        """Kill -9 Temporal."""
        await self._temporal.kill()

    async def restart_temporal(self) -> None:
        """Kill Temporal if it runs and start it on the same port and data; in memory it begins with nothing."""
        await self._temporal.kill()
        await self._temporal.serve()

    async def lose_temporal(self) -> None:
        """Kill Temporal, remove all it knew, and start it on the same port: it begins with nothing."""
        await self._temporal.kill()
        self._temporal.forget()
        await self._temporal.serve()

    async def _start(self) -> None:
        await _both(self._postgres.start(), self._temporal.start())
        self._home.note(database_url=self.database_url, temporal_address=self.temporal_address)
        if self._log is not None:
            self._log.info("embedded_servers_started", temporal_address=self.temporal_address)

    async def _end(self, *, gently: bool) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end_both(gently=gently))
        await asyncio.shield(self._ending)

    async def _end_both(self, *, gently: bool) -> None:
        try:
            await self._temporal.stop(GRACEFUL if gently else AT_ONCE)
        finally:
            try:
                await self._postgres.stop(FAST_SHUTDOWN if gently else IMMEDIATE_SHUTDOWN)
            finally:
                if not gently:
                    remove(self._home.path)  # before the lock is given back
                self._place.release()
                self._home.release()
        if self._log is not None:
            self._log.info("embedded_servers_stopped")


async def _both(*starts: Coroutine[Any, Any, None]) -> None:
    """Run all to their ends, so that a failure leaves nothing half-started, then raise the first failure."""
    for outcome in await asyncio.gather(*starts, return_exceptions=True):
        if outcome is not None:
            raise outcome


async def start(
    home: Path,
    *,
    ui: bool = False,
    temporal_port: int | None = None,
    ui_port: int | None = None,
    search_attributes: Mapping[str, str] = NO_ATTRIBUTES,
    in_memory_temporal: bool = False,
    fast: bool = False,
    log: Log | None = None,
) -> Stack:
    """Start both servers with their data in *home*, after ending what a killed start left there.

    A port of None is last time's, or a free one. *search_attributes* maps names to Temporal's types (`Keyword`…).
    *fast* leaves out fsync, for tests: data outlive a killed server, not a power cut. Call from a thread that lives as
    long as the servers shall. Raises EmbeddedServerError: home not writable or in use, port taken, server fails.
    """
    wishes = Wishes(ui, temporal_port, ui_port, in_memory_temporal, search_attributes)
    taken = Home.take(home)
    try:
        place = find(taken)
    except BaseException:
        taken.release()
        raise
    stack = Stack(taken, place, Postgres(taken, place, fast=fast), Temporal(taken, wishes), log)
    try:
        await stack._start()
    except BaseException:
        await stack.stop()
        raise
    return stack


@asynccontextmanager
async def throwaway(**options: Unpack[Options]) -> AsyncIterator[Stack]:
    """Give a running pair in a folder of its own; afterwards, also on error or cancellation, end and remove both."""
    _sweep(Path(tempfile.gettempdir()))
    home = Path(tempfile.mkdtemp(prefix=THROWAWAY))
    try:
        stack = await start(home, **options)
        try:
            yield stack
        finally:
            await stack.discard()
    finally:
        remove(home)


def _sweep(base: Path) -> None:
    """Remove the throw-away folders of ours whose processes were killed."""
    for home in base.glob(f"{THROWAWAY}*"):
        with contextlib.suppress(OSError, EmbeddedServerError):
            if _is_abandoned(home):
                descriptor = lock(home)
                remove(home)
                os.close(descriptor)


def _is_abandoned(home: Path) -> bool:
    seen = home.lstat()
    ours = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid()
    return ours and time.time() - (home / LOCK).stat().st_mtime > ABANDONED

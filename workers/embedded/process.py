"""Processes of the machine: spawn one that dies with us, know it again later, end it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from workers.embedded.errors import EmbeddedServerError

LAUNCHER = Path(__file__).with_name("launcher.py")
LOG_LIMIT = 5_000_000
LISTENING = "0A"  # the state of a socket in /proc/net/tcp

Ladder = tuple[tuple[signal.Signals, float], ...]
"""Signals to send in turn, each with the seconds to wait for the end."""


class Account(NamedTuple):
    """The user a server runs as; -1 and -1 stand for the user we are."""

    uid: int
    gid: int


OURSELVES = Account(-1, -1)


@dataclass(frozen=True)
class Mark:
    """One process for good: its pid and its start in clock ticks since boot, so that a reused pid is another mark."""

    pid: int
    started: int


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the third on; empty when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def mark(pid: int) -> Mark | None:
    """Return the mark of the process that has *pid* now; None when there is none or it is only waiting to be reaped."""
    fields = _stat(pid)
    return None if not fields or fields[0] in "ZX" else Mark(pid, int(fields[19]))


def is_alive(process: Mark) -> bool:
    """Tell whether exactly this process still runs."""
    return mark(process.pid) == process


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def children(parent: Mark) -> list[Mark]:
    """Return the marks of the direct children that run now."""
    found = []
    for pid in _pids():
        fields = _stat(pid)
        if len(fields) > 19 and fields[1] == str(parent.pid):
            found.append(Mark(pid, int(fields[19])))
    return found


def belongs_to(process: Mark, folder: Path) -> bool:
    """Tell whether the process provably works on *folder*: its current directory or a word of its command line."""
    try:
        current = os.readlink(f"/proc/{process.pid}/cwd")
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return (current == str(folder) or os.fsencode(folder) in words) and is_alive(process)


def listens(process: Mark, port: int) -> bool:
    """Tell whether it is this process, and no other, that listens on TCP *port* of the IPv4 loopback address."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:])
    sockets = {f"socket:[{row[9]}]" for row in rows if row[3] == LISTENING and row[1].endswith(f":{port:04X}")}
    return bool(sockets) and not sockets.isdisjoint(_open_files(process.pid))


def _open_files(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                yield os.readlink(f"/proc/{pid}/fd/{name}")


def spawn(
    program: list[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str],
    account: Account = OURSELVES,
    at_our_death: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start *program* in a session of its own, its output added to *log*; it gets *at_our_death* when we die, however.

    The kernel ties it to the calling thread, not to the process: call from a thread that lives as long as the server.
    """
    words = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(at_our_death))]
    words += [str(account.uid), str(account.gid), *program]
    _make_room(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=env, start_new_session=True
        )


def _make_room(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))


def mark_of(process: subprocess.Popen[bytes]) -> Mark:
    """Return the mark of a child of ours, also when it has ended but was not reaped."""
    fields = _stat(process.pid)
    return Mark(process.pid, int(fields[19]) if fields else -1)


async def is_gone(process: Mark, seconds: float) -> bool:
    """Wait for the end of the process, at most *seconds*; tell whether it came."""
    deadline = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def send(process: Mark, number: signal.Signals) -> None:
    """Send a signal to exactly this process; nothing when it is gone."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


async def end(process: Mark, ladder: Ladder) -> None:
    """End the process by the signals of *ladder*. Raises EmbeddedServerError when it outlives them all."""
    for number, seconds in ladder:
        send(process, number)
        if await is_gone(process, seconds):
            return
    raise EmbeddedServerError(f"Process {process.pid} does not end.", f"end it by hand: kill -9 {process.pid}")


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log file for an error message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])

"""The folder of one pair of servers: its lock, its record `stack.json`, and the private folders around it."""

import fcntl
import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.embedded.errors import EmbeddedServerError, not_writable
from workers.embedded.process import Mark, belongs_to

LOCK = "stack.lock"
RECORD = "stack.json"
PATH_LIMIT = 470  # SQLite takes 512 with the names of Temporal's file and its journal


def _short_enough(path: Path) -> Path:
    if len(os.fsencode(path)) > PATH_LIMIT:
        raise EmbeddedServerError(
            f"The path {path} is longer than {PATH_LIMIT} bytes.", "set HASHI_HOME to a folder with a shorter path."
        )
    return path


def lock(folder: Path) -> int:
    """Take the folder for this process until the returned descriptor is closed. Raises EmbeddedServerError when taken.

    A lock of the kernel: it ends with the process, and no file is ever left behind that says otherwise.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as cause:
        raise not_writable(folder, cause) from cause
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise EmbeddedServerError(
            f"Another `hashi up` (pid {holder}) is using the folder {folder}.",
            "stop that one first, or set HASHI_HOME to another folder.",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def claim(folder: Path, owner: int, mode: int = 0o700) -> bool:
    """Make *folder* with *mode* for the user id *owner*; False when that fails, or it is there and not safely ours.

    The mode of a folder which is there already is judged, never changed.
    """
    try:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            if not _is_safe(folder.lstat(), owner, mode):
                return False
        else:
            folder.chmod(mode)
        os.chown(folder, owner, -1, follow_symlinks=False)
    except OSError:
        return False
    return True


def _is_safe(seen: os.stat_result, owner: int, mode: int) -> bool:
    permitted = stat.S_IMODE(seen.st_mode) & 0o777
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid in {os.getuid(), owner} and permitted == mode


@dataclass(frozen=True)
class Home:
    """A folder that is ours while we run. Make it with `Home.take`, give it back with `release`."""

    path: Path
    descriptor: int

    @classmethod
    def take(cls, path: Path) -> "Home":
        """Make the folder if need be and lock it. Raises EmbeddedServerError: not writable, in use, path too long."""
        try:
            path = _short_enough(path.resolve())
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path / "logs").mkdir(exist_ok=True)
        except OSError as cause:
            raise not_writable(path, cause) from cause
        return cls(path, lock(path))

    def release(self) -> None:
        """Let others use the folder."""
        os.close(self.descriptor)

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that stand for this folder and user where a short name is needed."""
        return hashlib.sha256(f"{os.getuid()}:{self.path}".encode(errors="surrogateescape")).hexdigest()[:12]

    def log(self, name: str) -> Path:
        """Return the log file of one server."""
        return self.path / "logs" / f"{name}.log"

    def record(self) -> dict[str, Any]:
        """Return what was noted, also by an earlier start; empty when there is nothing that can be read."""
        try:
            noted = json.loads((self.path / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def note(self, **entries: Any) -> None:
        """Add entries to the record, whole or not at all; None takes an entry out."""
        merged = {name: value for name, value in (self.record() | entries).items() if value is not None}
        draft = self.path / f"{RECORD}.new"
        draft.write_text(json.dumps(merged, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.path / RECORD)

    def note_process(self, name: str, process: Mark) -> None:
        """Remember a server, so that a later start knows it again if we are killed."""
        self.note(**{name: {"pid": process.pid, "started": process.started}})

    def left_over(self, name: str, folder: Path) -> Mark | None:
        """Return the server that an earlier, killed start left running on *folder*, if it is provably that one."""
        match self.record().get(name):
            case {"pid": int(pid), "started": int(started)} if belongs_to(Mark(pid, started), folder):
                return Mark(pid, started)
        return None

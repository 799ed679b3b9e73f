"""What `hashi up` leaves in its home beside the servers' data: addresses, keys, the environment of its processes.

Imports nothing of the servers, so that a command that only asks a running system starts at once.
"""

import base64
import fcntl
import json
import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DEFAULT_URL: Final = "http://127.0.0.1:8780"
_LOCK: Final = "up.lock"
_GLIMPSES: Final = 20
"""Tries to take the home: a command that asks whether it is served holds it for a moment."""
_ABOUT_KEYS: Final = "Keys of the people on this machine, by id: hashi … --as ID. Keep this file to yourself."


class HomeInUse(Exception):
    """Another `hashi up` serves this home; the record it left says where."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__("in use")
        self.record = record


@dataclass(frozen=True)
class UpHome:
    """The folder HASHI_HOME as `hashi up` and the commands see it."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "UpHome":
        """The home at *path*, which may be relative."""
        return cls(Path(os.path.abspath(path)))

    @property
    def addresses(self) -> Path:
        """Where the running `hashi up` can be found: `up.json`."""
        return self.path / "up.json"

    @property
    def environment(self) -> Path:
        """What a shell needs to start one more process: `up.env`."""
        return self.path / "up.env"

    @property
    def keys(self) -> Path:
        """The API keys made here: `keys.json`."""
        return self.path / "keys.json"

    @property
    def master_key(self) -> Path:
        """The master key made here: `master.key`."""
        return self.path / "master.key"

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.path / "logs"

    def take(self) -> int:
        """Hold the home for this process until the returned descriptor is closed. Raises HomeInUse, OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(_GLIMPSES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return descriptor
        os.close(descriptor)
        raise HomeInUse(self.record())

    def is_served(self) -> bool:
        """Whether a `hashi up` runs here now."""
        try:
            descriptor = os.open(self.path / _LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask do not mistake each other
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def record(self) -> dict[str, Any]:
        """The addresses and pids that `hashi up` noted; empty when there are none."""
        return _read(self.addresses)

    def servers(self) -> dict[str, Any]:
        """What the embedded servers noted: `database_url`, `temporal_address`; empty when there are none."""
        return _read(self.path / "stack.json")

    def people(self) -> dict[str, dict[str, str]]:
        """The people whose keys are kept here, by id."""
        people = _read(self.keys).get("people", {})
        return people if isinstance(people, dict) else {}

    def keep_people(self, people: Mapping[str, Mapping[str, str]]) -> None:
        """Add *people* with their keys."""
        merged = {"about": _ABOUT_KEYS, "people": {**self.people(), **people}}
        write_private(self.keys, json.dumps(merged, ensure_ascii=False, indent=2) + "\n")

    def note(self, record: Mapping[str, Any]) -> None:
        """Write down where everything is."""
        write_private(self.addresses, json.dumps(record, ensure_ascii=False, indent=2) + "\n")

    def forget(self) -> None:
        """Take back the note: nothing runs any more."""
        self.addresses.unlink(missing_ok=True)

    def keep_environment(self, variables: Mapping[str, str]) -> None:
        """Write *variables* as lines a shell reads."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        write_private(self.environment, "".join(lines))

    def ensure_master_key(self) -> None:
        """Make the master key unless there is one."""
        if not self.master_key.exists():
            write_private(self.master_key, base64.b64encode(os.urandom(32)).decode() + "\n")


def write_private(path: Path, text: str) -> None:
    """Write *text* to *path*, readable by us alone, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}

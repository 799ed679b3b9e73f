"""Numbers of one run: percentiles, medians over rounds, processor time and memory, and the document they end in."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from workers.doctor.machine import versions
from workers.embedded.process import children, mark

_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Window:
    """What one side did in one window of one round."""

    latencies: tuple[float, ...]
    """Seconds, one a command, sorted."""
    seconds: float
    """From the first command sent to the last one answered."""
    processor: Mapping[str, float]
    """Seconds of processor time, by process."""

    @property
    def rate(self) -> float:
        """Commands per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in seconds that *share* of the commands did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def told(windows: Sequence[Window], suffix: str, prefix: str = "") -> dict[str, float]:
    """The medians of *windows* by name: milliseconds, commands per second, processor milliseconds a command."""
    found = {
        "p50_ms": median(1000 * one.percentile(0.5) for one in windows),
        "p99_ms": median(1000 * one.percentile(0.99) for one in windows),
        "per_second": median(one.rate for one in windows),
    }
    for name in windows[0].processor:
        found[f"cpu_ms_{name}"] = median(1000 * one.processor[name] / len(one.latencies) for one in windows)
    return {f"{prefix}{name}_{suffix}": round(value, 2) for name, value in found.items()}


def cost(ours: Sequence[Window], theirs: Sequence[Window]) -> float:
    """Our time for one command by theirs, the median over the rounds."""
    return round(median(their.rate / our.rate for our, their in zip(ours, theirs, strict=True)), 3)


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
    except OSError:
        return 0
    return sum(int(one) for one in fields[11:15])  # user, system, and those of children that have ended


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM now."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def document(name: str, figures: Mapping[str, float], ratios: Mapping[str, float]) -> dict[str, Any]:
    """The result of the bench *name*, in the shape that is scripted against (`contract.md` section 6)."""
    return {
        "name": name,
        "figures": dict(figures),
        "ratios": dict(ratios),
        "machine": machine(),
        "versions": versions(),
    }


def machine() -> dict[str, Any]:
    """What we ran on."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }

"""The result of a benchmark as it is read on a terminal."""

from collections.abc import Iterator
from typing import Any, Final

from bench.figures import Figures

_SIDES: Final = {"hashi": "hashi", "bare_temporal": "bare Temporal"}
_PROCESSES: Final = ("client", "gateway", "postgresql", "temporal", "worker", "all")
_HEAD: Final = f"{'clients':>7}  {'':<14}{'per second':>12}{'p50 ms':>10}{'p99 ms':>10}{'cost':>8}"


def lines(found: Figures) -> Iterator[str]:
    """The lines for *found*."""
    yield from _commands(found) if found.name == "command" else _pairs(found)
    record = found.as_record()
    yield f"machine: {_line(record['machine'])}"
    yield f"versions: {_line(record['versions'])}"
    yield from (f"left out: {one}" for one in found.left_out)


def _pairs(found: Figures) -> Iterator[str]:
    """A ratio or a figure a line."""
    for title, many in (("ratios", found.ratios), ("figures", found.figures)):
        yield f"{title}:"
        width = max(map(len, many), default=0)
        yield from (f"  {name:<{width}}  {value:>12,}" for name, value in many.items())


def _commands(found: Figures) -> Iterator[str]:
    """A row a side, for each number of clients."""
    yield _HEAD
    for name, ratio in found.ratios.items():
        clients = name.rpartition("_")[2]
        for side, words in _SIDES.items():
            yield _row(found, clients, side, words, f"{ratio:.2f}x" if side == "hashi" else "1.00x")
    yield "processor ms per command:"
    for name in found.ratios:
        for side, words in _SIDES.items():
            yield f"{name.rpartition('_')[2]:>7}  {words:<14}{_processor(found, side, name.rpartition('_')[2])}"
    memory = found.figures["worker_bytes_per_idle_case"]
    yield f"memory of the worker per idle open case: {memory / 1000:.0f} kB"


def _row(found: Figures, clients: str, side: str, words: str, ratio: str) -> str:
    figures = [found.figures[f"{name}_{side}_{clients}"] for name in ("per_second", "p50_ms", "p99_ms")]
    return f"{clients:>7}  {words:<14}{figures[0]:>12.1f}{figures[1]:>10.1f}{figures[2]:>10.1f}{ratio:>8}"


def _processor(found: Figures, side: str, clients: str) -> str:
    names = [f"cpu_ms_{process}_{side}_{clients}" for process in _PROCESSES]
    return "".join(
        f"  {process} {found.figures[name]:.1f}"
        for process, name in zip(_PROCESSES, names, strict=True)
        if name in found.figures
    )


def _line(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())

"""What an append costs beside a bare INSERT, the library eventsourcing, message-db and pgbench: in turns, in one run.

Ours is `Ledger.append` with everything: canonical bytes, order, idempotency, version check; the leaf hashes follow in a
relay's process that runs beside. `4x8` are four processes with eight writers each.
"""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import migrations
from bench.figures import Figures, Window, median_rate, rate, told
from bench.lag import PACE, lag_figures
from bench.sides import (
    MESSAGE_DB,
    EventSourcing,
    MessageDb,
    Ours,
    RawInsert,
    is_there,
)
from bench.told import Pattern, typical
from bench.turns import Block, NotAccepted, Send, Tell, took, took_blocking
from store.connect import Store
from store.pool import connect_arguments, fetch
from workers.embedded import throwaway
from workers.embedded.place import PROGRAMS, site_packages

PROCESSES, EACH = 4, 8
_PEERS: Final = {
    "eventsourcing": "eventsourcing is not installed: make bench-peers",
    "message_db": f"message-db's SQL is not in {MESSAGE_DB}: make bench-peers gets it by npm",
    "pgbench": "pgbench is not among the programs of the embedded PostgreSQL",
}
"""What is said of a peer that is not there."""
_TPS: Final = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)
_PGBENCH: Final = """
INSERT INTO public.raw_events (stream, version, event_id, type, recorded_at, body)
VALUES ('case-0', 1, gen_random_uuid(), 'NoteRecorded', now(), '\\x{body}');
"""

Measure: TypeAlias = Callable[[int, float], Awaitable[Window]]


@dataclass(frozen=True)
class Plan:
    """How much is measured: at which numbers of writers, in how many rounds of how many seconds for each side."""

    writers: tuple[int, ...] = (1, 8, 32)
    rounds: int = 5
    seconds: float = 3.0
    lag_seconds: float = 10.0


QUICK: Final = Plan(writers=(1, 8), rounds=1, seconds=0.3, lag_seconds=1.0)


@dataclass(frozen=True)
class Measuring:
    """A benchmark under way on one server."""

    plan: Plan
    url: str
    pattern: Pattern
    tell: Tell

    async def all(self) -> Figures:
        """Every side at every number of writers, in turns; then the lag of a follower. Raises NotAccepted."""
        sides = await self._sides()
        figures: dict[str, float] = {}
        ratios: dict[str, float] = {}
        with _beside(self.url):
            for writers in self.plan.writers:
                windows = await self._in_turns(writers, sides)
                figures |= {key: one for name, rounds in windows.items() for key, one in told(name, rounds).items()}
                ratios |= _rates(windows, str(writers))
            windows = await self._processes()
        figures |= {f"per_second_{name}_{PROCESSES}x{EACH}": median_rate(rounds) for name, rounds in windows.items()}
        ratios |= _rates(windows, f"{PROCESSES}x{EACH}")
        self.tell(f"{PACE} appends a second and a follower")
        figures |= await lag_figures(self.url, self.pattern, self.plan.lag_seconds)
        await self._require_order()
        return Figures("append", figures, ratios, [words for name, words in _PEERS.items() if name not in sides])

    async def _sides(self) -> Mapping[str, Measure]:
        raw, pattern = RawInsert(self.url, self.pattern), self.pattern
        await raw.prepare()
        sides: dict[str, Measure] = {
            "hashi": _side(Ours(self.url, pattern).senders),
            "raw_insert": _side(raw.senders),
        }
        if is_there("eventsourcing"):
            sides["eventsourcing"] = _blocking(EventSourcing(self.url, pattern).blocks)
        if MESSAGE_DB.is_dir():
            peer = MessageDb(self.url, pattern)
            await peer.prepare()
            sides["message_db"] = _side(peer.senders)
        if (site_packages() / PROGRAMS / "pgbench").exists():
            sides["pgbench"] = self._pgbench
        return sides

    async def _in_turns(self, writers: int, sides: Mapping[str, Measure]) -> dict[str, list[Window]]:
        windows: dict[str, list[Window]] = {name: [] for name in sides}
        for number in range(1, self.plan.rounds + 1):
            for name, measure in sides.items():
                self.tell(f"{writers} writer(s), round {number} of {self.plan.rounds}: {name}")
                windows[name].append(await measure(writers, self.plan.seconds))
        return windows

    async def _pgbench(self, writers: int, seconds: float) -> Window:
        with tempfile.TemporaryDirectory(prefix="hashi-bench-") as folder:
            script = Path(folder) / "insert.sql"
            script.write_text(_PGBENCH.format(body=self.pattern.body.hex()), encoding="ascii")
            names = connect_arguments(self.url, role=None)
            words = [
                "-n",
                "-M",
                "prepared",
                "-c",
                str(writers),
                "-j",
                str(min(2, writers)),
                "-T",
                str(round(seconds) or 1),
            ]
            where = ["-h", names["host"], "-p", str(names.get("port", 5432)), "-U", names["user"], names["dbname"]]
            program = [str(site_packages() / PROGRAMS / "pgbench"), *words, "-f", str(script), *where]
            done = await asyncio.to_thread(subprocess.run, program, capture_output=True, text=True, check=True)
        found = _TPS.search(done.stdout)
        assert found is not None
        return Window(writers, [writers / float(found[1])])

    async def _processes(self) -> dict[str, list[Window]]:
        windows: dict[str, list[Window]] = {"hashi": [], "raw_insert": []}
        for number in range(1, self.plan.rounds + 1):
            for side, found in windows.items():
                self.tell(f"{PROCESSES} x {EACH} writers, round {number} of {self.plan.rounds}: {side}")
                found.append(await self._from_processes(side))
        return windows

    async def _from_processes(self, side: str) -> Window:
        words = [sys.executable, "-P", "-m", "bench.writer", self.url, side, str(EACH), str(self.plan.seconds)]
        children = [
            await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
            for _ in range(PROCESSES)
        ]
        for one in children:
            assert one.stdout is not None
            await one.stdout.readline()
        answers = await asyncio.gather(*(one.communicate(b"go\n") for one in children))
        return Window(PROCESSES * EACH, [took for out, _ in answers for took in json.loads(out)])

    async def _require_order(self) -> None:
        async with Store.open(self.url, [bytes(32)]) as store:
            [(count, head)] = await fetch(store.pool, "SELECT count(*), max(position) FROM hashi.events")
        if count != head:
            raise NotAccepted(f"{count} events and the last position is {head}")


def _rates(windows: Mapping[str, Sequence[Window]], writers: str) -> dict[str, float]:
    """How ours compares with each peer."""
    ours = windows["hashi"]
    return {f"rate_vs_{name}_{writers}": rate(ours, theirs) for name, theirs in windows.items() if name != "hashi"}


def _side(make: Callable[[int], AbstractAsyncContextManager[list[Send]]]) -> Measure:
    async def measure(writers: int, seconds: float) -> Window:
        async with make(writers) as senders:
            await took(senders, 0)  # once, so that connections and plans are there
            return Window(writers, await took(senders, time.perf_counter() + seconds))

    return measure


def _blocking(make: Callable[[int], AbstractAsyncContextManager[list[Block]]]) -> Measure:
    async def measure(writers: int, seconds: float) -> Window:
        async with make(writers) as blocks:
            await took_blocking(blocks, 0)
            return Window(writers, await took_blocking(blocks, seconds))

    return measure


async def measure(plan: Plan, tell: Tell) -> Figures:
    """Start a server, measure as *plan* says, and remove it. Raises NotAccepted, EmbeddedServerError."""
    tell("starting PostgreSQL")
    async with throwaway(in_memory_temporal=True) as stack:
        await stack.kill_temporal()  # it is not asked
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        return await Measuring(plan, stack.database_url, typical(), tell).all()


@contextmanager
def _beside(url: str) -> Iterator[None]:
    """A relay in its own process that makes the leaf hashes."""
    process = subprocess.Popen([sys.executable, "-P", "-m", "bench.writer", url, "leaves"])
    try:
        yield
    finally:
        process.kill()
        process.wait()

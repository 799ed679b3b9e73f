"""What a command costs, beside a bare Temporal Update with one no-op activity, in turns within one run."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from bench import bare, memory, stand
from bench.course import Course, prepare
from bench.figures import Window, cost, document, told
from bench.runners import Client, Peer, measure
from bench.stand import Process, Stand

NAME: Final = "command"
_PAUSE: Final = 1.2
"""Seconds between two windows, so that what one side left to do (runs that turn over) does not burden the other."""
_BEGINNING: Final = 8
"""How many runs of the peer begin at once."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    clients: tuple[int, ...] = (1, 16, 64)
    rounds: int = 5
    seconds: float = 6.0
    idle_cases: int = 300
    spread: bool = True
    """Whether clients begin at different commands of the course, so that each round sees all of them."""

    @property
    def steps(self) -> int:
        """How many times `Progress` is told something."""
        return 2 * self.rounds * len(self.clients) + 5


QUICK: Final = Plan(rounds=1, seconds=0.8, idle_cases=40, spread=False)
"""Enough to see that everything works; the figures say nothing."""


@dataclass
class _Sides:
    ours: dict[int, list[Window]] = field(default_factory=dict)
    theirs: dict[int, list[Window]] = field(default_factory=dict)


async def run(plan: Plan, progress: Progress) -> dict[str, Any]:
    """The document of the bench. Raises NotAccepted, EmbeddedServerError."""
    progress("starting PostgreSQL, Temporal, worker and gateway")
    async with stand.opened() as here, _peer(here) as peer:
        course = await prepare(here.store)
        progress("spreading the clients over the course")
        clients = [Client(course, here.wire(), f"B{number}") for number in range(max(plan.clients))]
        try:
            await _spread(clients, course, everywhere=plan.spread)
            sides = await _rounds(plan, here, peer, clients, progress)
        finally:
            await asyncio.gather(*(one.close() for one in clients))
        figures = _told(sides) | {"commands": sum(one.sent for one in clients), "commands_of_a_case": len(course.legs)}
        figures |= await memory.measure(here, peer, course, plan.idle_cases, progress)
        figures |= {"rounds": plan.rounds, "seconds": plan.seconds}
        ratios = {
            f"cost_vs_bare_temporal_{count}": cost(sides.ours[count], sides.theirs[count]) for count in sides.ours
        }
    return document(NAME, figures, ratios)


@asynccontextmanager
async def _peer(here: Stand) -> AsyncIterator[Process]:
    process = here.process("bare", bare.__name__)
    process.start()
    try:
        yield process
    finally:
        await process.stop()


async def _spread(clients: Sequence[Client], course: Course, *, everywhere: bool) -> None:
    """Let every client open a case, and go on to a place of its own."""
    places = [1 + (number * len(course.legs)) // len(clients) if everywhere else 1 for number in range(len(clients))]
    await asyncio.gather(
        *(one.advance(min(place, len(course.legs) - 1)) for one, place in zip(clients, places, strict=True))
    )


async def _rounds(plan: Plan, here: Stand, peer: Process, clients: Sequence[Client], progress: Progress) -> _Sides:
    sides = _Sides({count: [] for count in plan.clients}, {count: [] for count in plan.clients})
    servers = {"temporal": here.stack.temporal_pid, "client": os.getpid()}
    ours = {"worker": here.worker.pid, "gateway": here.gateway.pid, "postgresql": here.stack.postgres_pid, **servers}
    theirs = {"worker": peer.pid, **servers}
    for number in range(1, plan.rounds + 1):
        for count in plan.clients:
            progress(f"round {number}, {count} client(s): commands")
            await asyncio.sleep(_PAUSE)
            sides.ours[count].append(await measure(_some(clients, count), plan.seconds, ours))
            progress(f"round {number}, {count} client(s): bare updates")
            sides.theirs[count].append(await _measure_peer(here, count, plan.seconds, theirs))
    return sides


def _some(clients: Sequence[Client], count: int) -> Sequence[Client]:
    """*count* of the clients, from the whole course."""
    return clients[:: len(clients) // count][:count]


async def _measure_peer(here: Stand, count: int, seconds: float, pids: dict[str, int]) -> Window:
    gate = asyncio.Semaphore(_BEGINNING)

    async def begin() -> Peer:
        async with gate:
            peer = Peer(await bare.begin(here.engine, f"bare-{uuid4().hex}"))
            await peer.step()
            return peer

    peers = await asyncio.gather(*(begin() for _ in range(count)))
    await asyncio.sleep(_PAUSE)
    return await measure(peers, seconds, pids)


def _told(sides: _Sides) -> dict[str, float]:
    figures: dict[str, float] = {}
    for count in sides.ours:
        figures |= told(sides.ours[count], str(count)) | told(sides.theirs[count], str(count), "bare_")
    return figures

"""Who sends: a client that runs the course over its cases, and its peer that sends bare Updates."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from uuid import uuid4

from temporalio.client import WorkflowHandle

from bench.bare import Bare
from bench.course import Course, Leg
from bench.figures import Window, processor_seconds
from bench.wire import Answer, Wire

_ACCEPTED: Final = frozenset({200, 201})


class NotAccepted(Exception):
    """A command of the course was not accepted: the bench measures nothing then."""


class Runner(Protocol):
    """Somebody who sends one command after the other."""

    async def step(self) -> None:
        """Send the next command and wait for its answer."""


class Client:
    """A client with one case at a time: after the last command of the course it opens the next case."""

    def __init__(self, course: Course, wire: Wire, name: str) -> None:
        self._course = course
        self._wire = wire
        self._name = name
        self._cases = itertools.count(1)
        self._reference = ""
        self._case_id = ""
        self._place = 0
        self.sent = 0

    async def step(self) -> None:
        """Send the next command. Raises NotAccepted."""
        leg = self._course.legs[self._place]
        if self._place == 0:
            self._reference = f"{self._name}-{next(self._cases)}"
        answer = await self._wire.post(leg.path_in(self._case_id), self._headers(leg), leg.body_for(self._reference))
        _require_accepted(leg, answer)
        if self._place == 0:
            self._case_id = answer.json()["case_id"]
        self._place = (self._place + 1) % len(self._course.legs)
        self.sent += 1

    async def advance(self, to_place: int) -> None:
        """Go on to the command at *to_place* of this case."""
        while self._place < to_place:
            await self.step()

    async def close(self) -> None:
        """Close the connection."""
        await self._wire.close()

    def _headers(self, leg: Leg) -> Mapping[str, str]:
        return {
            "authorization": f"Bearer {self._course.keys[leg.actor]}",
            "idempotency-key": f'"{self._reference}-{self._place}"',
        }


class Peer:
    """A client with one workflow of the peer."""

    def __init__(self, run: WorkflowHandle[Bare, None]) -> None:
        self._run = run

    async def step(self) -> None:
        """Send the next Update, of an id of its own."""
        await self._run.execute_update(Bare.command, "word", id=str(uuid4()))


async def measure(runners: Sequence[Runner], seconds: float, pids: Mapping[str, int]) -> Window:
    """Let all *runners* send for *seconds*; what was begun by then is waited for and counts."""
    before, began = processor_seconds(pids), time.perf_counter()
    found = await asyncio.gather(*(_send(one, began + seconds) for one in runners))
    took, after = time.perf_counter() - began, processor_seconds(pids)
    latencies = sorted(latency for one in found for latency in one)
    return Window(tuple(latencies), took, {name: after[name] - before[name] for name in pids})


async def _send(runner: Runner, until: float) -> list[float]:
    latencies, now = [], time.perf_counter()
    while now < until:
        began = now
        await runner.step()
        now = time.perf_counter()
        latencies.append(now - began)
    return latencies


def _require_accepted(leg: Leg, answer: Answer) -> None:
    if answer.status not in _ACCEPTED:
        raise NotAccepted(f"{leg.name} as {leg.actor}: {answer.status} {answer.body.decode(errors='replace')}")

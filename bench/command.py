"""What a command costs over HTTP, beside a bare Temporal Update: in turns on the same servers in one run."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from bench.acts import Act, acts_of, body_bytes, end_of, with_documents
from bench.figures import Figures, Window, cost, processor_seconds, resident_bytes, told
from bench.peer import Caller
from bench.stand import Stand, stand
from bench.turns import NotAccepted, Send, Tell, took
from bench.wire import Wire
from workers.play.script import load

_SCRIPT: Final = "ceramics"
_SETTLE: Final = 1.0
"""Seconds between two turns, in which runs that may turn over do so."""
_OK: Final = frozenset({200, 201})


@dataclass(frozen=True)
class Plan:
    """How much is measured: at which numbers of clients, in how many rounds of how many seconds for each side."""

    clients: tuple[int, ...] = (1, 16, 64)
    rounds: int = 5
    seconds: float = 5.0
    idle_cases: int = 400
    staggered: bool = True
    """Whether clients begin at different places of the script, so that all its commands are met at all times."""


QUICK: Final = Plan(rounds=1, seconds=0.5, idle_cases=40, staggered=False)


@dataclass
class Officer:
    """One client of ours, who plays the script over and over, each time on a case of its own."""

    acts: Sequence[Act]
    keys: Mapping[str, str]
    wire: Wire
    place: int = 0
    case_id: str = ""

    async def send(self) -> None:
        """The next command of the script, to its answer. Raises NotAccepted."""
        act = self.acts[self.place]
        self.place = (self.place + 1) % len(self.acts)
        path = "/v1/needs" if act.opens else f"/v1/cases/{self.case_id}/commands/{act.command}"
        try:
            answer = await self.wire.post(path, self.keys[act.person], body_bytes(act), uuid4().hex)
        except (OSError, EOFError) as error:
            raise NotAccepted(f"{act.command}: the gateway broke off ({type(error).__name__}: {error})") from error
        if answer.status not in _OK:
            raise NotAccepted(f"{act.command}: {answer.status} {answer.content.decode('utf-8', 'replace')}")
        if act.opens:
            self.case_id = answer.content.partition(b'"case_id":"')[2].partition(b'"')[0].decode()


@dataclass
class Measuring:
    """A benchmark under way."""

    plan: Plan
    running: Stand
    peer: int
    """The process id of the peer's worker."""
    acts: Sequence[Act]
    tell: Tell
    officers: list[Officer] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    async def all(self) -> Figures:
        """Everything, in order: memory, then the rounds at each number of clients."""
        self.tell("warming up")
        await self._warm_up()
        memory = await self._memory()
        figures: dict[str, float] = {}
        ratios: dict[str, float] = {}
        for clients in self.plan.clients:
            ours, theirs = await self._in_turns(clients)
            figures |= told("hashi", ours) | told("bare_temporal", theirs)
            ratios[f"cost_vs_bare_temporal_{clients}"] = cost(ours, theirs)
        return Figures("command", figures | {"worker_bytes_per_idle_case": memory}, ratios)

    async def _warm_up(self) -> None:
        """Each side carries out a whole script; then every client goes to a place of its own in it."""
        self.officers.append(self._officer())
        self.callers.append(self._caller())
        for send in (self.officers[0].send, self.callers[0].send):
            for _ in self.acts:
                await send()
        most = max(self.plan.clients)
        self.officers += [self._officer() for _ in range(1, most)]
        self.callers += [self._caller() for _ in range(1, most)]
        if self.plan.staggered:
            self.tell("sending every client to a place of its own in the script")
            for sends in ([one.send for one in self.officers], [one.send for one in self.callers]):
                steps = (place * len(self.acts) // most for place in range(most))
                await asyncio.gather(*(_times(send, count) for send, count in zip(sends, steps, strict=True)))

    def _officer(self) -> Officer:
        return Officer(self.acts, self.running.keys, Wire(self.running.port))

    def _caller(self) -> Caller:
        return Caller(self.running.engine, len(self.acts))

    async def _memory(self) -> int:
        """Bytes of the worker for one open case to which nothing happens."""
        self.tell(f"opening {self.plan.idle_cases} cases")
        pid = self.running.worker.pid
        assert pid is not None
        before = resident_bytes(pid)
        openers = [Officer(self.acts[:1], self.running.keys, Wire(self.running.port)) for _ in range(8)]
        await asyncio.gather(*(_times(one.send, self.plan.idle_cases // len(openers)) for one in openers))
        await asyncio.sleep(_SETTLE)
        for one in openers:
            one.wire.close()
        return round((resident_bytes(pid) - before) / self.plan.idle_cases)

    async def _in_turns(self, clients: int) -> tuple[list[Window], list[Window]]:
        ours: list[Window] = []
        theirs: list[Window] = []
        apart = len(self.officers) // clients
        for number in range(1, self.plan.rounds + 1):
            self.tell(f"{clients} client(s), round {number} of {self.plan.rounds}: hashi")
            ours.append(
                await self._window([one.send for one in self.officers[::apart][:clients]], self._our_processes())
            )
            self.tell(f"{clients} client(s), round {number} of {self.plan.rounds}: bare Temporal")
            theirs.append(
                await self._window([one.send for one in self.callers[::apart][:clients]], self._their_processes())
            )
        return ours, theirs

    async def _window(self, senders: Sequence[Send], pids: Mapping[str, int]) -> Window:
        await asyncio.sleep(_SETTLE if self.plan.staggered else 0)
        before, until = processor_seconds(pids), time.perf_counter() + self.plan.seconds
        seconds = await took(senders, until)
        after = processor_seconds(pids)
        processor = {name: after[name] - before[name] for name in pids}
        return Window(len(senders), seconds, processor)

    def _our_processes(self) -> dict[str, int]:
        worker, gateway = self.running.worker.pid, self.running.gateway.pid
        assert worker is not None
        assert gateway is not None
        ours = {"worker": worker, "gateway": gateway, "postgresql": self.running.stack.postgres_pid}
        return ours | {"temporal": self.running.stack.temporal_pid, "client": os.getpid()}

    def _their_processes(self) -> dict[str, int]:
        return {"worker": self.peer, "temporal": self.running.stack.temporal_pid, "client": os.getpid()}


async def measure(plan: Plan, tell: Tell) -> Figures:
    """Start a system, measure as *plan* says, and remove it. Raises NotAccepted, NotReady, EmbeddedServerError."""
    script = load(_SCRIPT)
    tell("starting PostgreSQL, Temporal, two workers and the gateway")
    async with stand(script) as running, peer_of(running) as peer:
        await running.store.clock.move(end_of(script))
        async with running.people() as people:
            acts = await with_documents(acts_of(script), people)
        measuring = Measuring(plan, running, peer, acts, tell)
        try:
            return await measuring.all()
        finally:
            for one in measuring.officers:
                one.wire.close()


@asynccontextmanager
async def peer_of(running: Stand) -> AsyncIterator[int]:
    """A worker process of the peer beside *running*; its id."""
    process = running.beside("bench.peer", running.stack.temporal_address)
    async with AsyncExitStack() as ends:
        ends.callback(process.wait)
        ends.callback(process.kill)
        yield process.pid


async def _times(send: Send, count: int) -> None:
    for _ in range(count):
        await send()

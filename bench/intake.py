"""What the intake of a need costs over HTTP, beside a bare Temporal start, and beside a bare Update-with-Start.

All on durable servers (fsync, Temporal on its own file), in turns, in one run. The start answers once Temporal has it
in its history; the Update-with-Start once a worker has carried out one ordinary activity that does nothing. Ours
answers once the need is in the event store.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from bench.command import QUICK, Plan, peer_of
from bench.figures import Figures, Window, cost, processor_seconds, told
from bench.peer import QUEUE, Caller
from bench.stand import Stand, stand
from bench.turns import NotAccepted, Send, Tell, took
from bench.wire import Wire
from domain.stages.intake import ReferNeed
from domain.terms import Role
from workers.play.script import load

__all__ = ["QUICK", "Plan", "measure"]
_SCRIPT: Final = "ceramics"
_SETTLE: Final = 1.0
_WARM: Final = 20
_PEERS: Final = ("bare_start", "bare_update_with_start")


@dataclass
class Bank:
    """One client of ours: a bank that refers one need after another."""

    key: str
    wire: Wire

    async def send(self) -> None:
        """One new need, to its answer. Raises NotAccepted."""
        body = json.dumps({"data": {**ReferNeed.example, "bank_reference": uuid4().hex}}, ensure_ascii=False).encode()
        answer = await self.wire.post("/v1/needs", self.key, body, uuid4().hex)
        if answer.status != 201:
            raise NotAccepted(f"ReferNeed: {answer.status} {answer.content.decode('utf-8', 'replace')}")


@dataclass(frozen=True)
class Starting:
    """One client of the peer, which starts one workflow after another."""

    running: Stand

    async def send(self) -> None:
        """One start, until Temporal has it."""
        await self.running.engine.start_workflow("Bare", id=f"bare-{uuid4().hex}", task_queue=QUEUE)


async def measure(plan: Plan, tell: Tell) -> Figures:
    """Start a system, measure as *plan* says, and remove it. Raises NotAccepted, NotReady, EmbeddedServerError."""
    script = load(_SCRIPT)
    officer = next(name for name, one in script.people.items() if one.role is Role.bank_officer)
    tell("starting PostgreSQL, Temporal, two workers and the gateway")
    async with stand(script) as running, peer_of(running) as process:
        most = max(plan.clients)
        banks = [Bank(running.keys[officer], Wire(running.port)) for _ in range(most)]
        sides: dict[str, list[Send]] = {
            "hashi": [one.send for one in banks],
            "bare_start": [Starting(running).send for _ in range(most)],
            "bare_update_with_start": [Caller(running.engine, 1).send for _ in range(most)],
        }
        try:
            return await _all(plan, sides, _processes(running, process), tell)
        finally:
            for one in banks:
                one.wire.close()


def _processes(running: Stand, peer: int) -> dict[str, int]:
    worker, gateway = running.worker.pid, running.gateway.pid
    assert worker is not None
    assert gateway is not None
    ours = {"worker": worker, "gateway": gateway, "postgresql": running.stack.postgres_pid, "peer": peer}
    return ours | {"temporal": running.stack.temporal_pid, "client": os.getpid()}


async def _all(plan: Plan, sides: Mapping[str, list[Send]], pids: Mapping[str, int], tell: Tell) -> Figures:
    tell("warming up")
    for senders in sides.values():
        for _ in range(_WARM if plan.staggered else 2):
            await senders[0]()
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for clients in plan.clients:
        rounds: dict[str, list[Window]] = {side: [] for side in sides}
        for number in range(1, plan.rounds + 1):
            for side, senders in sides.items():
                tell(f"{clients} client(s), round {number} of {plan.rounds}: {side}")
                rounds[side].append(await _window(plan, senders[:clients], pids))
        for side, windows in rounds.items():
            figures |= told(side, windows)
        ratios |= {f"cost_vs_{one}_{clients}": cost(rounds["hashi"], rounds[one]) for one in _PEERS}
    return Figures("intake", figures, ratios)


async def _window(plan: Plan, senders: list[Send], pids: Mapping[str, int]) -> Window:
    await asyncio.sleep(_SETTLE if plan.staggered else 0)
    before = processor_seconds(pids)
    seconds = await took(senders, time.perf_counter() + plan.seconds)
    after = processor_seconds(pids)
    return Window(len(senders), seconds, {name: after[name] - before[name] for name in pids})

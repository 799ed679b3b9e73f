"""Temporal's database deleted under open cases: how long until all wait again, on the right timers, and finish.

The cases stand in the store and have their workflows and timers. Then Temporal is killed, its files are removed, it is
started with nothing, and `hashi audit restore-workflows` brings the workflows back from the events alone. In the end
every case is closed through the gateway.
"""

import asyncio
import os
import resource
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import httpx

from activities.contract import CASE_WORKFLOW, workflow_id
from bench.figures import Figures, processor_seconds
from bench.stand import Stand, stand
from bench.storm import SIGNED_AT, Tell, each, sign, signing_of
from bench.turns import NotAccepted
from workers.embedded.process import tail
from workers.play.script import load
from workers.reconciling import Finding, Look, Reconciled, reconcile
from workers.restoring import restore_workflows
from workers.serving import serving

_STOPS: Final = ("AssignCoordinator", "StartReview", "OpenSearch")
"""How far the cases have come, a third each."""
_CLOSING: Final[Mapping[str, Any]] = {
    "data": {"disposition": "withdrawn_by_company"},
    "reason": {"code": "company_withdrew"},
}
_PATIENCE: Final = 600.0
_RUNNING: Final = f"WorkflowType = '{CASE_WORKFLOW}' AND ExecutionStatus = 'Running'"


async def measure(cases: int, tell: Tell) -> Figures:
    """Lose the engine under *cases*. Raises NotAccepted when one is lost, and what `stand` raises, TimeoutError."""
    script = load("ceramics")
    tell("starting PostgreSQL, Temporal, the worker and the gateway")
    async with stand(script) as running, asyncio.timeout(_PATIENCE + cases):
        await running.store.clock.move(SIGNED_AT)
        signing = await signing_of(running, script)
        tell(f"opening {cases} cases")
        ids = [os.urandom(16).hex() for _ in range(cases)]
        told = {case_id: signing.until(_STOPS[place % 3]) for place, case_id in enumerate(ids)}
        await each(ids, lambda case_id: sign(running, told[case_id], case_id))
        await running.store.clock.move(SIGNED_AT, freeze=False)  # from now on as fast as the engine's
        await restore_workflows(running.engine, running.store, _unheard)
        await _whole(running, ids)
        tell("deleting Temporal's database")
        await running.stack.lose_temporal()
        missing = len((await reconcile(running.engine, running.store, _unheard)).findings)
        tell(f"bringing {cases} workflows back")
        began, spent = perf_counter(), _processor(running)
        await _restore(running)
        restored = perf_counter() - began
        await _whole(running, ids)
        right, spent = perf_counter() - began, _processor(running) - spent
        tell(f"closing {cases} cases")
        began = perf_counter()
        await _finish(running, ids)
        figures = {
            "cases": cases,
            "missing": missing,
            "restore_s": round(restored, 1),
            "timers_right_s": round(right, 1),
            "processor_s": round(spent, 1),
            "timers_right": cases,
            "finish_s": round(perf_counter() - began, 1),
            "finished": cases,
        }
        return Figures("restore", figures, {})


async def _restore(running: Stand) -> None:
    """The command itself, as a process. Raises NotAccepted with the end of its log."""
    process = running.beside("workers.cli", "audit", "restore-workflows")
    if await asyncio.to_thread(process.wait):
        raise NotAccepted(tail(running.home / "logs" / "workers.cli.log"))


def _processor(running: Stand) -> float:
    """The processor time so far of both servers, the worker and every process that this one waited for."""
    stack, ended = running.stack, resource.getrusage(resource.RUSAGE_CHILDREN)
    pids = {"temporal": stack.temporal_pid, "postgresql": stack.postgres_pid, "worker": running.worker.pid or 0}
    return sum(processor_seconds(pids).values()) + ended.ru_utime + ended.ru_stime


async def _whole(running: Stand, ids: Sequence[str]) -> None:
    """Wait until every case's workflow waits for the deadline that the store has. Raises NotAccepted."""
    look = Look(running.engine, running.store, await serving(running.engine))

    async def one(case_id: str) -> None:
        deadline, count, found = perf_counter() + _PATIENCE, Reconciled(), [Finding("missing", case_id, "")]
        while found or not count.timers:
            if perf_counter() > deadline:
                raise NotAccepted(f"{case_id} does not wait for its deadline: {found}")
            count = Reconciled()
            found = await look.at(workflow_id(case_id), count)
            if found or not count.timers:
                await asyncio.sleep(0.5)

    await each(ids, one)


async def _finish(running: Stand, ids: Sequence[str]) -> None:
    """Close every case, and wait until no workflow runs any more. Raises NotAccepted."""
    async with running.people() as people:
        await each(ids, lambda case_id: _close(people["tanaka"], case_id))
    while (await running.engine.count_workflows(_RUNNING)).count:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.2)
    shut = [await running.store.overview.case(case_id) for case_id in ids]
    if left := [one.case_id for one in shut if one is not None and one.status != "closed"]:
        raise NotAccepted(f"{len(left)} cases are not closed, the first is {left[0]}")


async def _close(person: httpx.AsyncClient, case_id: str) -> None:
    headers = {"Idempotency-Key": f"close-{case_id}"}
    while True:
        answer = await person.post(f"/v1/cases/{case_id}/commands/CloseCase", json=_CLOSING, headers=headers)
        if answer.is_success:
            return
        if answer.status_code < 500:
            raise NotAccepted(answer.text)
        await asyncio.sleep(0.5)


def _unheard(done: int, total: int) -> None:
    """Nobody watches."""

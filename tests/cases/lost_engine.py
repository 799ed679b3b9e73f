"""Temporal's whole database lost under open cases: `python tests/cases/lost_engine.py 1000`.

Opens so many cases, ends Temporal with all it knew, brings the workflows back from the events, and lets every case
finish. Prints how long it took; exit status 1 when a case did not come back, does not wake in time, or did not finish.
"""

import asyncio
import sys
from pathlib import Path
from time import perf_counter

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from case_desk import BANK, COORDINATOR, NEED, START, WITHDREW, Desk, register_everybody  # noqa: E402

import migrations  # noqa: E402
from activities.contract import SEARCH_ATTRIBUTES, TASK_QUEUE, Answer, Ticket  # noqa: E402
from store.clock import Clock  # noqa: E402
from store.connect import Store  # noqa: E402
from workers.case_worker import case_worker  # noqa: E402
from workers.embedded import Stack, throwaway  # noqa: E402
from workers.reconciling import reconcile  # noqa: E402
from workers.restoring import restore_workflows  # noqa: E402


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


async def connected(stack: Stack) -> Client:
    """A client of the engine as it is now."""
    return await Client.connect(stack.temporal_address, data_converter=pydantic_data_converter)


async def answered(desk: Desk, ticket: Ticket) -> Answer:
    """The answer to the command of *ticket*, sent again as the gateway does while the engine is busy."""
    while True:
        try:
            return (await desk.ask(ticket)).answer
        except (RPCError, TemporalError):
            await asyncio.sleep(0.5)


async def each(desks: list[Desk], name: str) -> None:
    """Let every case take one step of the story."""
    gate = asyncio.Semaphore(8)

    async def one(desk: Desk) -> None:
        async with gate:
            if name == "open":
                need = {**NEED, "bank_reference": desk.case_id}
                assert (await answered(desk, await desk.seal("ReferNeed", BANK, need))).outcome == "accepted"
            else:
                closing = {"disposition": "withdrawn_by_company"}
                for command, data in (("AssignCoordinator", {"coordinator_id": "tanaka"}), ("CloseCase", closing)):
                    reason = WITHDREW if command == "CloseCase" else None
                    ticket = await desk.seal(command, COORDINATOR, data, reason=reason)
                    answer = await answered(desk, ticket)
                    assert answer.outcome == "accepted", answer

    await asyncio.gather(*(one(desk) for desk in desks))


async def lose(count: int) -> dict[str, object]:
    """The whole story with *count* cases; returns what was seen."""
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as stack:
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        await Clock.make_movable(stack.database_url)
        async with Store.open(stack.database_url, [bytes(32)]) as store:
            await register_everybody(store)
            await store.clock.move(START)
            client = await connected(stack)
            desks = [Desk.of_new_case(client, store) for _ in range(count)]
            for desk in desks:
                desk.task_queue = TASK_QUEUE
            async with case_worker(client, store, sandboxed=False):
                await each(desks, "open")
                before = await reconcile(client, store, quiet)
            await stack.restart_temporal()
            client = await connected(stack)
            lost = await reconcile(client, store, quiet)
            async with case_worker(client, store, sandboxed=False):
                began = perf_counter()
                restored = await restore_workflows(client, store, quiet)
                seconds = perf_counter() - began
                await asyncio.sleep(11)  # until then a run has the timer of its first look
                after = await reconcile(client, store, quiet)
                for desk in desks:
                    desk.client = client
                await each(desks, "finish")
                return {
                    "cases": count,
                    "findings_before": len(before.findings),
                    "missing": sum(one.kind == "missing" for one in lost.findings),
                    "restored": restored.cases,
                    "failed": len(restored.failed),
                    "seconds": round(seconds, 1),
                    "timers_right": after.timers,
                    "findings_after": [one.told() for one in after.findings][:5],
                    "closed": sum([(await store.overview.case(one.case_id)).status == "closed" for one in desks]),  # type: ignore[union-attr]
                }


def is_good(seen: dict[str, object], count: int) -> bool:
    """Whether no case was lost."""
    whole = ("missing", "restored", "timers_right", "closed")
    return all(seen[name] == count for name in whole) and not seen["findings_after"] and not seen["findings_before"]


if __name__ == "__main__":
    number = int(sys.argv[1])
    told = asyncio.run(lose(number))
    print(told)
    sys.exit(0 if is_good(told, number) else 1)

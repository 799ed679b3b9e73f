"""Write histories of today's workflow for the replay tests: `make histories RELEASE=0.2.0`.

Run it for a release and keep what it writes; folders of older releases stay, because their cases may still be running.
It plays every shipped script, with the quiet moments in which runs turn over, and the stories below.
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from case_desk import BANK, COORDINATOR, START, WITHDREW, Desk, Time, register_everybody, skipping  # noqa: E402
from kept_histories import FOLDER, keep  # noqa: E402
from temporalio import activity  # noqa: E402
from temporalio.client import Client, WorkflowHistory  # noqa: E402
from temporalio.contrib.pydantic import pydantic_data_converter  # noqa: E402
from temporalio.worker import Worker  # noqa: E402

import migrations  # noqa: E402
from activities.contract import COMMIT_ROWS, SEARCH_ATTRIBUTES, Stretch, intake_workflow_id  # noqa: E402
from domain.calendar import after_business_days  # noqa: E402
from gateway.engine import begin_batch  # noqa: E402
from store.clock import Clock  # noqa: E402
from store.connect import Store  # noqa: E402
from workers.case_worker import case_worker  # noqa: E402
from workers.embedded import Stack, throwaway  # noqa: E402
from workers.logs import configure  # noqa: E402
from workers.play.player import Player  # noqa: E402
from workers.play.script import load, shipped  # noqa: E402
from workers.play.theatre import Servers, stage  # noqa: E402
from workflows.intake_batch import IntakeBatch  # noqa: E402

QUIET = 0.7
"""Seconds after which a run that wants to has turned over."""


async def review(desk: Desk, _: Stack) -> None:
    """From need to review, with a refusal; the next run takes a note."""
    await desk.opened()
    await desk.send("StartReview")
    before = await desk.run_id()
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await desk.send("StartReview")
    await desk.next_run(before)
    await desk.send("AddNote", COORDINATOR, {"text": "次回は冷却条件を確認する。"})


async def closed_and_reopened(desk: Desk, _: Stack) -> None:
    """Closed without deadlines, so that the run ends; reopened in another."""
    await desk.in_review()
    await desk.send("CloseCase", COORDINATOR, {"disposition": "withdrawn_by_company"}, reason=WITHDREW)
    await desk.handle.result()
    await desk.send("ReopenCase", reason=WITHDREW)


async def refused(desk: Desk, _: Stack) -> None:
    """A need without consent: nothing is opened and the run ends."""
    await desk.send("AddNote", BANK, {"text": "?"})
    await desk.handle.result()


async def many_commands(desk: Desk, _: Stack) -> None:
    """So many commands that the run turns over in a quiet moment although the stage stays."""
    await desk.opened()
    before = await desk.run_id()
    for number in range(200):
        await desk.send("AddNote", COORDINATOR, {"text": str(number)})
    await desk.next_run(before)


async def outage(desk: Desk, stack: Stack) -> None:
    """Commands wait out an outage of the store, so that pauses between attempts become timers of the run."""
    await desk.opened()
    tickets = [await desk.seal("AddNote", COORDINATOR, {"text": str(number)}) for number in range(3)]
    await stack.kill_postgres()
    asked = [asyncio.create_task(desk.ask(one)) for one in tickets]
    await asyncio.sleep(3)
    await stack.restart_postgres()
    await asyncio.gather(*asked)
    await desk.sync()


async def deadlines(time: Time) -> None:
    """Nobody takes the need: reminded and escalated; a look finds nothing more."""
    await time.desk.opened()
    await time.pass_until(after_business_days(START, 4))
    await time.desk.sync()


async def intake_batch(desk: Desk, _: Stack) -> None:
    """A batch of needs that goes over two runs; what became of its rows is made up."""
    stretches = itertools.count(1)

    @activity.defn(name=COMMIT_ROWS)
    async def commit_rows(_: str) -> Stretch:
        done = next(stretches)
        return Stretch(settled=done, left=45 - done, state="committing" if done < 45 else "done")

    queue = f"intake-{desk.case_id}"
    async with Worker(desk.client, task_queue=queue, workflows=[IntakeBatch], activities=[commit_rows]):
        await begin_batch(desk.client, desk.case_id, task_queue=queue)
        await desk.client.get_workflow_handle(intake_workflow_id(desk.case_id)).result()


STORIES: list[Callable[[Desk, Stack], Awaitable[None]]] = [
    review,
    closed_and_reopened,
    refused,
    many_commands,
    outage,
    intake_batch,
]


async def scripts(release: str) -> None:
    """Play every shipped script and keep all runs of all workflows that it began."""
    seen: set[str] = set()
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as stack:
        client = await Client.connect(stack.temporal_address, data_converter=pydantic_data_converter)
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        await Clock.make_movable(stack.database_url)
        for name in shipped():
            async with stage(Servers(stack.database_url, client)) as theatre:
                stood = None
                async for one in Player(load(name), theatre).play():
                    assert not one.faults, (name, one.number, one.faults)
                    stands = one.seen.case.get("stage") if one.seen and one.seen.case else stood
                    if stands != stood:
                        await asyncio.sleep(QUIET)
                    stood = stands
            keep(release, name, await runs_since(client, seen))


async def runs_since(client: Client, seen: set[str]) -> list[WorkflowHistory]:
    """The histories of all runs that are not *seen* yet, the oldest first."""
    runs = [one async for one in client.list_workflows() if one.run_id not in seen]
    seen |= {one.run_id for one in runs}
    runs.sort(key=lambda one: (one.start_time, one.id))
    return [await client.get_workflow_handle(one.id, run_id=one.run_id).fetch_history() for one in runs]


@asynccontextmanager
async def servers() -> AsyncIterator[tuple[Stack, Store]]:
    """A pair of servers and a store with the people of the stories, its clock at their start."""
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as stack:
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        await Clock.make_movable(stack.database_url)
        async with Store.open(stack.database_url, [bytes(32)]) as store:
            await register_everybody(store)
            await store.clock.move(START)
            yield stack, store


async def told(release: str) -> None:
    """Play the stories and keep the runs of each."""
    async with servers() as (stack, store):
        client = await Client.connect(stack.temporal_address, data_converter=pydantic_data_converter)
        seen: set[str] = set()
        for story in STORIES:
            desk = Desk.of_new_case(client, store)
            async with case_worker(client, store, task_queue=desk.task_queue):
                await story(desk, stack)
            keep(release, story.__name__, await runs_since(client, seen))
    async with servers() as (_, store), skipping(store) as time:
        await deadlines(time)
        keep(release, deadlines.__name__, await time.desk.histories())


async def record(release: str) -> None:
    """Write the folder of *release*. Refuses to write over one."""
    if (FOLDER / release).exists():
        sys.exit(f"{FOLDER / release} is there: the histories of a release are recorded once")
    configure("error")
    await told(release)
    await scripts(release)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))

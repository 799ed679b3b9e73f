"""Where the engine forgot something, a look into the store heals it: the store is the truth."""

import asyncio
from datetime import timedelta

from case_desk import BANK, COORDINATOR, NEED, START, Desk, Time
from temporalio.service import RPCError, RPCStatusCode

from activities.ledger import CaseLedger
from domain.calendar import after_business_days
from domain.envelope import Actor
from workers.case_worker import case_worker
from workers.embedded import Stack
from workers.sweeper import sweep

AT_ONCE = timedelta(microseconds=-1)


async def append_unseen(desk: Desk, name: str, by: Actor = COORDINATOR, **data: object) -> None:
    """What is left of a command whose engine died after the append: events that no workflow knows of."""
    reply = await CaseLedger(desk.store).apply_command(await desk.seal(name, by, data))
    assert reply.answer.outcome == "accepted", reply


async def is_known(desk: Desk) -> bool:
    """Whether the engine has a workflow of the case."""
    try:
        await desk.handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def stage(desk: Desk) -> object:
    """The stage by which the engine's own pages find the case."""
    return (await desk.handle.describe()).search_attributes["HashiStage"]


async def test_a_deadline_of_an_append_the_engine_forgot_acts_after_a_sweep(desk: Desk) -> None:
    await desk.opened()
    await append_unseen(desk, "AssignCoordinator", coordinator_id="tanaka")
    await append_unseen(desk, "StartReview")
    await desk.store.clock.move(after_business_days(START, 5))
    await asyncio.sleep(0.5)
    assert "ReminderSent" not in await desk.told()
    assert await stage(desk) == ["intake"]

    assert await sweep(desk.client, desk.store, grace=AT_ONCE, task_queue=desk.task_queue) == 1
    assert (await desk.told())[-2:] == ["ReviewStarted", "ReminderSent"]
    assert await stage(desk) == ["review"]


async def test_a_command_after_an_append_the_engine_forgot_is_decided_on_the_whole_case(desk: Desk) -> None:
    await desk.opened()
    await append_unseen(desk, "AssignCoordinator", coordinator_id="tanaka")
    answer = await desk.send("StartReview")
    assert [(one.type, one.version) for one in answer.events] == [("ReviewStarted", 5)]


async def test_a_sweep_leaves_cases_alone_whose_deadlines_lie_ahead(desk: Desk) -> None:
    await append_unseen(desk, "ReferNeed", BANK, **NEED)
    assert await sweep(desk.client, desk.store, task_queue=desk.task_queue) == 0
    assert not await is_known(desk)


async def test_a_case_without_a_workflow_is_given_one_whose_deadlines_act(time: Time) -> None:
    desk = time.desk
    await append_unseen(desk, "ReferNeed", BANK, **NEED)
    first, second = after_business_days(START, 1), after_business_days(START, 3)
    await desk.store.clock.move(first)
    assert await sweep(desk.client, desk.store, grace=AT_ONCE, task_queue=desk.task_queue) == 1
    assert (await desk.told())[-1] == "ReminderSent"
    await time.pass_until(second)
    assert (await desk.told())[-1] == "CaseEscalated"


async def test_a_case_outlives_the_loss_of_the_whole_engine(idle: Desk, servers: Stack) -> None:
    note = await idle.seal("AddNote", COORDINATOR, {"text": "one"})
    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue):
        await idle.in_review()
        first = await idle.ask(note)
    await servers.restart_temporal()
    assert not await is_known(idle)
    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue):
        assert (await idle.ask(note)).answer == first.answer
        await idle.store.clock.move(after_business_days(START, 5))
        await sweep(idle.client, idle.store, grace=AT_ONCE, task_queue=idle.task_queue)
    assert (await idle.told())[-2:] == ["NoteRecorded", "ReminderSent"]

"""A run hands over to the next one early and in quiet moments; whoever sends commands need not notice."""

import asyncio

import pytest
from case_desk import COORDINATOR, Desk, until
from temporalio.api.history.v1 import HistoryEvent

from activities.contract import Reply
from workers.case_worker import case_worker
from workers.embedded import Stack
from workflows import referral_case


def begun_with(event: HistoryEvent) -> str:
    """What a run was given at its start, as text."""
    payloads = event.workflow_execution_started_event_attributes.input.payloads
    return b"".join(payload.data for payload in payloads).decode()


async def test_a_run_turns_over_in_the_quiet_after_a_change_of_stage(desk: Desk) -> None:
    await desk.opened()
    before = await desk.run_id()
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await desk.send("StartReview")
    assert await desk.next_run(before) != before


async def test_a_run_does_not_turn_over_while_the_stage_stays(desk: Desk) -> None:
    await desk.opened()
    before = await desk.run_id()
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await asyncio.sleep(1.0)
    assert await desk.run_id() == before


async def test_a_new_run_is_told_where_the_case_stands(desk: Desk) -> None:
    await desk.in_review()
    await desk.next_run(await desk.run_id())
    newest = (await desk.histories())[-1]
    assert '"stage":"review"' in begun_with(newest.events[0])
    assert '"timer":"review"' in begun_with(newest.events[0])


async def test_a_command_repeated_in_the_next_run_gets_its_first_answer(desk: Desk) -> None:
    await desk.in_review()
    before = await desk.run_id()
    ticket = await desk.seal("AddNote", COORDINATOR, {"text": "one"})
    first = await desk.ask(ticket)
    await desk.next_run(before)
    again = await desk.ask(ticket)
    assert again.answer == first.answer
    assert (await desk.told()).count("NoteRecorded") == 1


async def test_commands_that_never_pause_are_neither_lost_nor_doubled_by_turning_over(
    idle: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referral_case, "_TOO_MANY", 6)

    async def caller(number: int) -> list[int]:
        versions = []
        for count in range(15):
            answer = await idle.send("AddNote", COORDINATOR, {"text": f"{number}-{count}"})
            versions += [one.version for one in answer.events]
        return versions

    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue, sandboxed=False):
        await idle.in_review()
        versions = await asyncio.gather(*(caller(number) for number in range(6)))
    assert sorted(version for some in versions for version in some) == list(range(6, 96))
    assert (await idle.told()).count("NoteRecorded") == 90
    assert len(await idle.histories()) > 3


async def test_commands_wait_out_an_outage_of_the_store_even_those_that_a_waiting_run_sends_away(
    idle: Desk, servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[asyncio.Task[Reply]] = []

    async def is_sent_away() -> bool:
        asked.append(asyncio.create_task(idle.ask(tickets[len(asked)])))
        await asyncio.sleep(0.3)
        return idle.drained > 0

    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue, sandboxed=False):
        await idle.opened()
        tickets = [await idle.seal("AddNote", COORDINATOR, {"text": str(number)}) for number in range(100)]
        await servers.kill_postgres()
        try:
            with monkeypatch.context() as hasty:
                hasty.setattr(referral_case, "_TOO_MANY", 1)
                await until(is_sent_away)
        finally:
            await servers.restart_postgres()
        replies = await asyncio.gather(*asked)
    versions = sorted(reply.answer.events[0].version for reply in replies)
    assert versions == list(range(4, 4 + len(asked)))
    assert (await idle.told()).count("NoteRecorded") == len(asked)

"""Nothing that goes wrong in one case stops it for ever, nor its worker."""

import asyncio
from datetime import datetime, timedelta

import pytest
from case_desk import BANK, COORDINATOR, NEED, SENIOR, START, WITHDREW, Desk, Time, until

from activities.ledger import CaseLedger
from domain.calendar import after_business_days
from domain.envelope import Reason
from workers.case_worker import case_worker
from workers.embedded import Stack
from workflows import referral_case


async def steps_at_rest(desk: Desk) -> None:
    """Wait until one run has gone on for a while without its history growing much."""
    seen = [("", 0)]

    async def rests() -> bool:
        await asyncio.sleep(2.5)  # longer than a task of the workflow may take
        described = await desk.handle.describe()
        seen.append((described.run_id, described.history_length))
        (before, shorter), (after, longer) = seen[-2:]
        return before == after and longer - shorter < 8

    await until(rests)


async def test_a_case_reopened_after_its_wait_had_ended_it_goes_on_and_rests(desk: Desk) -> None:
    await desk.in_review()
    await desk.send("DeclineNeed", COORDINATOR, {"advice": "省エネ診断へ"}, reason=Reason(code="no_research_content"))
    proposal = (await desk.events())[-1]
    await desk.send("ConfirmDecision", SENIOR, {"proposal_id": proposal.data.proposal_id})
    await desk.store.clock.move(after_business_days(START, 3))
    await desk.sync()
    assert (await desk.told())[-1] == "CaseClosed"
    await desk.send("ReopenCase", reason=WITHDREW)
    standing = await desk.sync()
    assert (await desk.told())[-1] == "CaseReopened"
    assert all(one.due_in > 0 for one in standing.deadlines)


async def test_a_deadline_that_changes_nothing_is_tried_less_and_less(desk: Desk) -> None:
    consent = {**NEED["consent"], "valid_until": "2026-04-20"}
    await desk.send("ReferNeed", BANK, {**NEED, "consent": consent})
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    end = datetime.fromisoformat("2026-04-20T18:00+09:00")
    await desk.store.clock.move(end)
    await desk.sync()
    assert (await desk.told())[-1] == "CaseHeld"
    await desk.store.clock.move(end + timedelta(hours=1))
    await desk.send("ResumeCase")
    await steps_at_rest(desk)


async def test_a_command_that_cannot_be_read_fails_alone(desk: Desk) -> None:
    await desk.in_review()
    await desk.keep("unreadable", "AddNote", COORDINATOR, b"{}")
    broken = (await desk.ask(desk.ticket("unreadable", "AddNote", COORDINATOR))).answer
    assert (broken.outcome, broken.code) == ("failed", "KeyError")
    assert (await desk.send("AddNote", COORDINATOR, {"text": "next"})).outcome == "accepted"


async def test_a_command_nobody_sealed_leaves_no_run_without_deadlines(time: Time) -> None:
    desk = time.desk
    await CaseLedger(desk.store).apply_command(await desk.seal("ReferNeed", BANK, NEED))
    answer = (await desk.ask(desk.ticket("never", "AddNote", COORDINATOR))).answer
    assert (answer.outcome, answer.code) == ("refused", "unknown_command")
    await time.engine.sleep(timedelta(seconds=30))
    await time.pass_until(after_business_days(START, 1))
    assert (await desk.told())[-1] == "ReminderSent"


async def test_a_run_does_not_end_under_a_command_that_reopens_the_case(desk: Desk, servers: Stack) -> None:
    await desk.in_review()
    close = await desk.seal("CloseCase", COORDINATOR, {"disposition": "withdrawn_by_company"}, reason=WITHDREW)
    reopen = await desk.seal("ReopenCase", reason=WITHDREW)
    await servers.kill_postgres()
    try:
        closing = asyncio.create_task(desk.ask(close))
        await asyncio.sleep(1.0)
        reopening = asyncio.create_task(desk.ask(reopen))
        await asyncio.sleep(1.5)
    finally:
        await servers.restart_postgres()
    assert {(await closing).answer.outcome, (await reopening).answer.outcome} == {"accepted"}
    await asyncio.sleep(1.0)
    assert await desk.status() == "RUNNING"


async def test_a_worker_can_stop_while_the_store_is_away(
    idle: Desk, servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referral_case, "_ATTEMPT", timedelta(seconds=0.3))  # a worker lets the attempts of a task end
    async with asyncio.timeout(40), case_worker(idle.client, idle.store, task_queue=idle.task_queue, sandboxed=False):
        await idle.opened()
        ticket = await idle.seal("AddNote", COORDINATOR, {"text": "meanwhile"})
        await servers.kill_postgres()
        waiting = asyncio.create_task(idle.ask(ticket))
        await asyncio.sleep(0.5)
    await servers.restart_postgres()
    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue):
        assert (await waiting).answer.outcome == "accepted"

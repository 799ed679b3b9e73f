"""What becomes of commands: answered once and in order, whatever happens to the engine meanwhile."""

import asyncio

from case_desk import BANK, COMPANY, COORDINATOR, NEED, RESEARCHER, WITHDREW, Desk

from domain.envelope import Reason
from workers.case_worker import case_worker


async def test_a_case_goes_from_need_to_review(desk: Desk) -> None:
    opened = await desk.send("ReferNeed", BANK, NEED)
    assert opened.outcome == "accepted"
    assert [(one.type, one.version) for one in opened.events] == [
        ("CaseOpened", 1),
        ("NeedReferred", 2),
        ("CompanyConsentRecorded", 3),
    ]
    assert [one.id for one in opened.events] == [one.event_id for one in await desk.events()]
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    assert [one.type for one in (await desk.send("StartReview")).events] == ["ReviewStarted"]
    standing = await desk.sync()
    assert (standing.version, standing.stage, standing.status) == (5, "review", "open")


async def test_a_refusal_is_an_answer_and_no_failure(desk: Desk) -> None:
    await desk.opened()
    refused = await desk.send("StartReview", command_id="early")
    assert (refused.outcome, refused.code, refused.events) == ("refused", "coordinator_required", ())
    logged = await desk.store.desk.refusal("early")
    assert logged is not None
    assert logged.problem["code"] == "coordinator_required"
    assert await desk.status() == "RUNNING"


async def test_a_command_on_a_case_nobody_opened_ends_the_run(desk: Desk) -> None:
    refused = await desk.send("AddNote", RESEARCHER, {"text": "?"})
    assert (refused.outcome, refused.code) == ("refused", "unknown_case")
    assert await desk.handle.result() == 0


async def test_the_same_command_twice_is_appended_once(desk: Desk) -> None:
    await desk.in_review()
    ticket = await desk.seal("AddNote", COORDINATOR, {"text": "one"})
    first, second = await asyncio.gather(desk.ask(ticket), desk.ask(ticket))
    assert first.answer == second.answer
    assert (await desk.told()).count("NoteRecorded") == 1


async def test_commands_at_once_are_carried_out_one_after_the_other(desk: Desk) -> None:
    await desk.in_review()
    tickets = [await desk.seal("AddNote", COORDINATOR, {"text": str(number)}) for number in range(30)]
    replies = await asyncio.gather(*(desk.ask(ticket) for ticket in tickets))
    assert sorted(one.answer.events[0].version for one in replies) == list(range(6, 36))
    assert [event.version for event in await desk.events()] == list(range(1, 36))


async def test_a_command_sent_while_no_worker_runs_is_answered_by_the_next_one(idle: Desk) -> None:
    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue):
        await idle.opened()
    ticket = await idle.seal("AddNote", COORDINATOR, {"text": "meanwhile"})
    waiting = asyncio.create_task(idle.ask(ticket))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue):
        assert (await waiting).answer.outcome == "accepted"
    assert (await idle.told())[-1] == "NoteRecorded"


async def test_a_closed_case_without_deadlines_ends_its_run_and_is_begun_again_by_a_command(desk: Desk) -> None:
    await desk.in_review()
    await desk.send("CloseCase", COORDINATOR, {"disposition": "withdrawn_by_company"}, reason=WITHDREW)
    assert await desk.handle.result() == 6
    noted = await desk.send("AddNote", COORDINATOR, {"text": "afterwards"})
    assert noted.outcome == "accepted"
    assert await desk.handle.result() == 7
    await desk.send("ReopenCase", COORDINATOR, reason=WITHDREW)
    assert await desk.status() == "RUNNING"
    assert (await desk.sync()).deadlines


async def test_a_consent_that_ends_while_a_command_is_under_way_stops_it(desk: Desk) -> None:
    await desk.in_review()
    waiting = await desk.seal("TriageNeed", COORDINATOR, {"route": "joint_research"})
    withdrawn = await desk.send("WithdrawConsent", COMPANY, reason=Reason(code="management_change"))
    assert withdrawn.outcome == "accepted"
    before = await desk.told()
    answer = (await desk.ask(waiting)).answer
    assert (answer.outcome, answer.code) == ("refused", "consent_withdrawn")
    assert await desk.told() == before

"""Deadlines act by themselves, at their time, once, and by the store's clock only."""

from datetime import UTC, datetime, timedelta

from case_desk import COORDINATOR, RESEARCHER, START, Desk, Time

from domain.calendar import after_business_days

OFFER = {
    "assignment_id": "a1",
    "researcher_id": "hayashi",
    "institution_id": "kyudai",
    "disclosed_fields": ["title", "public_summary"],
}
CHECK = {"kind": "antisocial", "result": "passed"}
TRIAGE = {
    "route": "joint_research",
    "initial_trl": 2,
    "criteria": [{"code": "technical_question", "met": True, "note": "課題が明確である。"}],
}


async def timers(desk: Desk) -> list[tuple[str, str, datetime]]:
    """What timers did in the case, and when."""
    steps = [event for event in await desk.events() if event.actor.person == "system"]
    return [(one.type, str(getattr(one.data, "timer", "")), one.recorded_at) for one in steps]


async def offered(desk: Desk) -> None:
    """A case in which one researcher has been asked."""
    await desk.in_review()
    await desk.send("RecordComplianceCheck", COORDINATOR, CHECK)
    await desk.send("TriageNeed", COORDINATOR, TRIAGE)
    await desk.send("OpenSearch", COORDINATOR, {"search_id": "s1", "scope": "regional", "query": "ガラス"})
    candidates = [{"researcher_id": "hayashi", "reasons": ["専門である。"]}]
    await desk.send("ShortlistResearchers", COORDINATOR, {"search_id": "s1", "candidates": candidates})
    answer = await desk.send("OfferAssignment", COORDINATOR, OFFER)
    assert answer.outcome == "accepted", answer


async def test_a_need_nobody_takes_is_reminded_and_then_escalated(time: Time) -> None:
    await time.desk.opened()
    await time.pass_until(after_business_days(START, 4))
    assert await timers(time.desk) == [
        ("ReminderSent", "acknowledge", after_business_days(START, 1)),
        ("CaseEscalated", "acknowledge", after_business_days(START, 3)),
    ]


async def test_a_need_taken_in_time_is_not_reminded(time: Time) -> None:
    await time.desk.opened()
    await time.desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await time.pass_until(after_business_days(START, 4))
    assert await timers(time.desk) == []


async def test_an_offer_nobody_answers_expires_by_itself(time: Time) -> None:
    await offered(time.desk)
    await time.pass_until(after_business_days(START, 10))
    steps = await timers(time.desk)
    assert ("ReminderSent", "offer", after_business_days(START, 5)) in steps
    assert steps[-1] == ("AssignmentExpired", "", after_business_days(START, 10))


async def test_an_offer_answered_in_time_does_not_expire(time: Time) -> None:
    await offered(time.desk)
    await time.pass_until(after_business_days(START, 6))
    await time.desk.send("AcceptAssignment", RESEARCHER, {"assignment_id": "a1"})
    await time.pass_until(after_business_days(START, 11))
    assert "AssignmentExpired" not in await time.desk.told()


async def test_silence_is_reminded_after_thirty_days_and_then_every_second_day(time: Time) -> None:
    await time.desk.in_review()
    await time.pass_until(START + timedelta(days=35))
    silence = [when.astimezone(UTC) for _, timer, when in await timers(time.desk) if timer == "silence"]
    assert silence == [(START + timedelta(days=days)).astimezone(UTC) for days in (30, 32, 34)]


async def test_nothing_falls_due_while_the_stores_clock_stands_still(time: Time) -> None:
    await time.desk.opened()
    await time.engine.sleep(timedelta(days=60))
    assert await time.desk.told() == ["CaseOpened", "NeedReferred", "CompanyConsentRecorded"]
    assert (await time.desk.sync()).deadlines[0].due_in == (after_business_days(START, 1) - START).total_seconds()


async def test_each_of_several_steps_that_are_past_at_once_is_an_event_of_its_own(time: Time) -> None:
    await time.desk.opened()
    late = after_business_days(START, 5)
    await time.desk.store.clock.move(late)
    await time.desk.sync()
    await time.desk.sync()
    assert await timers(time.desk) == [
        ("ReminderSent", "acknowledge", late),
        ("CaseEscalated", "acknowledge", late),
    ]


async def test_a_new_run_knows_its_deadlines_without_asking(time: Time) -> None:
    await time.desk.in_review()
    before = await time.desk.run_id()
    await time.engine.sleep(timedelta(seconds=2))
    await time.desk.next_run(before)
    await time.pass_until(after_business_days(START, 5))
    assert await timers(time.desk) == [("ReminderSent", "review", after_business_days(START, 5))]
    newest = (await time.desk.histories())[-1]
    markers = [event for event in newest.events if event.HasField("marker_recorded_event_attributes")]
    assert len(markers) == 1

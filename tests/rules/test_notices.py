"""Who is told that it is their turn: of a kind and a case, and of nothing that they may not see."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from rules_story import VISIT, Story

from domain.case import evolve
from domain.envelope import Event
from domain.law import FACTS
from domain.notices import _TELLING, Notice, notices
from domain.state import Case


def told(story: Story) -> Iterator[tuple[Event, Notice]]:
    """Every notice of the story, in order."""
    case: Case | None = None
    for event in story.events:
        case = evolve(case, event)
        for one in notices(case, event):
            yield event, one


def last(story: Story) -> set[tuple[str, str, str | None, str | None]]:
    """The notices of the last event."""
    [*_, final] = story.events
    return {(one.kind, one.to.role, one.to.org_id, one.to.person) for event, one in told(story) if event is final}


def test_every_event_that_tells_exists() -> None:
    assert _TELLING.keys() <= FACTS.keys()


def test_a_need_without_a_coordinator_awaits_the_seniors(story: Story) -> None:
    kinds = [(one.kind, one.to.role) for _, one in told(story.referred())]
    assert ("new_need", "senior_coordinator") in kinds


def test_whoever_does_a_thing_is_not_told_of_it(story: Story) -> None:
    for event, one in told(story.licensed()):
        assert one.to.person is None or one.to.person != event.actor.person


def test_an_offer_awaits_the_researcher_and_the_office(story: Story) -> None:
    assert last(story.offered()) == {
        ("offer", "researcher", "kyudai", "hayashi"),
        ("offer", "university_liaison", "kyudai", None),
    }
    [answered] = [one for _, one in told(story) if one.answers]
    assert (answered.subject, answered.answers) == ("a1", ("AcceptAssignment", "DeclineAssignment"))


def test_a_report_awaits_the_company_which_may_confirm_it_by_a_link(story: Story) -> None:
    assert last(story.reported()) == {("report", "company_representative", "ariake", None)}
    [*_, final] = [one for _, one in told(story)]
    assert final.answers == ("ConfirmVisitReport",)
    assert final.subject in {one.report.report_id for one in story.state.visits.values() if one.report}


def test_a_reminder_reaches_whoever_it_is_meant_for(story: Story) -> None:
    story.offered().pass_time(timedelta(days=12))
    reminded = [one for event, one in told(story) if event.type == "ReminderSent" and event.data.timer == "offer"]
    assert [(one.to.person, one.answers) for one in reminded] == [
        ("hayashi", ("AcceptAssignment", "DeclineAssignment"))
    ]


def test_a_question_awaits_the_banks_officers_or_the_company(story: Story) -> None:
    story.in_review().must("tanaka", "RequestInformation", {"questions": ["?"]})
    assert {(kind, org) for kind, _, org, _ in last(story)} == {("question", "jfs-fukuoka")}
    story.must("tanaka", "RequestInformation", {"questions": ["?"], "from_role": "company_representative"})
    assert last(story) == {("question", "company_representative", "ariake", None)}


def test_a_proposal_awaits_whoever_may_confirm_it(story: Story) -> None:
    story.in_research().must("ueno", "RenewAgreement", {"new_ends_on": "2028-03-31"})
    assert last(story) == {("decision", "company_representative", "ariake", None)}


def test_a_bank_is_told_of_nothing_it_may_not_see(story: Story) -> None:
    """Invariant 24: not by a notice, nor by its moment."""
    story.in_review().attach("jfs-saga").must("tanaka", "RequestInformation", {"questions": ["?"]})
    story.must("sato", "RequestCancellation", reason="client_left_bank")
    story.must("tanaka", "ConfirmCancellation", {"company_continues": True})
    seen = {person: {event.event_id for _, event, _ in story.reads(person)} for person in ("sato", "ide")}
    for event, one in told(story):
        if one.to.org_id == "jfs-fukuoka":
            assert event.event_id in seen["sato"]
        if one.to.org_id == "jfs-saga":
            assert event.event_id in seen["ide"]


@pytest.mark.parametrize("bank_attends", [True, False])
def test_a_visit_is_told_to_those_who_go(story: Story, bank_attends: bool) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", {**VISIT, "bank_attends": bank_attends})
    roles = {role for _, role, _, _ in last(story)}
    assert roles == {"company_representative", "researcher"} | ({"bank_officer"} if bank_attends else set())

"""Assignment: two yeses and a clear conscience; nobody judges their own interests."""

import pytest
from rules_story import ACTORS, TO_EXPERTS, Story, refused

from domain.envelope import Actor
from domain.terms import Role

A1 = {"assignment_id": "a1"}


def test_an_assignment_waits_for_everybody(story: Story) -> None:
    story.offered()
    assert story.says("tanaka", "ConfirmAssignment", A1) == "assignment_incomplete"
    story.must("hayashi", "AcceptAssignment", A1)
    assert story.says("tanaka", "ConfirmAssignment", A1) == "assignment_incomplete"
    story.must("ueno", "AcceptAssignment", A1).must("hayashi", "DeclareInterests", {"interests": []})
    assert story.says("tanaka", "ConfirmAssignment", A1) == "assignment_incomplete"
    story.must("ueno", "DecideConflict", {"decision": "cleared"})
    assert story.says("tanaka", "ConfirmAssignment", A1) == ["ResearcherAssigned"]
    assert story.stands == ("visit", "open")


def test_each_side_says_yes_once(story: Story) -> None:
    [event] = story.offered().do("hayashi", "AcceptAssignment", A1)
    assert event.data.party == "researcher"
    assert story.says("hayashi", "AcceptAssignment", A1) == "already_done"
    [event] = story.do("ueno", "AcceptAssignment", A1)
    assert event.data.party == "institution"


def test_a_stranger_does_not_answer_for_another(story: Story) -> None:
    story.offered()
    assert story.says("baba", "AcceptAssignment", A1) == "unknown_case"
    story.offer("a2", "baba", "sadai", role="member")
    assert story.says("baba", "AcceptAssignment", A1) == "not_permitted"
    assert story.says("saga-desk", "AcceptAssignment", A1) == "not_permitted"


def test_no_is_said_with_a_reason_of_the_catalogue(story: Story) -> None:
    story.offered()
    assert story.says("hayashi", "DeclineAssignment", A1) == "reason_required"
    assert story.says("hayashi", "DeclineAssignment", A1, reason="ip_ownership") == "invalid_field"
    assert story.says("hayashi", "DeclineAssignment", A1, reason="no_capacity") == ["AssignmentDeclined"]
    assert story.says("hayashi", "AcceptAssignment", A1) == "already_done"


def test_an_offer_expires_after_ten_business_days(story: Story) -> None:
    assert story.offered().fired(25) == ["ReminderSent", "AssignmentExpired"]
    assert story.state.assignments["a1"].state == "expired"
    assert story.stands == ("assignment", "open")


def test_interests_are_declared_before_they_are_judged(story: Story) -> None:
    story.offered().must("hayashi", "AcceptAssignment", A1)
    assert story.says("ueno", "DecideConflict", {"decision": "cleared"}) == "assignment_incomplete"


def test_a_refused_conflict_ends_the_request(story: Story) -> None:
    story.offered().must("hayashi", "AcceptAssignment", A1)
    tie = {"interests": [{"kind": "side_job", "company_ref": "競合", "band": "under_1m"}]}
    story.must("hayashi", "DeclareInterests", tie).must("ueno", "DecideConflict", {"decision": "refused"})
    assert story.says("tanaka", "ConfirmAssignment", A1) == "assignment_incomplete"
    assert story.says("ueno", "DecideConflict", {**A1, "decision": "cleared"}) == "already_done"
    assert story.says("tanaka", "ReleaseResearcher", {**A1, "cause": "conflict"}) == ["ResearcherReleased"]


def test_nobody_decides_on_the_own_interests(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A researcher who speaks for the office too."""
    monkeypatch.setitem(ACTORS, "office", Actor(role=Role.university_liaison, org_id="kyudai", person="hayashi"))
    story.offered().must("hayashi", "DeclareInterests", {"interests": []})
    assert story.says("office", "DecideConflict", {**A1, "decision": "cleared"}) == "own_interest"


def test_conditions_clear_a_conflict(story: Story) -> None:
    story.offered().must("hayashi", "AcceptAssignment", A1).must("ueno", "AcceptAssignment", A1)
    story.must("hayashi", "DeclareInterests", {"interests": [{"kind": "share", "company_ref": "ariake"}]})
    decided = {"decision": "cleared_with_conditions", "conditions": ["自身の契約を監督しない。"]}
    story.must("ueno", "DecideConflict", decided)
    assert story.says("tanaka", "ConfirmAssignment", A1) == ["ResearcherAssigned"]


def test_a_released_lead_sends_the_case_back_to_the_search(story: Story) -> None:
    story.report_confirmed()
    assert story.says("tanaka", "ReleaseResearcher") == "reason_required"
    [event] = story.do("tanaka", "ReleaseResearcher", {"cause": "moved"})
    assert (event.data.cause, story.stands) == ("moved", ("assignment", "open"))
    assert story.state.furthest_stage == "visit"
    assert story.state.visits["v1"].report is not None


def test_a_second_researcher_takes_over(story: Story) -> None:
    story.report_confirmed().must("hayashi", "ReleaseResearcher", reason="moved")
    story.at(48).offer("a2", "baba", "sadai").assign("a2", "baba", "saga-desk")
    assert story.stands == ("visit", "open")
    assert [one.researcher_id for one in story.state.leads] == ["baba"]
    assert story.says("tanaka", "ReleaseResearcher", {"assignment_id": "a1", "cause": "moved"}) == "already_done"


def test_a_known_assignment_is_not_offered_again(story: Story) -> None:
    story.offered().must("hayashi", "DeclineAssignment", reason="leaving")
    again = {"assignment_id": "a1", "researcher_id": "baba", "institution_id": "sadai"}
    assert story.says("tanaka", "OfferAssignment", again) == "already_done"


def test_an_answer_day_lies_ahead(story: Story) -> None:
    offer = {"researcher_id": "hayashi", "institution_id": "kyudai", "respond_by": "2026-04-01"}
    assert story.searching().says("tanaka", "OfferAssignment", offer) == "invalid_field"
    assert story.says("tanaka", "OfferAssignment", {**offer, "institution_id": "nowhere"}) == "invalid_field"


TIE = {"interests": [{"kind": "share", "company_ref": "ariake"}]}


@pytest.mark.parametrize(
    ("person", "name", "data"),
    [
        ("tanaka", "RecordNda", {"parties": ["ariake"], "valid_until": "2029-03-31"}),
        ("tanaka", "ConcludeConsultation", {"outcome": "stop"}),
        ("tanaka", "MergeCases", {"absorbed_case_id": "c2"}),
        ("mori", "ConfirmDecision", {}),
        ("mori", "CloseCase", {"disposition": "declined"}),
        ("hori", "AssessReadiness", {"level": 2, "evidence": ["doc_sheet"]}),
    ],
)
def test_who_has_an_interest_does_no_work_on_the_case(
    story: Story, person: str, name: str, data: dict[str, object]
) -> None:
    """6c 11: a coordinator with an interest cannot own the case; an expert declares, too."""
    story.in_review(consent=TO_EXPERTS).must("kondo", "DeclineNeed", reason="legal")
    story.must("kondo", "ConsultSpecialist", {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"})
    story.must(person, "DeclareInterests", TIE)
    assert story.says(person, name, data) == "own_interest"


def test_who_has_an_interest_hands_the_case_over(story: Story) -> None:
    story.in_review().must("tanaka", "DeclareInterests", TIE).must("tanaka", "AddNote", {"text": "引き継ぎ"})
    assert story.says("tanaka", "AssignCoordinator", {"coordinator_id": "kondo"}) == ["CoordinatorAssigned"]
    assert story.says("mori", "AssignCoordinator", {"coordinator_id": "tanaka"}) == "own_interest"


def test_no_interest_bars_nobody(story: Story) -> None:
    story.in_review().must("tanaka", "DeclareInterests", {"interests": []})
    assert story.says("tanaka", "TriageNeed", {"route": "guidance"}) == ["NeedTriaged"]


def test_new_interests_of_an_assigned_researcher_wait_for_a_decision(story: Story) -> None:
    assert "conflict" not in story.assigned().waits()
    assert "conflict" in story.must("hayashi", "DeclareInterests", TIE).waits()
    story.must("ueno", "DecideConflict", {"decision": "refused"})
    assert "conflict" not in story.waits() and story.stands == ("assignment", "open")


@pytest.mark.parametrize("person", ["ueno", "arita"])
def test_nobody_is_asked_who_is_known_as_something_else(story: Story, person: str) -> None:
    offer = {"researcher_id": person, "institution_id": "kyudai"}
    refusal = story.searching().do("tanaka", "OfferAssignment", offer)
    assert (refusal.code, refusal.field) == ("invalid_field", "/data/researcher_id")


def test_new_interests_are_decided_anew(story: Story) -> None:
    """Invariants 10, 11."""
    story.offered().must("hayashi", "AcceptAssignment").must("ueno", "AcceptAssignment")
    story.must("hayashi", "DeclareInterests", {"interests": []}).must("ueno", "DecideConflict", {"decision": "cleared"})
    story.must("hayashi", "DeclareInterests", {"interests": [{"kind": "share", "company_ref": "ariake"}]})
    assert story.says("tanaka", "ConfirmAssignment") == "assignment_incomplete"


def test_a_case_has_one_lead(story: Story) -> None:
    """Invariant 9: a member's yes makes no second lead."""
    story.assigned().offer("a2", "baba", "sadai", role="member").must("baba", "AcceptAssignment")
    story.must("saga-desk", "AcceptAssignment").must("baba", "DeclareInterests", {"interests": []})
    story.must("saga-desk", "DecideConflict", {"decision": "cleared"})
    story.do("tanaka", "ConfirmAssignment", {"assignment_id": "a2", "lead": True})
    assert len(list(story.state.leads)) == 1


def test_a_senior_coordinator_decides_on_the_center_s_own_people_only(story: Story) -> None:
    """6a: DecideConflict by UL; SC for own staff."""
    story.offered().must("hayashi", "AcceptAssignment").must("hayashi", "DeclareInterests", {"interests": []})
    assert refused(story.says("mori", "DecideConflict", {"decision": "cleared"}))

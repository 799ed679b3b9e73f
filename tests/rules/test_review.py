"""Review: a coordinator in charge, compliance checks, triage, decline and redirection."""

import pytest
from rules_story import Story


def test_a_review_needs_a_coordinator(story: Story) -> None:
    assert story.referred().says("tanaka", "StartReview") == "coordinator_required"


def test_assigning_a_coordinator_does_not_start_the_review(story: Story) -> None:
    story.referred().must("mori", "AssignCoordinator", {"coordinator_id": "tanaka"})
    assert story.stands == ("intake", "open")
    assert story.says("tanaka", "StartReview") == ["ReviewStarted"]
    assert story.stands == ("review", "open")
    assert story.says("tanaka", "StartReview") == "already_done"


def test_a_case_is_handed_over_to_another_coordinator(story: Story) -> None:
    [event] = story.in_review().do("tanaka", "AssignCoordinator", {"coordinator_id": "kondo"})
    assert (event.data.previous_id, story.state.coordinator_id) == ("tanaka", "kondo")
    assert story.says("tanaka", "AssignCoordinator", {"coordinator_id": "kondo"}) == "already_done"


@pytest.mark.parametrize("nobody", ["hayashi", "unheard-of"])
def test_only_a_coordinator_owns_a_case(story: Story, nobody: str) -> None:
    assert story.referred().says("mori", "AssignCoordinator", {"coordinator_id": nobody}) == "invalid_field"


def test_a_coordinator_with_an_interest_does_not_get_the_case(story: Story) -> None:
    story.referred().must("kondo", "DeclareInterests", {"interests": [{"kind": "share", "company_ref": "ariake"}]})
    assert story.says("mori", "AssignCoordinator", {"coordinator_id": "kondo"}) == "own_interest"


def test_triage_follows_the_start_of_the_review(story: Story) -> None:
    story.referred().must("mori", "AssignCoordinator", {"coordinator_id": "tanaka"})
    assert story.says("tanaka", "TriageNeed", {"route": "joint_research"}) == "triage_required"
    assert story.says("tanaka", "DeclineNeed", reason="legal") == "triage_required"
    assert story.says("tanaka", "RedirectNeed", {"to_org": "診断窓口"}) == "triage_required"


@pytest.mark.parametrize(("route", "stage"), [("guidance", "assignment"), ("test_institute", "review")])
def test_a_route_to_a_researcher_leads_to_the_assignment(story: Story, route: str, stage: str) -> None:
    assert story.triaged(route).stands == (stage, "open")


def test_a_compliance_check_says_who_made_it(story: Story) -> None:
    story.in_review()
    check = {"kind": "export_control", "result": "pending"}
    [event] = story.do("tanaka", "RecordComplianceCheck", check)
    assert event.data.checked_by == "tanaka"
    assert story.state.compliance == {"export_control": "pending"}


def test_a_redirected_need_closes_the_case(story: Story) -> None:
    to = {"to_org": "省エネルギー診断窓口", "programme": "省エネ診断"}
    assert story.in_review().says("tanaka", "RedirectNeed", to) == ["NeedRedirected", "CaseClosed"]
    assert (story.stands, story.state.disposition) == (("review", "closed"), "redirected")


def test_a_declined_need_may_still_be_redirected(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason="no_research_content").must("mori", "ConfirmDecision")
    assert story.stands == ("review", "open")
    assert story.says("tanaka", "RedirectNeed", {"to_org": "診断窓口"}) == ["NeedRedirected", "CaseClosed"]


def test_an_expert_is_asked_one_question(story: Story) -> None:
    story.in_review()
    assert story.says("hori", "DeclareInterests", {"interests": []}) == "unknown_case"
    asked = {"expert_kind": "lawyer", "question": "不実施補償は妥当ですか。"}
    assert story.says("tanaka", "ConsultSpecialist", asked) == ["SpecialistConsulted"]


def test_a_non_disclosure_agreement_ends_in_the_future(story: Story) -> None:
    story.in_review()
    nda = {"parties": ["ariake", "kyudai"], "valid_until": "2026-03-31"}
    assert story.says("tanaka", "RecordNda", nda) == "invalid_field"
    assert story.says("tanaka", "RecordNda", {**nda, "valid_until": "2029-03-31"}) == ["NdaExecuted"]

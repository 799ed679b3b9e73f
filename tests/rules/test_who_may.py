"""Who may act: the right side and institution, who takes part, a case with an owner (invariants 5, 15, 16, 29)."""

import pytest
from rules_story import VISIT, Story, refused


def test_a_renewal_is_confirmed_by_the_other_side(story: Story) -> None:
    """Invariant 16: UL and CR."""
    story.in_research().must("ueno", "RenewAgreement", {"new_ends_on": "2028-03-31"})
    assert story.says("kubo", "ConfirmDecision") == "not_permitted"


def test_another_institution_does_not_approve_the_agreement(story: Story) -> None:
    """Invariant 15: every party of this agreement."""
    story.drafted().offer("a2", "baba", "sadai", role="member")
    assert refused(story.says("saga-desk", "ApproveAgreement", {"agreement_id": "g1"}))


def test_a_researcher_who_said_no_does_not_work_on_the_case(story: Story) -> None:
    """Invariant 29: own assignments."""
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).offer("a2", "noda", "kyudai", role="member")
    story.must("noda", "DeclineAssignment", reason="leaving")
    assert refused(story.says("noda", "CancelVisit", reason="other"))


def test_an_office_answers_for_its_own_researcher_without_naming_the_request(story: Story) -> None:
    """The default id is one's own."""
    story.offered().offer("a2", "baba", "sadai", role="member")
    assert story.says("ueno", "AcceptAssignment") == ["AssignmentAccepted"]


@pytest.mark.parametrize(("name", "data"), [("DraftAgreement", {}), ("RecordKnowHow", {})])
def test_an_office_that_is_only_asked_does_not_move_the_case(story: Story, name: str, data: dict[str, str]) -> None:
    """Invariant 29."""
    assert refused(story.offered().says("ueno", name, data))


@pytest.mark.parametrize("name", ["ReportProduct", "RecordStartup"])
def test_no_work_comes_before_a_coordinator(story: Story, name: str) -> None:
    """Invariant 5: one coordinator from review on."""
    person, data = {
        "ReportProduct": ("sato", {"name": "x"}),
        "RecordStartup": ("tanaka", {"startup_company_id": "x"}),
    }[name]
    assert story.referred().says(person, name, data) == "coordinator_required"

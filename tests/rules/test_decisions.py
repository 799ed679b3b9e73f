"""Decisions of two persons: proposed by one, confirmed or rejected by another."""

import pytest
from rules_story import Story

LEGAL = "legal"


def test_a_decline_is_confirmed_by_a_second_person(story: Story) -> None:
    story.in_review()
    assert story.says("tanaka", "DeclineNeed") == "reason_required"
    assert story.says("tanaka", "DeclineNeed", reason="price") == "invalid_field"
    assert story.says("tanaka", "DeclineNeed", {"advice": "省エネ診断へ。"}, reason=LEGAL) == ["DecisionProposed"]
    assert story.says("tanaka", "ConfirmDecision") == "four_eyes_required"
    assert story.says("kondo", "ConfirmDecision") == "not_permitted"
    [event] = story.do("mori", "ConfirmDecision")
    assert (event.type, event.actor.person, event.reason.code) == ("NeedDeclined", "mori", LEGAL)
    assert event.causation_id == story.state.last_proposal_id
    assert story.stands == ("review", "open")


def test_a_senior_needs_another_senior(story: Story) -> None:
    story.in_review().must("mori", "DeclineNeed", reason=LEGAL)
    assert story.says("mori", "ConfirmDecision") == "four_eyes_required"
    assert story.says("mizuki", "ConfirmDecision") == ["NeedDeclined"]


def test_a_decision_is_confirmed_once(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason=LEGAL).must("mori", "ConfirmDecision")
    assert story.says("mori", "ConfirmDecision") == "already_done"
    assert story.says("mori", "ConfirmDecision", {"proposal_id": "p9"}) == "invalid_field"
    assert story.says("tanaka", "DeclineNeed", reason=LEGAL) == "already_done"


def test_a_rejected_proposal_is_gone(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason=LEGAL)
    assert story.says("mori", "RejectDecision") == "reason_required"
    assert story.says("mori", "RejectDecision", reason="other") == ["DecisionRejected"]
    assert story.state.proposals == {} and story.state.declined_at is None


def test_a_confirmed_decision_is_decided_on_the_state_of_the_day(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason=LEGAL)
    first = story.state.last_proposal_id
    story.must("tanaka", "DeclineNeed", reason="capacity").must("mori", "ConfirmDecision")
    assert story.says("mori", "ConfirmDecision", {"proposal_id": first}) == "already_done"


def test_open_proposals_fall_when_the_case_ends(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason=LEGAL).must("tanaka", "RedirectNeed", {"to_org": "x"})
    assert story.state.proposals == {}
    assert story.says("mori", "ConfirmDecision") == "already_done"


@pytest.mark.parametrize("name", ["ConfirmDecision", "RejectDecision"])
def test_without_a_consent_a_decision_is_completed_as_far_as_its_own_command_goes(story: Story, name: str) -> None:
    """6c 1: a correction is among the named exceptions, a decline is not."""
    story.in_review().must("tanaka", "DeclineNeed", reason="legal").must("arita", "WithdrawConsent", reason="cost")
    assert story.says("mori", name, reason="other") == "consent_withdrawn"
    right = {"corrects_event_id": story.events[1].event_id, "right_value": {"title": "x"}}
    story.must("doi", "CorrectEvent", right, reason="other")
    assert len(story.says("mori", name, reason="other")) == 1


def test_a_rejection_keeps_its_own_reason(story: Story) -> None:
    """Envelope: why it was decided."""
    story.in_review().must("tanaka", "DeclineNeed", reason="legal")
    [event] = story.do("mori", "RejectDecision", reason={"code": "other", "text": "根拠が弱い"})
    assert event.reason.text == "根拠が弱い"


def test_a_correction_after_the_end_is_confirmed_too(story: Story) -> None:
    """Invariant 26: CorrectEvent may come after the case closed, its confirmation then as well."""
    story.licensed().must("tanaka", "CloseCase", {"disposition": "transferred"})
    right = {"corrects_event_id": story.events[1].event_id, "right_value": {"title": "x"}}
    story.must("doi", "CorrectEvent", right, reason="other")
    assert story.says("mori", "ConfirmDecision") == ["CorrectionRecorded"]

"""Duplicates and merging: one wish, one case, and each bank under its own reference."""

import pytest
from pydantic import ValidationError
from rules_story import CONSENT, Story

from domain.stages.merging import other_half

C2 = {"other_case_id": "c2"}


@pytest.fixture
def other() -> Story:
    """Another case of the same company."""
    return Story(case_id="c2").in_review(bank_reference="F-2")


def test_a_suspicion_is_noted_once_and_waits_for_a_decision(story: Story) -> None:
    suspected = {**C2, "score": "0.91", "basis": "法人番号"}
    assert story.in_review().says("system", "SuspectDuplicate", suspected) == ["DuplicateSuspected"]
    assert "duplicate" in story.waits()
    assert story.says("tanaka", "SuspectDuplicate", C2) == "already_done"
    assert story.says("tanaka", "SuspectDuplicate", {"other_case_id": "c1"}) == "merge_not_possible"


def test_a_suspicion_is_dismissed_with_a_reason(story: Story) -> None:
    assert story.in_review().says("tanaka", "DismissDuplicate", C2, reason="other") == "invalid_field"
    story.must("tanaka", "SuspectDuplicate", C2)
    assert story.says("tanaka", "DismissDuplicate", C2) == "reason_required"
    assert story.says("tanaka", "DismissDuplicate", C2, reason="other") == ["DuplicateDismissed"]
    assert "duplicate" not in story.waits()


def test_a_merge_names_the_other_case_once(story: Story) -> None:
    with pytest.raises(ValidationError):
        story.command("tanaka", "MergeCases", {"surviving_case_id": "c2", "absorbed_case_id": "c2"})


def test_two_persons_merge_and_the_absorbed_case_closes(story: Story, other: Story) -> None:
    story.in_review().others["case-c2"] = other.state
    assert story.says("tanaka", "MergeCases", {"surviving_case_id": "c2"}) == ["DecisionProposed"]
    assert story.says("tanaka", "ConfirmDecision") == "four_eyes_required"
    assert story.says("mori", "ConfirmDecision") == ["CaseMergedInto", "CaseClosed"]
    assert (story.state.disposition, story.state.merged_into) == ("merged", "c2")
    [half] = [one for event in story.events if (one := other_half(story.state, event))]
    assert [one.type for one in other.give(half)] == ["ReferralAttached"]
    assert other.give(half) == ()


def test_the_surviving_case_takes_the_other_referral(story: Story, other: Story) -> None:
    story.in_review().others["case-c2"] = other.state
    story.must("tanaka", "MergeCases", {"absorbed_case_id": "c2"})
    assert story.says("mori", "ConfirmDecision") == ["ReferralAttached"]
    [half] = [one for event in story.events if (one := other_half(story.state, event))]
    assert [one.type for one in other.give(half)] == ["CaseMergedInto", "CaseClosed"]


def test_only_open_cases_of_one_company_merge(story: Story, other: Story) -> None:
    wish = {"absorbed_case_id": "c2"}
    assert story.in_review().says("tanaka", "MergeCases", wish) == "merge_not_possible"
    story.others["case-c2"] = Story(case_id="c2").in_review(company_id="genkai", consent=CONSENT).state
    assert story.says("tanaka", "MergeCases", wish) == "merge_not_possible"
    other.must("tanaka", "RedirectNeed", {"to_org": "x"})
    story.others["case-c2"] = other.state
    assert story.says("tanaka", "MergeCases", wish) == "merge_not_possible"


def test_an_attached_bank_counts_from_its_own_referral_on(story: Story) -> None:
    story.in_review().attach("jfs-saga")
    assert [event.type for _, event, _ in story.reads("ide")] == ["ReferralAttached"]
    assert "ReferralAttached" not in [event.type for _, event, _ in story.reads("sato")]
    story.must("tanaka", "TriageNeed", {"route": "guidance"})
    assert story.sees("ide")["version"] == 2
    assert "jfs-fukuoka" not in story.text_for("ide") and "jfs-saga" not in story.text_for("sato")


def of_one_group(story: Story, **consent: object) -> Story:
    """c2 is of genkai; the story's case is of ariake."""
    other = Story(case_id="c2").referred(company_id="genkai", bank_reference="S-1")
    story.in_review(consent={**CONSENT, **consent}).others["case-c2"] = other.state
    return story


def test_companies_of_one_group_merge_with_the_document_that_shows_it(story: Story) -> None:
    """6c 24: the same company, or confirmed same group."""
    shown = {"absorbed_case_id": "c2", "group_document_id": "doc_evidence"}
    of_one_group(story, recipients=["center", "universities", "banks"])
    assert story.says("tanaka", "MergeCases", {"absorbed_case_id": "c2"}) == "merge_not_possible"
    assert story.says("tanaka", "MergeCases", shown) == ["DecisionProposed"]
    assert [one.document_id for one in story.events[-1].evidence] == ["doc_evidence"]
    assert story.says("mori", "ConfirmDecision") == ["ReferralAttached"]


def test_a_bank_of_another_company_of_the_group_is_a_recipient_first(story: Story) -> None:
    shown = {"absorbed_case_id": "c2", "group_document_id": "doc_evidence"}
    assert of_one_group(story).says("tanaka", "MergeCases", shown) == "recipient_not_consented"

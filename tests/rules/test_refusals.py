"""Refusals and reasons: stable codes, both languages, and the rules that hold for every command."""

from datetime import timedelta

import pytest
from pydantic import ValidationError
from rules_story import NEED, START, Story

from domain.case import UnknownCommand, UnknownEvent, event_type, evolve, rule_of
from domain.envelope import Reason
from domain.reasons import CATALOGUE, ReasonKind, is_known, wording
from domain.refusals import SENTENCES, Refusal

CONTRACT = [
    "consent_required",
    "recipient_not_consented",
    "consent_withdrawn",
    "reference_reused",
    "coordinator_required",
    "triage_required",
    "four_eyes_required",
    "compliance_required",
    "regional_search_first",
    "disclosure_exceeds_consent",
    "offer_limit",
    "assignment_incomplete",
    "own_interest",
    "joint_visit_required",
    "nda_required",
    "not_yet_happened",
    "report_unconfirmed",
    "visit_required",
    "version_not_approved",
    "costs_inconsistent",
    "agreement_immutable",
    "renewal_too_late",
    "agreement_not_effective",
    "payment_required",
    "unknown_agreement",
    "not_owner",
    "co_owner_consent_required",
    "publication_review_open",
    "evidence_required",
    "second_assessor_required",
    "work_open",
    "disposition_unfounded",
    "reason_required",
    "merge_not_possible",
    "cancellation_unconfirmed",
    "event_immutable",
    "citation_required",
    "lending_consent_required",
    "occurred_after_recorded",
    "document_required",
    "not_permitted",
    "case_closed",
    "already_done",
    "unknown_case",
    "version_stale",
    "invalid_field",
]
DOMAIN_REASONS = {
    "decline": "not_technical no_research_content better_elsewhere legal insufficient_information capacity "
    "out_of_scope",
    "assignment": "no_capacity not_my_field conflict competitor_tie deadline_too_short not_interesting leaving",
    "withdrawal": "business_change cost found_own_solution confidentiality management_change no_reason_given",
    "bank": "client_left_bank client_default policy sent_in_error",
    "agreement": "ip_ownership nonuse_compensation publication price indirect_cost liability internal_approval time",
    "research": "goal_not_reached researcher_left insolvency safety funding_ended",
}


def test_every_code_of_the_contract_has_its_sentences() -> None:
    assert set(CONTRACT) <= set(SENTENCES)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_stands_in_both_languages(code: str) -> None:
    text = SENTENCES[code]
    assert text.ja and text.en and text.ja != text.en


def test_a_refusal_names_code_field_and_fact(story: Story) -> None:
    refusal = story.do("sato", "ReferNeed", {**NEED, "consent": None})
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == ("consent_required", "/data/consent")
    assert "同意" in refusal.ja and "consent" in refusal.en


@pytest.mark.parametrize(("kind", "codes"), DOMAIN_REASONS.items())
def test_the_catalogue_of_reasons_is_the_domain_s(kind: str, codes: str) -> None:
    assert set(CATALOGUE[ReasonKind(kind)]) == set(codes.split())


def test_other_may_always_be_the_reason() -> None:
    assert all(is_known(kind, "other") for kind in ReasonKind)


def test_a_reason_speaks_for_itself_or_in_the_catalogue_s_words() -> None:
    assert wording(Reason(code="cost", text="高い")) == "高い"
    assert wording(Reason(code="cost"), "en") == "Cost"
    assert wording(Reason(code="other")) == "other"


def test_a_case_that_is_not_there_is_unknown(story: Story) -> None:
    assert story.says("tanaka", "StartReview") == "unknown_case"


def test_the_wrong_role_may_not(story: Story) -> None:
    assert story.says("hayashi", "ReferNeed", NEED) == "not_permitted"
    assert story.referred().says("arita", "StartReview") == "not_permitted"


def test_a_senior_coordinator_may_what_a_coordinator_may(story: Story) -> None:
    story.in_review()
    assert story.says("mori", "TriageNeed", {"route": "guidance"}) == ["NeedTriaged"]


def test_nothing_lies_in_the_future(story: Story) -> None:
    story.referred()
    later = {"occurred_at": START + timedelta(seconds=1)}
    assert story.says("arita", "DeclareCompanyFacts", **later) == "occurred_after_recorded"


def test_what_lies_more_than_thirty_days_back_needs_a_document(story: Story) -> None:
    story.referred()
    month = {"occurred_at": START - timedelta(days=30)}
    older = {"occurred_at": START - timedelta(days=30, seconds=1)}
    assert story.says("arita", "DeclareCompanyFacts", **month) == ["CompanyFactsDeclared"]
    assert story.says("arita", "DeclareCompanyFacts", **older) == "document_required"
    [event] = story.do("arita", "DeclareCompanyFacts", evidence=("doc_old",), **older)
    assert event.occurred_at < event.recorded_at and event.fiscal_year == 2025


def test_unknown_commands_and_events_are_errors(story: Story) -> None:
    with pytest.raises(UnknownCommand):
        rule_of("UpdateStatus")
    with pytest.raises(UnknownEvent):
        event_type("StatusUpdated")
    with pytest.raises(UnknownEvent):
        event_type("CaseOpened", 99)
    [opened, *_] = story.referred().events
    with pytest.raises(UnknownEvent):
        evolve(None, opened.model_copy(update={"type": "StatusUpdated"}))


def test_no_version_is_missing_or_doubled(story: Story) -> None:
    story.referred()
    with pytest.raises(ValueError, match="version"):
        evolve(story.state, story.events[-1])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("SupplementNeed", {"fields": {"description": None}}),
        ("AmendAgreement", {"changes": {"scope": None}}),
        ("CorrectEvent", {"corrects_event_id": "e1", "right_value": None}),
    ],
)
def test_no_null_reaches_the_record(story: Story, name: str, data: dict[str, object]) -> None:
    """Nothing canonical stands for null."""
    with pytest.raises(ValidationError, match="null"):
        story.command("arita", name, data)

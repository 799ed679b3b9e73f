"""The agreement: every party approves the last text, figures add up, what is signed changes only by amendment."""

import pytest
from pydantic import ValidationError
from rules_story import CONSENT, SIGNING, Story, refused

G1 = {"agreement_id": "g1"}


def costs(direct: str, indirect: str, **more: str) -> dict[str, object]:
    return {**SIGNING, "costs": {"direct": direct, "indirect": indirect, **more}}


def test_a_draft_brings_the_agreement_stage(story: Story) -> None:
    assert story.drafted().stands == ("agreement", "open")
    assert story.says("ueno", "DraftAgreement", G1) == "already_done"


def test_an_agreement_that_is_not_there_is_unknown(story: Story) -> None:
    assert story.report_confirmed().says("arita", "CounterAgreement") == "unknown_agreement"
    story.must("ueno", "DraftAgreement", G1)
    assert story.says("arita", "CounterAgreement", {"agreement_id": "g9"}) == "unknown_agreement"


def test_a_new_text_needs_new_approvals(story: Story) -> None:
    story.drafted().must("ueno", "ApproveAgreement", G1)
    points = {"open_points": [{"clause": "nonuse_compensation", "party": "ariake"}]}
    assert story.says("arita", "CounterAgreement", points) == ["AgreementCountered"]
    story.must("arita", "ApproveAgreement", {"version": 2})
    assert story.says("ueno", "SignAgreement", SIGNING) == "version_not_approved"
    assert story.says("arita", "ApproveAgreement", {"version": 2}) == "already_done"
    assert story.says("ueno", "ApproveAgreement", {"version": 3}) == "invalid_field"
    story.must("ueno", "ApproveAgreement", {"version": 2})
    assert story.says("ueno", "SignAgreement", {**SIGNING, "version": 1}) == "version_not_approved"
    assert story.says("ueno", "SignAgreement", {**SIGNING, "version": 2}) == ["AgreementSigned"]


def test_different_versions_approved_are_not_one_approved(story: Story) -> None:
    story.drafted().must("arita", "CounterAgreement").must("ueno", "ApproveAgreement", {"version": 1})
    story.must("arita", "ApproveAgreement", {"version": 2})
    assert story.says("ueno", "SignAgreement", SIGNING) == "version_not_approved"


def test_research_wants_a_confirmed_visit_or_a_concluded_consultation(story: Story) -> None:
    story.visited().must("ueno", "DraftAgreement", G1)
    story.must("ueno", "ApproveAgreement").must("arita", "ApproveAgreement")
    signing = {**SIGNING, "effective_on": "2026-05-02"}
    assert story.says("ueno", "SignAgreement", signing) == "visit_required"
    story.must("ueno", "StartConsultation", {"kind": "free_consultation"})
    assert story.says("ueno", "SignAgreement", signing) == "visit_required"
    story.must("tanaka", "ConcludeConsultation", {"outcome": "proceed"})
    assert story.says("ueno", "SignAgreement", signing) == ["AgreementSigned"]


def test_other_kinds_need_no_visit(story: Story) -> None:
    story.assigned().must("ueno", "DraftAgreement", {"kind": "material_transfer"})
    story.must("ueno", "ApproveAgreement").must("arita", "ApproveAgreement")
    assert story.says("ueno", "SignAgreement", {"effective_on": "2026-04-20", "ends_on": "2026-12-31"}) == [
        "AgreementSigned"
    ]


@pytest.mark.parametrize(
    ("direct", "indirect", "total", "code"),
    [
        ("2000000", "500000", None, "costs_inconsistent"),
        ("2000000", "600000", "2600001", "costs_inconsistent"),
        ("2000000", "600001", None, None),
        ("0", "0", "0", None),
    ],
)
def test_costs_add_up(story: Story, direct: str, indirect: str, total: str | None, code: str | None) -> None:
    signing = costs(direct, indirect, **({"total": total} if total else {}))
    assert story.approved().says("ueno", "SignAgreement", signing) == (code or ["AgreementSigned"])


def test_another_indirect_rate_is_given_a_reason(story: Story) -> None:
    story.approved()
    assert story.says("ueno", "SignAgreement", costs("2000000", "0"), reason="special_rate") == ["AgreementSigned"]


def test_an_agreement_begins_before_it_ends_and_is_signed_by_today(story: Story) -> None:
    story.approved()
    assert story.says("ueno", "SignAgreement", {**SIGNING, "ends_on": "2026-11-16"}) == "invalid_field"
    assert story.says("ueno", "SignAgreement", {**SIGNING, "signed_on": "2026-11-18"}) == "occurred_after_recorded"


def test_money_is_no_fraction(story: Story) -> None:
    with pytest.raises(ValidationError):
        story.command("ueno", "SignAgreement", {**SIGNING, "costs": {"direct": 0.5}})


def test_what_is_signed_changes_by_amendment_only(story: Story) -> None:
    story.signed()
    for name in ("CounterAgreement", "ApproveAgreement", "DraftAgreement"):
        assert story.says("ueno", name, G1) == "agreement_immutable"
    assert story.says("ueno", "SignAgreement", {**SIGNING, **G1}) == "agreement_immutable"
    assert story.says("ueno", "AbandonAgreement", G1, reason="price") == "agreement_immutable"


def test_an_amendment_is_confirmed_by_the_other_side(story: Story) -> None:
    changes = {"changes": {"scope": "試験条件の追加", "ends_on": "2027-09-30"}}
    assert story.signed().says("ueno", "AmendAgreement", changes) == ["DecisionProposed"]
    assert story.says("ueno", "ConfirmDecision") == "four_eyes_required"
    assert story.says("arita", "ConfirmDecision") == ["AgreementAmended"]
    assert str(story.state.agreements["g1"].ends_on) == "2027-09-30"


def test_an_amendment_needs_a_signed_agreement(story: Story) -> None:
    assert story.drafted().says("ueno", "AmendAgreement", {"changes": {"scope": "x"}}) == "agreement_not_effective"


def test_a_renewal_comes_in_time_or_at_most_ninety_days_late(story: Story) -> None:
    story.signed().at("2027-06-29T09:00:00+09:00")
    assert story.state.agreements["g1"].ended == "expired"
    renewal = {"new_ends_on": "2028-03-31"}
    assert story.says("ueno", "RenewAgreement", {"new_ends_on": "2027-03-31"}) == "invalid_field"
    story.must("ueno", "RenewAgreement", renewal)
    [event] = story.do("arita", "ConfirmDecision")
    assert event.data.late and story.state.agreements["g1"].ended is None


def test_a_renewal_after_ninety_days_is_too_late(story: Story) -> None:
    story.signed().at("2027-06-29T09:00:00+09:00").must("ueno", "RenewAgreement", {"new_ends_on": "2028-03-31"})
    story.at("2027-06-30T09:00:00+09:00")
    assert story.says("arita", "ConfirmDecision") == "renewal_too_late"
    assert story.says("ueno", "RenewAgreement", {"new_ends_on": "2028-03-31"}) == "renewal_too_late"


def test_a_signed_agreement_is_terminated_with_a_reason(story: Story) -> None:
    assert story.in_research().says("arita", "TerminateAgreement") == "reason_required"
    [event] = story.do("arita", "TerminateAgreement", reason="funding_ended")
    assert (event.data.by, story.state.agreements["g1"].ended) == ("company", "terminated")
    assert story.says("ueno", "TerminateAgreement", reason="safety") == "agreement_not_effective"


def test_a_negotiation_given_up_falls_back(story: Story) -> None:
    assert story.drafted().says("arita", "AbandonAgreement") == "reason_required"
    assert story.says("arita", "AbandonAgreement", reason="ip_ownership") == ["AgreementAbandoned"]
    assert story.stands == ("visit", "open")
    assert story.says("arita", "AbandonAgreement", G1, reason="ip_ownership") == "already_done"
    assert story.says("tanaka", "CloseCase", {"disposition": "agreement_failed"}) == ["CaseClosed"]


def test_another_text_on_the_table_keeps_the_stage(story: Story) -> None:
    story.drafted().must("ueno", "DraftAgreement", {"agreement_id": "g2", "kind": "heads_of_terms"})
    story.must("ueno", "AbandonAgreement", {"agreement_id": "g1"}, reason="price")
    assert story.stands == ("agreement", "open")


def test_an_agreement_expires_at_its_end(story: Story) -> None:
    assert "AgreementExpired" in story.signed(consent=CONSENT).fired("2027-04-01T09:00:00+09:00")
    assert story.says("hayashi", "StartResearch") == "agreement_not_effective"


def test_a_prior_relationship_stands_for_a_visit_by_two_persons_word(story: Story) -> None:
    story.assigned().must("ueno", "DraftAgreement").must("ueno", "ApproveAgreement").must("arita", "ApproveAgreement")
    signing = {**SIGNING, "effective_on": "2026-04-17", "prior_relationship": True}
    assert story.says("ueno", "SignAgreement", signing) == ["DecisionProposed"]
    assert story.says("arita", "ConfirmDecision") == "not_permitted"
    assert story.says("mori", "ConfirmDecision") == ["AgreementSigned"]


def test_an_amendment_that_names_no_day_is_refused(story: Story) -> None:
    """Evolve is total."""
    story.signed()
    outcome = story.says("ueno", "AmendAgreement", {"changes": {"ends_on": "soon"}})
    assert refused(outcome) or story.says("arita", "ConfirmDecision")


def test_an_amendment_does_not_end_the_agreement_before_it_began(story: Story) -> None:
    """Invariant 15."""
    outcome = story.signed().says("ueno", "AmendAgreement", {"changes": {"ends_on": "2026-01-01"}})
    assert refused(outcome) or refused(story.says("arita", "ConfirmDecision"))


def test_an_amendment_does_not_renew_what_ended_long_ago(story: Story) -> None:
    """Invariant 16: renewal within 90 days."""
    story.signed().at("2027-12-01T09:00:00+09:00")
    outcome = story.says("ueno", "AmendAgreement", {"changes": {"ends_on": "2028-03-31"}})
    assert refused(outcome) or refused(story.says("arita", "ConfirmDecision"))

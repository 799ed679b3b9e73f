"""Intake and consent: invariants 1 to 4 as far as one case knows them."""

import pytest
from pydantic import ValidationError
from rules_story import CONSENT, NEED, Story, refused

LENDING = {**CONSENT, "purposes": ["lending_evaluation"], "recipients": ["center", "lender"]}


WALK_IN = {key: value for key, value in NEED.items() if key != "bank_reference"} | {"origin": "walk_in"}


def test_a_need_without_consent_is_refused_and_nothing_is_stored(story: Story) -> None:
    need = {key: value for key, value in NEED.items() if key != "consent"}
    assert story.says("sato", "ReferNeed", need) == "consent_required"
    assert story.events == [] and story.case is None


@pytest.mark.parametrize(
    "change",
    [{"purposes": ["statistics"]}, {"recipients": ["universities"]}, {"purposes": ["lending_evaluation"]}],
)
def test_a_need_asks_for_consent_to_collaboration_by_the_center(story: Story, change: dict[str, list[str]]) -> None:
    assert story.says("sato", "ReferNeed", {**NEED, "consent": {**CONSENT, **change}}) == "consent_required"


def test_a_consent_that_has_ended_is_none(story: Story) -> None:
    ended = {**CONSENT, "valid_until": "2026-03-31"}
    assert story.says("sato", "ReferNeed", {**NEED, "consent": ended}) == "invalid_field"


def test_case_need_and_consent_are_one_append(story: Story) -> None:
    assert story.says("sato", "ReferNeed", NEED) == ["CaseOpened", "NeedReferred", "CompanyConsentRecorded"]
    assert len({one.command_id for one in story.events}) == 1
    assert story.stands == ("intake", "open")
    assert story.state.referrals[0].bank_id == "jfs-fukuoka"


def test_a_second_need_for_the_same_case_is_refused(story: Story) -> None:
    assert story.referred().says("sato", "ReferNeed", NEED) == "reference_reused"


def test_a_need_names_the_company_once(story: Story) -> None:
    with pytest.raises(ValidationError, match="company"):
        story.command("sato", "ReferNeed", {key: value for key, value in NEED.items() if key != "company_id"})


def test_a_coordinator_opens_a_case_without_a_bank(story: Story) -> None:
    assert story.says("tanaka", "OpenCase", WALK_IN) == ["CaseOpened", "NeedReferred", "CompanyConsentRecorded"]
    assert story.state.referrals == ()
    assert story.says("tanaka", "OpenCase", WALK_IN) == "already_done"


def test_a_walk_in_asks_for_consent_too(story: Story) -> None:
    assert story.says("tanaka", "OpenCase", {**WALK_IN, "consent": None}) == "consent_required"


def test_a_seed_driven_case_starts_without_need_and_consent(story: Story) -> None:
    assert story.says("tanaka", "OpenCase", {"origin": "seed", "seed_id": "seed-1"}) == ["CaseOpened"]
    assert story.says("tanaka", "OpenCase", {"origin": "seed"}) == "already_done"
    assert story.says("tanaka", "AssignCoordinator", {"coordinator_id": "tanaka"}) == ["CoordinatorAssigned"]


def test_an_answer_ends_the_wait_for_information(story: Story) -> None:
    story.in_review().at(4)
    asked = {"questions": ["窯の最高温度は。"], "due_on": "2026-04-20"}
    assert story.says("tanaka", "RequestInformation", asked) == ["NeedInformationRequested"]
    assert "information" in story.waits()
    answer = {"fields": {"tried_before": "1,100 度まで。"}, "documents": ["doc_kiln"]}
    assert story.says("sato", "SupplementNeed", answer) == ["NeedSupplemented"]
    assert "information" not in story.waits()
    assert story.state.need is not None and story.state.need.tried_before == "1,100 度まで。"


def test_an_answer_day_in_the_past_is_refused(story: Story) -> None:
    asked = {"questions": ["?"], "due_on": "2026-04-01"}
    assert story.in_review().says("tanaka", "RequestInformation", asked) == "invalid_field"


def test_a_supplement_says_something_the_need_can_hold(story: Story) -> None:
    story.referred()
    assert story.says("sato", "SupplementNeed", {"fields": {"urgency": "never"}}) == "invalid_field"
    with pytest.raises(ValidationError):
        story.command("sato", "SupplementNeed", {"fields": {"colour": "blue"}})


def test_a_bank_records_a_consent_with_its_document_only(story: Story) -> None:
    story.referred()
    bare = {key: value for key, value in CONSENT.items() if key != "document_id"}
    assert story.says("sato", "RecordConsent", bare) == "document_required"
    assert story.says("sato", "RecordConsent", CONSENT) == ["CompanyConsentRecorded"]
    assert story.says("arita", "RecordConsent", bare) == ["CompanyConsentRecorded"]


def test_the_company_narrows_its_consent(story: Story) -> None:
    story.searching()
    scope = {"recipients": ["center", "sadai"], "purposes": ["collaboration"], "data_classes": ["public_summary"]}
    narrowed = {"new_scope": {**scope, "valid_until": "2028-03-31"}}
    assert story.says("arita", "ChangeConsent", narrowed) == ["CompanyConsentChanged"]
    to_kyudai = {"researcher_id": "hayashi", "institution_id": "kyudai"}
    assert story.says("tanaka", "OfferAssignment", to_kyudai) == "recipient_not_consented"
    to_sadai = {"researcher_id": "baba", "institution_id": "sadai", "disclosed_fields": ["description"]}
    assert story.says("tanaka", "OfferAssignment", to_sadai) == "disclosure_exceeds_consent"


def test_a_withdrawal_recalls_offers_and_visits_and_holds_the_case(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", {**VISIT_LATER, "visit_id": "v1"})
    story.offer("a2", "noda", "kyudai", role="member")
    assert story.says("arita", "WithdrawConsent") == "reason_required"
    assert "CompanyConsentWithdrawn" in story.says("arita", "WithdrawConsent", reason="management_change")
    assert story.stands == ("visit", "held")
    assert story.state.assignments["a2"].state == "recalled" and story.state.visits["v1"].cancelled
    assert story.says("arita", "WithdrawConsent", reason="management_change") == "already_done"


VISIT_LATER = {
    "at": "2026-05-20T13:00:00+09:00",
    "attendees": [{"role": "coordinator", "org": "center"}, {"role": "researcher", "org": "kyudai"}],
}


def test_nothing_goes_on_after_a_withdrawal_but_its_end(story: Story) -> None:
    story.in_review().must("arita", "WithdrawConsent", reason="cost")
    assert story.says("tanaka", "AddNote", {"text": "x"}) == "consent_withdrawn"
    assert story.says("tanaka", "ResumeCase") == "consent_withdrawn"
    assert story.says("tanaka", "CloseCase", {"disposition": "consent_withdrawn"}) == ["CaseClosed"]


def test_a_signed_agreement_outlives_the_consent(story: Story) -> None:
    story.in_research().must("arita", "WithdrawConsent", reason="management_change")
    assert story.state.agreements["g1"].ended is None and story.state.agreements["g1"].research == "started"


def test_a_new_consent_lets_the_case_go_on(story: Story) -> None:
    story.in_review().must("arita", "WithdrawConsent", reason="cost").at(10)
    story.must("arita", "RecordConsent", CONSENT)
    assert story.says("tanaka", "ResumeCase") == ["CaseResumed"]
    assert story.stands == ("review", "open")


def test_an_ended_consent_stops_the_case(story: Story) -> None:
    story.in_review(consent={**CONSENT, "valid_until": "2026-04-30"})
    assert story.fired("2026-05-01T09:00:00+09:00")[-1] == "CaseHeld"
    assert story.says("tanaka", "AddNote", {"text": "x"}) == "consent_required"


def test_an_expert_is_asked_only_where_the_consent_reaches(story: Story) -> None:
    """Invariant 2."""
    asked = {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"}
    assert story.in_review().says("tanaka", "ConsultSpecialist", asked) == "recipient_not_consented"


def test_two_consents_do_not_add_up_to_a_wider_one(story: Story) -> None:
    """Invariants 2, 9: recipient and class of data come from the same consent."""
    narrow = {**CONSENT, "recipients": ["center", "aist"], "data_classes": ["public_summary", "trade_secret"]}
    story.searching().must("arita", "RecordConsent", narrow)
    offer = {"researcher_id": "hayashi", "institution_id": "kyudai", "disclosed_fields": ["trade_secret"]}
    assert story.says("tanaka", "OfferAssignment", offer) == "disclosure_exceeds_consent"


@pytest.mark.parametrize("name", ["RenewAgreement", "AmendAgreement", "TerminateAgreement"])
def test_the_agreement_goes_on_outside_the_case_once_the_consent_is_gone(story: Story, name: str) -> None:
    """Invariants 1, 3."""
    data = {"RenewAgreement": {"new_ends_on": "2028-03-31"}, "AmendAgreement": {"changes": {"scope": "x"}}}
    story.in_research().must("arita", "WithdrawConsent", reason="cost")
    assert story.says("ueno", name, data.get(name), reason="other") == "consent_withdrawn"


def test_a_case_whose_consent_was_withdrawn_is_closed_after_the_wind_down(story: Story) -> None:
    """Invariant 3, script 7: 20 business days."""
    story.in_review().must("arita", "WithdrawConsent", reason="cost").at(60)
    assert (story.state.status, story.state.disposition) == ("closed", "consent_withdrawn")


def test_a_wind_down_does_not_close_over_a_draft(story: Story) -> None:
    """Invariants 3, 22: what is open ends first or by the same step."""
    story.drafted().must("arita", "WithdrawConsent", reason="cost").at(200)
    assert story.state.status == "held" or story.state.agreements["g1"].ended


def test_a_consent_for_lending_that_ends_does_not_hold_the_case(story: Story) -> None:
    """The consent that carries the case is still in force."""
    lending = {**CONSENT, "purposes": ["lending_evaluation"], "valid_until": "2026-07-31"}
    story.in_review().must("arita", "RecordConsent", lending).at("2026-08-03T09:00:00+09:00")
    assert story.stands == ("review", "open")


def test_a_lending_consent_taken_back_does_not_hold_the_case(story: Story) -> None:
    """Invariant 3: what the consent did not carry goes on."""
    story.in_review().must("arita", "RecordConsent", {**LENDING, "consent_id": "k2"})
    story.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")
    assert story.stands == ("review", "open")


def test_the_company_withdraws_its_consent_from_a_closed_case_too(story: Story) -> None:
    """Invariant 3: no new disclosure, also after the end."""
    story.in_review().must("tanaka", "RedirectNeed", {"to_org": "x"})
    assert not refused(story.says("arita", "WithdrawConsent", reason="cost"))


@pytest.mark.parametrize(("name", "reason"), [("ReopenCase", "other"), ("RecordFollowUp", None)])
def test_after_the_consent_ended_nothing_goes_on(story: Story, name: str, reason: str | None) -> None:
    """Invariant 1: neither is among the named exceptions."""
    story.in_review(consent={**CONSENT, "valid_until": "2026-05-31"})
    story.must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other").at(100)
    assert story.says("tanaka", name, reason=reason) == "consent_required"


SUMMARY = {**{key: CONSENT[key] for key in ("purposes", "valid_until")}, "data_classes": ["public_summary"]}


def test_a_narrower_consent_recalls_requests_beyond_it(story: Story) -> None:
    """Invariants 2, 3: checked again at every moment; the others wait on."""
    story.searching().offer("a1", "hayashi", "kyudai").offer("a2", "baba", "sadai", role="member")
    story.must("arita", "ChangeConsent", {"new_scope": {**SUMMARY, "recipients": ["center", "sadai"]}})
    assert {key: one.state for key, one in story.state.assignments.items()} == {"a1": "recalled", "a2": "offered"}
    assert story.says("hayashi", "AcceptAssignment", {"assignment_id": "a1"}) == "already_done"


def test_a_consent_taken_back_recalls_what_only_it_reached(story: Story) -> None:
    """Invariant 3: another consent carries the case on, but not the request."""
    story.offered().must("arita", "RecordConsent", {**CONSENT, "recipients": ["center", "sadai"]})
    first = next(iter(story.state.consents))
    story.must("arita", "WithdrawConsent", {"consent_id": first}, reason="confidentiality")
    assert (story.state.status, story.state.assignments["a1"].state) == ("open", "recalled")


def test_whoever_is_asked_reads_no_more_than_a_narrower_consent_leaves(story: Story) -> None:
    """Invariant 9."""
    story.searching().offer("a1", "hayashi", "kyudai", disclosed_fields=["title", "tried_before"])
    story.must("arita", "ChangeConsent", {"new_scope": {**SUMMARY, "recipients": ["center", "universities"]}})
    assert set(story.sees("hayashi")["need"]) == {"title"}

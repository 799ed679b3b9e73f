"""Intake and consent: invariants 1 to 4 as far as one case knows them."""

import pytest
from pydantic import ValidationError
from rules_story import CONSENT, NEED, Story

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

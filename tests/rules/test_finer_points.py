"""Finer points of the domain reference, each with its place there."""

import pytest
from pydantic import ValidationError
from rules_story import CONSENT, NEED, SECRET_PASSAGE, VISIT, Story

from domain.refusals import Refusal

INVENTION = {"inventors": ["hayashi"], "related_agreement": "g1"}


def refused(outcome: object) -> bool:
    return isinstance(outcome, str | Refusal)


# disclosure


def test_a_liaison_office_that_is_only_asked_reads_no_more_than_was_disclosed(story: Story) -> None:
    """Invariants 2, 9."""
    assert NEED["description"] not in story.offered().text_for("ueno")


def test_an_expert_sees_the_one_question(story: Story) -> None:
    """Invariant 29."""
    story.assigned(consent={**CONSENT, "recipients": ["center", "universities", "experts"]})
    story.must("tanaka", "ConsultSpecialist", {"expert_kind": "lawyer", "expert_id": "hori", "question": "妥当か。"})
    text = story.text_for("hori")
    assert "妥当か。" in text and NEED["description"] not in text


def test_an_expert_is_asked_only_where_the_consent_reaches(story: Story) -> None:
    """Invariant 2."""
    asked = {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"}
    assert story.in_review().says("tanaka", "ConsultSpecialist", asked) == "recipient_not_consented"


def test_a_reason_s_text_is_hidden_from_the_bank_where_the_event_is_summarized(story: Story) -> None:
    """Column Bank: S is type, date and reason class only."""
    story.drafted().must("arita", "AbandonAgreement", reason={"code": "price", "text": "上限二百万円"})
    assert "上限二百万円" not in story.text_for("sato")


def test_a_withdrawal_s_reason_reaches_the_bank_as_a_class_only(story: Story) -> None:
    """Script 7."""
    story.in_review().must("arita", "WithdrawConsent", reason={"code": "cost", "text": "資金繰りが悪い"})
    assert "資金繰りが悪い" not in story.text_for("sato")


def test_an_assigned_researcher_reads_no_class_of_data_outside_the_consent(story: Story) -> None:
    """Invariant 2."""
    story.assigned(consent={**CONSENT, "data_classes": ["public_summary"]})
    assert NEED["description"] not in story.text_for("hayashi")


def test_the_bank_reads_no_amount_in_an_amendment(story: Story) -> None:
    """AgreementSigned: amounts as band."""
    story.signed().must("ueno", "AmendAgreement", {"changes": {"direct": "1234567"}}).must("arita", "ConfirmDecision")
    assert "1234567" not in story.text_for("sato")


def test_a_redacted_passage_is_hidden_from_a_second_researcher(story: Story) -> None:
    """The company checks the report before others see it."""
    story.report_confirmed().at(48).offer("a2", "baba", "sadai", role="member").assign("a2", "baba", "saga-desk")
    assert SECRET_PASSAGE not in story.text_for("baba")


def test_a_liaison_office_reads_a_report_as_confirmed(story: Story) -> None:
    """VisitReport: others read it only as the company confirmed it."""
    assert SECRET_PASSAGE not in story.report_confirmed().text_for("ueno")


def test_a_researcher_s_interests_are_not_the_company_s_to_read(story: Story) -> None:
    """A declaration is for the conflict-of-interest officer and the center."""
    tie = {"interests": [{"kind": "side_job", "company_ref": "競合の社名"}]}
    story.offered().must("hayashi", "DeclareInterests", tie)
    assert "競合の社名" not in story.text_for("arita")


def test_another_researcher_s_interests_stay_with_the_other(story: Story) -> None:
    """Invariant 29."""
    story.assigned().offer("a2", "baba", "sadai", role="member")
    story.must("baba", "DeclareInterests", {"interests": [{"kind": "side_job", "company_ref": "競合の社名"}]})
    assert "競合の社名" not in story.text_for("hayashi")


def test_a_researcher_who_left_reads_nothing_that_came_later(story: Story) -> None:
    """Invariant 29."""
    story.assigned().must("hayashi", "ReleaseResearcher", reason="moved")
    story.offer("a2", "baba", "sadai").assign("a2", "baba", "saga-desk")
    story.must("arita", "SupplementNeed", {"fields": {"tried_before": "後から分かったこと"}})
    assert "後から分かったこと" not in story.text_for("hayashi")


def test_hidden_work_does_not_move_what_the_bank_sees(story: Story) -> None:
    """A bank counts only what it may see; nothing else tells it that something happened."""
    story.in_review()
    before = story.sees("sato")
    story.at(2).must("tanaka", "AddNote", {"text": "内部"})
    assert story.sees("sato") == before


def test_a_correction_is_seen_no_further_than_what_it_corrects(story: Story) -> None:
    """Column Bank of the corrected event."""
    story.triaged()
    check = next(one for one in story.events if one.type == "ComplianceChecked")
    right = {"corrects_event_id": check.event_id, "right_value": {"result": "反社該当"}}
    story.must("doi", "CorrectEvent", right, reason="other").must("mori", "ConfirmDecision")
    assert "反社該当" not in story.text_for("sato")


def test_an_attached_bank_reads_nothing_from_before(story: Story) -> None:
    """Invariants 24, 25: only what happened from its consent on."""
    story.visited().attach("jfs-saga")
    assert story.sees("ide").get("visits", []) == []


def test_one_bank_s_doings_do_not_reach_another(story: Story) -> None:
    """Invariant 24: nothing one bank reads contains the other."""
    story.in_review().attach("jfs-saga").must("sato", "AssignBankOfficer", {"officer_id": "ono"})
    story.must("sato", "RequestCancellation", reason="client_left_bank")
    text = story.text_for("ide")
    assert "ono" not in text and "client_left_bank" not in text


def test_one_bank_at_a_visit_is_not_named_to_another(story: Story) -> None:
    """Invariant 24."""
    story.assigned().attach("jfs-saga")
    going = [*VISIT["attendees"], {"role": "bank_officer", "org": "jfs-fukuoka"}]
    assert "jfs-fukuoka" not in story.must("tanaka", "ScheduleVisit", {**VISIT, "attendees": going}).text_for("ide")


def test_a_merge_waits_for_a_consent_that_names_both(story: Story) -> None:
    """Invariant 24: the survivor's consents cover both purposes, else a new consent first."""
    other = Story(case_id="c2").in_review(consent={**CONSENT, "purposes": ["collaboration", "lending_evaluation"]})
    story.in_review().others["case-c2"] = other.state
    assert refused(story.says("tanaka", "MergeCases", {"absorbed_case_id": "c2"}))


def test_no_case_is_absorbed_over_open_work(story: Story) -> None:
    """Invariant 22."""
    story.offered().others["case-c2"] = Story(case_id="c2").in_review().state
    story.do("tanaka", "MergeCases", {"surviving_case_id": "c2"})
    story.do("mori", "ConfirmDecision")
    assert story.state.status == "open" or story.state.assignments["a1"].state != "offered"


# who may


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


def test_a_coordinator_with_an_interest_no_longer_owns_the_case(story: Story) -> None:
    """Invariant 11."""
    story.in_review().must("tanaka", "DeclareInterests", {"interests": [{"kind": "share", "company_ref": "ariake"}]})
    assert story.says("tanaka", "TriageNeed", {"route": "guidance"}) == "own_interest"


def test_an_office_answers_for_its_own_researcher_without_naming_the_request(story: Story) -> None:
    """The default id is one's own."""
    story.offered().offer("a2", "baba", "sadai", role="member")
    assert story.says("ueno", "AcceptAssignment") == ["AssignmentAccepted"]


def test_new_interests_are_decided_anew(story: Story) -> None:
    """Invariants 10, 11."""
    story.offered().must("hayashi", "AcceptAssignment").must("ueno", "AcceptAssignment")
    story.must("hayashi", "DeclareInterests", {"interests": []}).must("ueno", "DecideConflict", {"decision": "cleared"})
    story.must("hayashi", "DeclareInterests", {"interests": [{"kind": "share", "company_ref": "ariake"}]})
    assert story.says("tanaka", "ConfirmAssignment") == "assignment_incomplete"


def test_who_is_to_confirm_reads_the_proposal(story: Story) -> None:
    """A second person decides on what is read."""
    story.in_research().must("ueno", "RenewAgreement", {"new_ends_on": "2028-03-31"})
    assert "2028-03-31" in story.text_for("arita")


# consent


def test_a_decision_is_not_confirmed_after_the_consent_is_gone(story: Story) -> None:
    """Invariant 1: every later command but the named ones."""
    story.in_review().must("tanaka", "DeclineNeed", reason="legal").must("arita", "WithdrawConsent", reason="cost")
    assert story.says("mori", "ConfirmDecision") == "consent_withdrawn"


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


def test_a_consent_for_lending_that_ends_does_not_hold_the_case(story: Story) -> None:
    """The consent that carries the case is still in force."""
    lending = {**CONSENT, "purposes": ["lending_evaluation"], "valid_until": "2026-07-31"}
    story.in_review().must("arita", "RecordConsent", lending).at("2026-08-03T09:00:00+09:00")
    assert story.stands == ("review", "open")


def test_the_company_withdraws_its_consent_from_a_closed_case_too(story: Story) -> None:
    """Invariant 3: no new disclosure, also after the end."""
    story.in_review().must("tanaka", "RedirectNeed", {"to_org": "x"})
    assert not refused(story.says("arita", "WithdrawConsent", reason="cost"))


# stage, end and reopening


def test_a_second_triage_does_not_throw_research_back(story: Story) -> None:
    """Invariant 23."""
    story.in_research().do("tanaka", "TriageNeed", {"route": "joint_research"})
    assert story.stands == ("research", "open")


@pytest.mark.parametrize("name", ["ReportProduct", "RecordStartup"])
def test_no_work_comes_before_a_coordinator(story: Story, name: str) -> None:
    """Invariant 5: one coordinator from review on."""
    person, data = {
        "ReportProduct": ("sato", {"name": "x"}),
        "RecordStartup": ("tanaka", {"startup_company_id": "x"}),
    }[name]
    assert story.referred().says(person, name, data) == "coordinator_required"


@pytest.mark.parametrize("name", ["RedirectNeed", "DeclineNeed"])
def test_a_need_in_work_is_neither_redirected_nor_declined(story: Story, name: str) -> None:
    """Invariant 22."""
    data = {"RedirectNeed": {"to_org": "x"}}.get(name)
    assert refused(story.offered().says("tanaka", name, data, reason="legal"))


def test_an_unanswered_question_does_not_close_over_open_work(story: Story) -> None:
    """Invariant 22."""
    story.drafted().must("tanaka", "RequestInformation", {"questions": ["?"]}).at(220)
    assert story.state.status == "open" or story.state.agreements["g1"].ended


def test_a_cancellation_closes_no_case_over_a_draft(story: Story) -> None:
    """Invariant 22: ended first or by the same command."""
    story.drafted().must("arita", "RequestCancellation", reason="cost").do("tanaka", "ConfirmCancellation")
    assert story.state.status == "open" or story.state.agreements["g1"].ended


def test_the_bank_that_cancels_sees_the_end(story: Story) -> None:
    """CaseClosed is F."""
    story.in_review().must("sato", "RequestCancellation", reason="client_default")
    story.must("tanaka", "ConfirmCancellation", {"company_continues": False})
    assert [event.type for _, event, _ in story.reads("sato")][-1] == "CaseClosed"


def test_a_reopened_case_is_not_closed_again_by_its_old_decline(story: Story) -> None:
    """Reopening lets the case go on."""
    story.in_review().must("tanaka", "DeclineNeed", reason="legal").must("mori", "ConfirmDecision").at(30)
    story.must("tanaka", "ReopenCase", reason="other").at(31)
    assert story.state.status == "open"


def test_a_reopened_case_is_not_closed_again_by_its_old_question(story: Story) -> None:
    """6d: 30 -> close as expired (reopenable)."""
    story.in_review().must("tanaka", "RequestInformation", {"questions": ["?"]}).at(60)
    story.must("tanaka", "ReopenCase", reason="other").at(61)
    assert story.state.status == "open"


def test_reopening_is_no_storm_of_reminders(story: Story) -> None:
    """What stood still while the case was closed goes on from there."""
    story.in_review().must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other").at(200)
    story.must("tanaka", "ReopenCase", reason="other")
    assert story.fired(201) == []


def test_a_search_that_found_nobody_closes_after_three_business_days(story: Story) -> None:
    """6a: NoResearcherFound, 3 bd, closes as no_researcher (script 4b)."""
    story.searching().must("tanaka", "ShortlistResearchers", {"candidates": []}).must("tanaka", "WidenSearch")
    story.must("tanaka", "ShortlistResearchers", {"candidates": []}).must("tanaka", "ConcludeSearchEmpty").at(20)
    assert story.state.disposition == "no_researcher"


def test_nobody_was_found_only_when_nobody_is_asked_or_assigned(story: Story) -> None:
    """Invariant 8: ended empty."""
    story.offered().must("tanaka", "ShortlistResearchers", {"candidates": []})
    assert story.says("tanaka", "WidenSearch") == "regional_search_first"


@pytest.mark.parametrize("disposition", ["merged", "cancelled_by_bank", "company_insolvent"])
def test_an_end_that_rests_on_no_fact_rests_on_a_reason(story: Story, disposition: str) -> None:
    """FOUNDATIONS: the others rest on the coordinator's word and a reason."""
    assert refused(story.in_review().says("tanaka", "CloseCase", {"disposition": disposition}))


def test_a_visit_is_not_held_without_an_assigned_researcher(story: Story) -> None:
    """Invariant 12."""
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).must("tanaka", "ReleaseResearcher", {"cause": "ill"})
    assert story.at(31).says("tanaka", "RecordVisitHeld") == "joint_visit_required"


def test_a_visit_moved_beyond_the_nda_needs_another(story: Story) -> None:
    """Invariant 12."""
    story.assigned().must("ueno", "RecordNda", {"parties": ["ariake", "kyudai"], "valid_until": "2026-05-01"})
    story.must("tanaka", "ScheduleVisit", {**VISIT, "shows_trade_secrets": True})
    assert story.says("tanaka", "RescheduleVisit", {"new_at": "2026-05-20T13:00:00+09:00"}) == "nda_required"


def test_a_right_that_was_handed_over_is_not_handed_over_again(story: Story) -> None:
    """Invariant 19."""
    story.with_invention("institution").must("ueno", "RecordAssignmentOfRights", {"invention_ids": ["i1"]})
    assert story.says("ueno", "RecordLicense", {"invention_ids": ["i1"]}) == "not_owner"


def test_a_publication_is_cleared_or_delayed_and_nothing_else(story: Story) -> None:
    """PublicationCleared: result{cleared, delayed_until}."""
    story.with_invention().must("hayashi", "RequestPublicationReview")
    story.must("arita", "ClearPublication", {"result": "delayed"})
    assert story.says("hayashi", "PublishResults") == "publication_review_open"


def test_the_triage_s_level_is_the_first_step_of_the_readiness_line(story: Story) -> None:
    """Invariant 21: a jump from initial_trl 2 to 8."""
    jump = {"level": 8, "evidence": ["doc_x"]}
    assert story.assigned().says("hayashi", "AssessReadiness", jump) == "second_assessor_required"


# record


def test_a_rejection_keeps_its_own_reason(story: Story) -> None:
    """Envelope: why it was decided."""
    story.in_review().must("tanaka", "DeclineNeed", reason="legal")
    [event] = story.do("mori", "RejectDecision", reason={"code": "other", "text": "根拠が弱い"})
    assert event.reason.text == "根拠が弱い"


def test_a_walk_in_referred_by_a_coordinator_has_no_bank(story: Story) -> None:
    """ReferNeed by CO: there is no referral without a bank."""
    assert story.must("tanaka", "ReferNeed", NEED).state.referrals == ()


def test_an_amendment_that_names_no_day_is_refused(story: Story) -> None:
    """Evolve is total."""
    story.signed()
    outcome = story.says("ueno", "AmendAgreement", {"changes": {"ends_on": "soon"}})
    assert refused(outcome) or story.says("arita", "ConfirmDecision")


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


def test_a_visit_s_event_tells_when_the_visit_was(story: Story) -> None:
    """Envelope: occurred_at, when it was true."""
    story.visited()
    held = next(one for one in story.events if one.type == "VisitHeld")
    assert held.occurred_at == held.data.at


# timers


def test_an_offer_ends_on_its_own_day_even_before_the_reminder(story: Story) -> None:
    """respond_by."""
    story.searching().offer("a1", "hayashi", "kyudai", respond_by="2026-04-08").at("2026-04-09T09:00:00+09:00")
    assert story.state.assignments["a1"].state == "expired"


def test_an_offer_the_office_accepts_first_still_waits_for_the_researcher(story: Story) -> None:
    """6d: offer to researcher."""
    assert "offer" in story.offered().must("ueno", "AcceptAssignment").waits()


def test_a_day_to_answer_moves_while_the_case_is_held(story: Story) -> None:
    """6d: pause while held."""
    story.searching().offer("a1", "hayashi", "kyudai", respond_by="2026-04-30")
    story.at(15).must("tanaka", "HoldCase", reason="other").at(60).must("tanaka", "ResumeCase").at(61)
    assert story.state.assignments["a1"].state == "offered"


def test_a_question_to_the_company_reminds_the_company(story: Story) -> None:
    """6d: information asked of bank or company."""
    story.in_review().must("tanaka", "RequestInformation", {"questions": ["?"], "from_role": "company_representative"})
    events = [one for one in story.pass_time(story.now.replace(day=15)) if one.data.timer == "information"]
    assert [one.data.to_role for one in events] == ["company_representative"]


def test_an_unconfirmed_report_reminds_the_company(story: Story) -> None:
    """6d: company confirmation."""
    events = [one for one in story.reported().pass_time(story.now.replace(day=20)) if one.data.timer == "visit_report"]
    assert [one.data.to_role for one in events] == ["company_representative"]


def test_a_negotiation_s_180_days_count_from_the_first_draft(story: Story) -> None:
    """6d: 180 days total, 365 days."""
    story.drafted()
    for day in (200, 250, 300):
        story.at(day).must("arita", "CounterAgreement")
    agreed = [one for one in story.events if one.type == "CaseEscalated" and one.data.timer == "agreement"]
    story.at(331)
    assert [one for one in story.events if one.type == "CaseEscalated" and one.data.timer == "agreement"] != agreed


def test_what_the_bank_does_not_see_does_not_break_its_silence(story: Story) -> None:
    """6d: status to bank while open, every 30 days of silence."""
    story.triaged("test_institute")
    before = story.due("silence")
    story.at(10).must("tanaka", "AddNote", {"text": "内部"})
    assert story.due("silence") == before


def test_silence_is_told_again_after_the_first_forty_days(story: Story) -> None:
    """6d: every 30 days."""
    story.triaged("test_institute").at(60)
    assert "silence" in story.waits()


def test_no_bank_is_told_of_silence_after_its_referral_ended(story: Story) -> None:
    """6d: status to bank."""
    story.assigned().must("sato", "RequestCancellation", reason="client_left_bank")
    story.must("tanaka", "ConfirmCancellation", {"company_continues": True})
    assert "silence" not in story.waits()


def test_a_changed_consent_is_no_storm_of_reminders(story: Story) -> None:
    """6d: reminders that lie behind are skipped."""
    story.in_review().at(200)
    scope = {key: CONSENT[key] for key in ("recipients", "purposes", "data_classes")}
    story.must("arita", "ChangeConsent", {"new_scope": {**scope, "valid_until": "2026-10-30"}})
    assert [one for one in story.pass_time(story.now) if one.data.timer == "consent_end"] == []


def test_running_research_asks_for_progress_reports(story: Story) -> None:
    """6d: progress report, quarterly."""
    assert "progress" in story.in_research().waits()


def test_a_visit_recorded_long_after_needs_a_document(story: Story) -> None:
    """Invariant 28."""
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).at(80)
    assert story.says("tanaka", "RecordVisitHeld") == "document_required"


@pytest.mark.parametrize(("name", "reason"), [("ReopenCase", "other"), ("RecordFollowUp", None)])
def test_after_the_consent_ended_nothing_goes_on(story: Story, name: str, reason: str | None) -> None:
    """Invariant 1: neither is among the named exceptions."""
    story.in_review(consent={**CONSENT, "valid_until": "2026-05-31"})
    story.must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other").at(100)
    assert story.says("tanaka", name, reason=reason) == "consent_required"


def test_two_banks_get_the_same_stage_events(story: Story) -> None:
    """Script 9: a product one bank reports is no secret of that bank."""
    story.licensed().attach("jfs-saga").must("sato", "ReportProduct", {"name": "反射鏡"})
    assert "ProductPrototyped" in [event.type for _, event, _ in story.reads("ide")]


def test_the_end_of_one_bank_s_referral_is_not_another_s_news(story: Story) -> None:
    """Invariant 24."""
    story.in_review().attach("jfs-saga").must("sato", "RequestCancellation", reason="client_left_bank")
    story.must("tanaka", "ConfirmCancellation", {"company_continues": True})
    assert "CaseCancellationConfirmed" not in [event.type for _, event, _ in story.reads("ide")]


def test_a_wind_down_does_not_close_over_a_draft(story: Story) -> None:
    """Invariants 3, 22: what is open ends first or by the same step."""
    story.drafted().must("arita", "WithdrawConsent", reason="cost").at(200)
    assert story.state.status == "held" or story.state.agreements["g1"].ended


def test_the_other_half_of_a_merge_closes_no_case_over_open_work(story: Story) -> None:
    """Invariant 22: work that began between the two halves."""
    story.offered().do("system", "CompleteMerge", {"surviving_case_id": "c2"})
    assert story.state.status == "open" or story.state.assignments["a1"].state != "offered"

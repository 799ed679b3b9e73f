"""Hold, close, reopen, cancel, correct: what may happen at any stage."""

import pytest
from rules_story import VISIT, Story


def test_a_case_is_held_with_a_reason_and_resumed(story: Story) -> None:
    assert story.in_review().says("tanaka", "HoldCase") == "reason_required"
    assert story.says("tanaka", "HoldCase", {"until": "2026-09-30"}, reason="other") == ["CaseHeld"]
    assert story.stands == ("review", "held") and story.waits() == ["held"]
    assert story.says("tanaka", "HoldCase", reason="other") == "already_done"
    assert story.says("tanaka", "ResumeCase") == ["CaseResumed"]
    assert story.says("tanaka", "ResumeCase") == "already_done"


def test_open_work_ends_before_the_case(story: Story) -> None:
    end = {"disposition": "company_insolvent"}
    story.offered()
    assert story.says("tanaka", "CloseCase", end, reason="other") == "work_open"
    story.at(16).assign("a1", "hayashi", "ueno").must("tanaka", "ScheduleVisit", VISIT)
    assert story.says("tanaka", "CloseCase", end, reason="other") == "work_open"
    story.must("tanaka", "CancelVisit", reason="other").must("ueno", "DraftAgreement")
    assert story.says("tanaka", "CloseCase", end, reason="other") == "work_open"
    story.must("ueno", "AbandonAgreement", reason="price")
    assert story.says("tanaka", "CloseCase", end, reason="other") == ["CaseClosed"]


@pytest.mark.parametrize(
    "disposition",
    [
        "commercialized",
        "transferred",
        "research_completed",
        "research_failed",
        "declined",
        "no_researcher",
        "not_feasible",
        "agreement_failed",
        "resolved_by_advice",
        "consent_withdrawn",
        "redirected",
    ],
)
def test_a_disposition_rests_on_a_fact(story: Story, disposition: str) -> None:
    end = {"disposition": disposition}
    assert story.in_review().says("tanaka", "CloseCase", end, reason="other") == "disposition_unfounded"


def closes(story: Story, disposition: str) -> bool:
    return story.says("tanaka", "CloseCase", {"disposition": disposition}) == ["CaseClosed"]


def filed(story: Story, feasibility: str) -> Story:
    return story.visited().must("hayashi", "FileVisitReport", {"findings": "x", "feasibility": feasibility})


@pytest.mark.parametrize(("feasibility", "founded"), [("infeasible", True), ("unclear", False), ("feasible", False)])
def test_not_feasible_rests_on_the_last_report(story: Story, feasibility: str, founded: bool) -> None:
    assert closes(filed(story, feasibility), "not_feasible") is founded


def test_research_that_runs_has_neither_failed_nor_been_completed(story: Story) -> None:
    story.in_research()
    assert not closes(story, "research_failed") and not closes(story, "research_completed")


@pytest.mark.parametrize(
    ("outcome", "disposition"),
    [("achieved", "research_completed"), ("partly", "research_completed"), ("not_achieved", "research_failed")],
)
def test_the_outcome_of_the_research_says_how_the_case_ended(story: Story, outcome: str, disposition: str) -> None:
    story.in_research().must("hayashi", "CompleteResearch", {"outcome": outcome})
    [other] = {"research_completed", "research_failed"} - {disposition}
    assert not closes(story, other) and closes(story, disposition)


def test_research_broken_off_has_failed(story: Story) -> None:
    assert closes(story.in_research().must("ueno", "TerminateAgreement", reason="insolvency"), "research_failed")


def test_no_agreement_failed_once_research_was_agreed(story: Story) -> None:
    story.signed().must("ueno", "DraftAgreement", {"agreement_id": "g2"})
    assert not closes(story.must("ueno", "AbandonAgreement", reason="price"), "agreement_failed")


@pytest.mark.parametrize(("route", "founded"), [("advice_only", True), ("joint_research", False)])
def test_advice_resolves_a_case_where_some_was_given(story: Story, route: str, founded: bool) -> None:
    assert closes(story.triaged(route), "resolved_by_advice") is founded


def test_an_expert_s_answer_resolves_a_case(story: Story) -> None:
    answer = {"expert_kind": "lawyer", "question": "?", "answer_doc": "doc_evidence"}
    assert closes(story.triaged().must("tanaka", "ConsultSpecialist", answer), "resolved_by_advice")


def test_a_closed_case_takes_no_more_work(story: Story) -> None:
    story.in_review().must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other")
    assert story.says("tanaka", "TriageNeed", {"route": "guidance"}) == "case_closed"
    assert story.says("tanaka", "AddNote", {"text": "x"}) == ["NoteRecorded"]
    assert story.says("arita", "RecordFollowUp", {"jobs": 2, "continued": True}) == ["FollowUpRecorded"]


def test_a_case_is_reopened_within_three_years_with_a_reason(story: Story) -> None:
    assert story.in_review().says("tanaka", "ReopenCase", reason="other") == "already_done"
    story.must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other")
    assert story.says("tanaka", "ReopenCase") == "reason_required"
    story.at("2029-03-31T09:00:00+09:00")
    assert story.says("tanaka", "ReopenCase", reason="other") == ["CaseReopened"]
    assert story.stands == ("review", "open") and story.state.disposition is None


def test_after_three_years_a_case_stays_closed(story: Story) -> None:
    story.in_review().must("tanaka", "CloseCase", {"disposition": "entered_in_error"}, reason="other")
    assert story.at("2029-04-03T09:00:00+09:00").says("tanaka", "ReopenCase", reason="other") == "case_closed"


def test_a_bank_that_cancels_ends_its_referral_not_the_case(story: Story) -> None:
    story.assigned().at(25)
    assert story.says("tanaka", "ConfirmCancellation") == "cancellation_unconfirmed"
    assert story.says("sato", "RequestCancellation") == "reason_required"
    assert story.says("sato", "RequestCancellation", reason="client_left_bank") == ["CaseCancellationRequested"]
    assert story.says("sato", "RequestCancellation", reason="client_left_bank") == "already_done"
    [event] = story.do("tanaka", "ConfirmCancellation", {"company_continues": True})
    assert event.data.effects == ("referral_ended", "case_continues")
    seen = story.sees("sato")["version"]
    story.must("tanaka", "ScheduleVisit", VISIT)
    assert story.stands == ("visit", "open")
    assert story.sees("sato")["version"] == seen


def test_a_cancellation_both_want_ends_the_case(story: Story) -> None:
    story.offered().must("sato", "RequestCancellation", reason="client_default")
    assert story.says("tanaka", "ConfirmCancellation", {"company_continues": False}) == [
        "CaseCancellationConfirmed",
        "CaseClosed",
    ]
    assert story.state.disposition == "cancelled_by_bank"
    assert story.state.assignments["a1"].state == "recalled"


def test_a_company_that_cancels_withdraws(story: Story) -> None:
    story.in_review().must("arita", "RequestCancellation", reason="found_own_solution")
    story.must("tanaka", "ConfirmCancellation")
    assert story.state.disposition == "withdrawn_by_company"


def test_sent_in_error_is_an_error_for_three_business_days(story: Story) -> None:
    story.referred().at(2).must("sato", "RequestCancellation", reason="sent_in_error").at(5)
    story.must("mori", "ConfirmCancellation")
    assert story.state.disposition == "entered_in_error"


def test_later_an_error_is_a_cancellation(story: Story) -> None:
    story.referred().at(8).must("sato", "RequestCancellation", reason="sent_in_error")
    story.must("mori", "ConfirmCancellation", {"company_continues": False})
    assert story.state.disposition == "cancelled_by_bank"


def test_a_correction_adds_to_the_record_by_two_persons(story: Story) -> None:
    story.referred()
    wrong = {"corrects_event_id": "no-such-event", "right_value": {"title": "正しい"}}
    assert story.says("doi", "CorrectEvent", wrong, reason="other") == "event_immutable"
    right = {**wrong, "corrects_event_id": story.events[1].event_id}
    assert story.says("doi", "CorrectEvent", right) == "reason_required"
    assert story.says("doi", "CorrectEvent", right, reason="other") == ["DecisionProposed"]
    [event] = story.do("mori", "ConfirmDecision")
    assert (event.type, event.reason.code) == ("CorrectionRecorded", "other")
    assert story.state.need is not None and story.state.need.title.startswith("溶解炉")
    again = {**right, "corrects_event_id": event.event_id}
    assert story.says("doi", "CorrectEvent", again, reason="other") == "event_immutable"


def test_another_officer_of_the_bank_follows_the_case(story: Story) -> None:
    story.referred()
    assert story.says("sato", "AssignBankOfficer", {"officer_id": "ide"}) == "invalid_field"
    assert story.says("sato", "AssignBankOfficer", {"officer_id": "ono"}) == ["BankOfficerAssigned"]
    assert story.says("sato", "AssignBankOfficer", {"officer_id": "ono"}) == "already_done"


def test_a_bank_whose_referral_ended_gives_no_more_commands(story: Story) -> None:
    story.assigned().must("sato", "RequestCancellation", reason="client_left_bank")
    story.must("tanaka", "ConfirmCancellation", {"company_continues": True})
    assert story.says("sato", "SupplementNeed", {"fields": {"tried_before": "x"}}) == "case_closed"

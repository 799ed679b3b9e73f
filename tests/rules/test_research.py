"""Research: an agreement in force and the money first, milestones of an agreement, readiness on evidence."""

from datetime import timedelta

import pytest
from rules_story import SIGNING, Story

DONE = {"evidence": ["doc_density"]}
M1 = {"milestone_id": "m1", "title": "相対密度 99 % 超", "due_on": "2027-03-10"}


def test_money_comes_before_the_start_where_the_institution_wants_it(story: Story) -> None:
    assert story.signed().says("hayashi", "StartResearch") == "payment_required"
    assert story.says("ueno", "ConfirmPayment", {"received_on": "2026-11-18"}) == "occurred_after_recorded"
    assert story.says("ueno", "ConfirmPayment") == ["PaymentConfirmed"]
    assert story.says("hayashi", "StartResearch") == ["ResearchStarted"]
    assert story.stands == ("research", "open")
    assert story.says("hayashi", "StartResearch") == "already_done"


def test_an_agreement_without_costs_owes_nothing(story: Story) -> None:
    free = {**SIGNING, "costs": {"direct": "0", "indirect": "0"}}
    assert story.approved().must("ueno", "SignAgreement", free).says("hayashi", "StartResearch") == ["ResearchStarted"]


def test_an_institution_may_trust_the_company(story: Story) -> None:
    story.report_confirmed().at(48).offer("a2", "baba", "sadai", role="member").assign("a2", "baba", "saga-desk")
    story.must("saga-desk", "DraftAgreement").must("saga-desk", "ApproveAgreement").must("arita", "ApproveAgreement")
    signing = {**SIGNING, "effective_on": "2026-05-19", "costs": {"direct": "1000000", "indirect": "0"}}
    assert story.must("saga-desk", "SignAgreement", signing).says("baba", "StartResearch") == ["ResearchStarted"]


def test_research_waits_for_the_first_day_of_its_agreement(story: Story) -> None:
    assert story.drafted().says("ueno", "ConfirmPayment") == "agreement_not_effective"
    assert story.says("hayashi", "StartResearch") == "agreement_not_effective"
    story.at(230).must("arita", "ApproveAgreement").must("ueno", "ApproveAgreement")
    story.must("ueno", "SignAgreement", {**SIGNING, "effective_on": "2026-12-01"}).must("ueno", "ConfirmPayment")
    assert story.says("hayashi", "StartResearch") == "agreement_not_effective"
    assert story.at("2026-12-01T09:00:00+09:00").says("hayashi", "StartResearch") == ["ResearchStarted"]


def test_guidance_is_no_research(story: Story) -> None:
    story.report_confirmed().must("ueno", "DraftAgreement", {"kind": "academic_guidance"})
    story.must("ueno", "ApproveAgreement").must("arita", "ApproveAgreement")
    story.must("ueno", "SignAgreement", {"effective_on": "2026-05-11", "ends_on": "2026-12-31"})
    assert story.says("hayashi", "StartResearch") == "agreement_not_effective"


def test_research_pauses_goes_on_and_ends(story: Story) -> None:
    assert story.in_research().says("arita", "SuspendResearch") == "reason_required"
    assert story.says("arita", "SuspendResearch", reason="safety") == ["ResearchSuspended"]
    assert story.says("arita", "SuspendResearch", reason="safety") == "agreement_not_effective"
    assert story.says("ueno", "ResumeResearch") == ["ResearchResumed"]
    assert story.says("hayashi", "CompleteResearch", {"outcome": "achieved"}) == ["ResearchCompleted"]
    assert story.says("hayashi", "CompleteResearch", {"outcome": "partly"}) == "already_done"
    assert story.says("tanaka", "CloseCase", {"disposition": "research_completed"}) == ["CaseClosed"]


def test_a_milestone_belongs_to_an_agreement_or_the_background(story: Story) -> None:
    story.in_research()
    assert story.says("hayashi", "PlanMilestone", {**M1, "agreement_id": "g9"}) == "unknown_agreement"
    assert story.says("hayashi", "PlanMilestone", {**M1, "agreement_id": "background"}) == ["MilestonePlanned"]
    assert story.says("hayashi", "PlanMilestone", M1) == "already_done"
    assert story.says("tanaka", "PlanMilestone", {**M1, "milestone_id": "m2"}) == ["MilestonePlanned"]
    assert story.state.milestones["m2"].agreement_id == "g1"


def test_a_milestone_is_reached_missed_or_dropped(story: Story) -> None:
    story.in_research().must("hayashi", "PlanMilestone", M1)
    assert story.says("hayashi", "RecordMilestone", {"milestone_id": "m9", "result": "reached"}) == "invalid_field"
    missed = {"result": "missed", "new_due_on": "2027-03-20"}
    assert story.says("hayashi", "RecordMilestone", missed) == ["MilestoneMissed"]
    assert story.says("hayashi", "RecordMilestone", {"result": "reached", **DONE}) == ["MilestoneReached"]
    assert story.says("hayashi", "RecordMilestone", {"milestone_id": "m1", "result": "dropped"}) == "already_done"
    story.must("hayashi", "PlanMilestone", {**M1, "milestone_id": "m2"})
    assert story.says("hayashi", "RecordMilestone", {"result": "dropped"}) == ["MilestoneDropped"]


def test_a_milestone_missed_by_the_clock_may_still_be_reached(story: Story) -> None:
    story.in_research().must("hayashi", "PlanMilestone", M1)
    fired = story.fired("2027-04-02T09:00:00+09:00")
    assert "MilestoneMissed" in fired and story.state.milestones["m1"].result == "missed"
    assert story.says("hayashi", "RecordMilestone", {"result": "reached"}) == ["MilestoneReached"]


def test_readiness_rests_on_evidence(story: Story) -> None:
    story.assigned()
    assert story.says("hayashi", "AssessReadiness", {"level": 3}) == "evidence_required"
    [event] = story.do("hayashi", "AssessReadiness", {"level": 3}, evidence=("doc_sheet",))
    assert (event.data.assessor_ref, event.data.evidence) == ("hayashi", ("doc_sheet",))
    assert event.evidence[0].document_id == "doc_sheet"


@pytest.mark.parametrize(
    ("level", "second", "code"),
    [
        (6, None, "second_assessor_required"),
        (6, "hayashi", "second_assessor_required"),
        (6, "baba", None),
        (5, None, None),
        (2, None, None),
    ],
)
def test_a_jump_of_more_than_two_levels_wants_a_second_assessor(
    story: Story, level: int, second: str | None, code: str | None
) -> None:
    story.assigned().must("hayashi", "AssessReadiness", {"level": 3, **DONE})
    jump = {"level": level, **DONE, **({"second_assessor_ref": second} if second else {})}
    assert story.says("hayashi", "AssessReadiness", jump) == (code or ["ReadinessAssessed"])


def test_a_progress_report_puts_the_quarterly_question_off(story: Story) -> None:
    """6d: progress report, quarterly."""
    assert story.signed().says("hayashi", "ReportProgress") == "agreement_not_effective"
    before = story.must("ueno", "ConfirmPayment").must("hayashi", "StartResearch").due("progress")
    story.pass_time(timedelta(days=10))
    assert story.says("hayashi", "ReportProgress", {"summary": "順調。"}) == ["ProgressReported"]
    assert story.due("progress") > before
    assert "順調" not in story.text_for("sato")


def test_the_triage_s_level_is_the_first_step_of_the_readiness_line(story: Story) -> None:
    """Invariant 21: a jump from initial_trl 2 to 8."""
    jump = {"level": 8, "evidence": ["doc_x"]}
    assert story.assigned().says("hayashi", "AssessReadiness", jump) == "second_assessor_required"

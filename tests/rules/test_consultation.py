"""Consultation: lighter help, before or instead of research."""

from rules_story import Story

GUIDANCE = {
    "consultation_id": "k1",
    "kind": "academic_guidance",
    "period": {"starts_on": "2026-05-21", "ends_on": "2026-08-19"},
    "fee": "300000",
    "indirect_rate": "0.30",
}


def test_help_comes_from_an_assigned_researcher(story: Story) -> None:
    assert story.offered().says("tanaka", "StartConsultation", GUIDANCE) == "assignment_incomplete"


def test_guidance_begins_and_is_concluded_once(story: Story) -> None:
    assert story.report_confirmed().says("ueno", "StartConsultation", GUIDANCE) == ["ConsultationStarted"]
    assert story.stands == ("consultation", "open")
    assert story.says("ueno", "StartConsultation", GUIDANCE) == "already_done"
    assert story.says("hayashi", "ConcludeConsultation", {"outcome": "proceed"}) == ["ConsultationConcluded"]
    assert story.says("hayashi", "ConcludeConsultation", {"outcome": "stop"}) == "already_done"


def test_a_consultation_that_is_not_there_is_not_concluded(story: Story) -> None:
    assert story.assigned().says("tanaka", "ConcludeConsultation", {"outcome": "stop"}) == "invalid_field"


def test_advice_that_solves_the_need_ends_the_case(story: Story) -> None:
    story.report_confirmed().must("ueno", "StartConsultation", GUIDANCE)
    story.must("hayashi", "ConcludeConsultation", {"outcome": "solved"})
    assert story.says("tanaka", "CloseCase", {"disposition": "resolved_by_advice"}) == ["CaseClosed"]

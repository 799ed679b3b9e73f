"""Finer points of the waits: whom a step tells, when it falls due, what moves it (section 6d)."""

from rules_story import CONSENT, Story


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


def test_more_time_moves_one_step_and_not_all_of_them_at_once(story: Story) -> None:
    """6d: reminder, escalation and end keep their distance."""
    story.in_review().must("tanaka", "RequestInformation", {"questions": ["?"]})
    story.must("tanaka", "ExtendDeadline", {"timer": "information", "to": "2026-07-01"}, reason="other")
    story.at("2026-07-01T18:00:00+09:00")
    assert story.state.status == "open"

"""The visit: made together, recorded after it happened, read as the company confirmed it."""

import pytest
from rules_story import CONSENT, FINDINGS, SECRET_PASSAGE, VISIT, Story

REPORT = {"findings": FINDINGS, "feasibility": "unclear"}


def test_a_visit_needs_an_assigned_researcher(story: Story) -> None:
    assert story.offered().says("tanaka", "ScheduleVisit", VISIT) == "joint_visit_required"


@pytest.mark.parametrize("alone", [["researcher"], ["coordinator"], []])
def test_coordinator_and_researcher_go_together(story: Story, alone: list[str]) -> None:
    assert story.assigned().says("tanaka", "ScheduleVisit", {**VISIT, "attendees": alone}) == "joint_visit_required"


def test_trade_secrets_wait_for_an_nda_that_lasts(story: Story) -> None:
    story.assigned()
    shown = {**VISIT, "shows_trade_secrets": True}
    assert story.says("tanaka", "ScheduleVisit", shown) == "nda_required"
    story.must("ueno", "RecordNda", {"parties": ["ariake", "kyudai"], "valid_until": "2026-04-30"})
    assert story.says("tanaka", "ScheduleVisit", shown) == "nda_required"
    story.must("ueno", "RecordNda", {"parties": ["ariake", "kyudai"], "valid_until": "2026-05-01"})
    assert story.says("tanaka", "ScheduleVisit", shown) == ["VisitScheduled"]


def test_a_consent_to_secrets_asks_for_the_nda_by_itself(story: Story) -> None:
    story.assigned(consent={**CONSENT, "data_classes": ["public_summary", "need_detail", "trade_secret"]})
    assert story.says("tanaka", "ScheduleVisit", VISIT) == "nda_required"


def test_a_visit_that_lies_ahead_was_not_held(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", {**VISIT, "visit_id": "v1"})
    assert story.says("tanaka", "RecordVisitHeld") == "not_yet_happened"
    assert story.says("hayashi", "FileVisitReport", REPORT) == "not_yet_happened"
    assert story.says("tanaka", "ScheduleVisit", {**VISIT, "visit_id": "v1"}) == "already_done"


def test_a_visit_moves_or_is_called_off(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", {**VISIT, "visit_id": "v1"})
    assert story.says("arita", "RescheduleVisit", {"new_at": "2026-05-08T13:00:00+09:00"}) == ["VisitRescheduled"]
    assert story.says("hayashi", "CancelVisit", reason="ill") == ["VisitCancelled"]
    assert story.says("tanaka", "RecordVisitHeld") == "already_done"
    assert story.says("tanaka", "RescheduleVisit", {"new_at": "2026-05-09T13:00:00+09:00"}) == "already_done"


def test_a_held_visit_says_who_was_there(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).at(31)
    alone = {"attended": [{"role": "coordinator", "org": "center"}]}
    assert story.says("tanaka", "RecordVisitHeld", alone) == "joint_visit_required"
    [event] = story.do("tanaka", "RecordVisitHeld", {"absent": ["bank_officer"]})
    assert [one.role for one in event.data.attended] == ["coordinator", "researcher"]
    assert story.says("tanaka", "RecordVisitHeld") == "already_done"


def test_a_report_is_revised_until_the_company_confirms(story: Story) -> None:
    [event] = story.reported().do("tanaka", "FileVisitReport", REPORT)
    assert (event.data.version, event.data.report_id) == (2, "r1")
    assert story.says("arita", "ConfirmVisitReport", {"version": 1}) == "invalid_field"
    assert story.says("arita", "ConfirmVisitReport", {"version": 2}) == ["VisitReportConfirmed"]
    assert story.says("arita", "ConfirmVisitReport") == "already_done"
    assert story.says("tanaka", "FileVisitReport", REPORT) == "already_done"


def test_a_report_that_is_not_there_is_not_confirmed(story: Story) -> None:
    assert story.visited().says("arita", "ConfirmVisitReport") == "invalid_field"


def test_the_bank_reads_the_report_as_confirmed(story: Story) -> None:
    story.reported()
    assert "report" not in story.sees("sato")["visits"][0]
    story.must("arita", "ConfirmVisitReport", {"redactions": [SECRET_PASSAGE]})
    assert story.sees("sato")["visits"][0]["report"]["findings"] == "窯の温度分布は均一。■■■冷却が課題。"


def test_a_redaction_that_is_not_in_the_text_hides_all_of_it(story: Story) -> None:
    story.reported().must("arita", "ConfirmVisitReport", {"redactions": ["どこにもない文"]})
    assert story.sees("sato")["visits"][0]["report"]["findings"] == "■■■"


def test_a_visit_is_not_held_without_an_assigned_researcher(story: Story) -> None:
    """Invariant 12."""
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).must("tanaka", "ReleaseResearcher", {"cause": "ill"})
    assert story.at(31).says("tanaka", "RecordVisitHeld") == "joint_visit_required"


def test_a_visit_moved_beyond_the_nda_needs_another(story: Story) -> None:
    """Invariant 12."""
    story.assigned().must("ueno", "RecordNda", {"parties": ["ariake", "kyudai"], "valid_until": "2026-05-01"})
    story.must("tanaka", "ScheduleVisit", {**VISIT, "shows_trade_secrets": True})
    assert story.says("tanaka", "RescheduleVisit", {"new_at": "2026-05-20T13:00:00+09:00"}) == "nda_required"


@pytest.mark.parametrize(
    ("researcher", "says"),
    [
        ({"role": "researcher"}, ["VisitScheduled"]),
        ({"role": "researcher", "person": "hayashi"}, ["VisitScheduled"]),
        ({"role": "researcher", "org": "sadai"}, "joint_visit_required"),
        ({"role": "researcher", "person": "noda", "org": "kyudai"}, "joint_visit_required"),
    ],
)
def test_the_researcher_who_goes_is_one_of_the_case(story: Story, researcher: dict[str, str], says: object) -> None:
    """6c 12: an assigned researcher and a coordinator among the attendees."""
    going = [{"role": "coordinator", "org": "center"}, researcher]
    assert story.assigned().says("tanaka", "ScheduleVisit", {**VISIT, "attendees": going}) == says


def test_a_visit_goes_no_further_than_the_consent(story: Story) -> None:
    """6c 2: what is shown at the company goes to the institution; checked at the moment of sending."""
    scope = {key: CONSENT[key] for key in ("purposes", "data_classes", "valid_until")}
    story.assigned().must("arita", "ChangeConsent", {"new_scope": {**scope, "recipients": ["center", "sadai"]}})
    assert story.says("tanaka", "ScheduleVisit", VISIT) == "recipient_not_consented"

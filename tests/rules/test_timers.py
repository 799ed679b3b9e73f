"""Timers: whose turn it is, when somebody is reminded, and what ends by itself (`domain.md` 6d)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from rules_story import CONSENT, SIGNING, VISIT, Story

from domain.calendar import JST, after_business_days, after_days, after_months, fiscal_year, is_business_day
from domain.stages.timing import due_command
from domain.timers import deadlines


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JST)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-04-01", True),
        ("2026-04-04", False),
        ("2026-04-29", False),
        ("2026-05-06", False),
        ("2026-08-12", True),
        ("2026-08-13", False),
        ("2026-08-15", False),
        ("2026-09-22", False),
        ("2026-12-28", True),
        ("2026-12-29", False),
        ("2027-01-03", False),
        ("2027-01-04", True),
    ],
)
def test_nobody_works_on_weekends_holidays_obon_and_new_year(day: str, works: bool) -> None:
    assert is_business_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("since", "count", "due"),
    [
        ("2026-04-01T09:00", 1, "2026-04-02T18:00"),
        ("2026-04-01T23:59", 1, "2026-04-02T18:00"),
        ("2026-04-03T19:00", 1, "2026-04-06T18:00"),
        ("2026-04-28T09:00", 3, "2026-05-07T18:00"),
        ("2026-08-12T09:00", 1, "2026-08-17T18:00"),
        ("2026-12-28T09:00", 1, "2027-01-04T18:00"),
        ("2026-05-07T09:00", -1, "2026-05-01T18:00"),
    ],
)
def test_business_days_end_at_six(since: str, count: int, due: str) -> None:
    assert after_business_days(local(since), count) == local(due)


def test_days_and_months_end_at_the_hour_they_began() -> None:
    assert after_days(local("2026-04-01T09:30"), 30) == local("2026-05-01T09:30")
    assert after_months(local("2026-08-31T09:30"), 6) == local("2027-02-28T09:30")


def test_the_fiscal_year_begins_in_april_in_japan() -> None:
    assert fiscal_year(datetime(2027, 3, 31, 14, 59, tzinfo=UTC)) == 2026
    assert fiscal_year(datetime(2027, 3, 31, 15, 0, tzinfo=UTC)) == 2027


def test_an_unowned_case_is_reminded_then_escalated(story: Story) -> None:
    assert story.referred().waits() == ["acknowledge", "consent_end", "silence"]
    assert story.due("acknowledge") == "2026-04-02 18:00"
    events = story.pass_time(timedelta(days=6))
    assert [(one.type, one.data.to_role.value) for one in events] == [
        ("ReminderSent", "coordinator"),
        ("CaseEscalated", "senior_coordinator"),
    ]


def test_a_review_is_reminded_after_five_and_escalated_after_ten(story: Story) -> None:
    story.in_review()
    assert story.due("review") == "2026-04-09 18:00"
    assert story.fired(16) == ["ReminderSent", "CaseEscalated"]
    assert "review" not in story.waits()


def test_an_unanswered_question_ends_the_case_as_expired(story: Story) -> None:
    story.in_review().must("tanaka", "TriageNeed", {"route": "test_institute"})
    story.must("tanaka", "RequestInformation", {"questions": ["?"]})
    fired = story.fired(60)
    assert fired.count("ReminderSent") >= 2 and fired[-1] == "CaseClosed"
    assert (story.state.disposition, story.waits()) == ("expired", [])


def test_a_declined_need_closes_after_three_business_days(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason="out_of_scope").must("mori", "ConfirmDecision")
    assert story.waits() == ["consent_end", "next_step", "silence"]
    assert story.due("next_step") == "2026-04-07 18:00"
    assert story.fired(7) == ["CaseClosed"]
    assert (story.state.disposition, story.waits()) == ("declined", [])


def test_an_offer_waits_until_its_own_day_if_it_names_one(story: Story) -> None:
    story.searching().offer("a1", "hayashi", "kyudai", respond_by="2026-05-15")
    story.fired("2026-05-15T17:59:00+09:00")
    assert story.state.assignments["a1"].state == "offered"
    assert story.fired("2026-05-15T18:00:00+09:00") == ["AssignmentExpired"]


def test_a_conflict_that_nobody_decides_is_escalated(story: Story) -> None:
    story.offered().must("hayashi", "AcceptAssignment").must("hayashi", "DeclareInterests", {"interests": []})
    assert story.due("conflict") == "2026-04-14 18:00"
    assert story.fired(21).count("CaseEscalated") == 1


def test_an_empty_search_is_escalated_by_its_ring(story: Story) -> None:
    story.searching()
    assert story.due("search_regional") == "2026-04-28 18:00"
    story.must("tanaka", "WidenSearch", reason="specialism")
    assert story.due("search_national") == "2026-05-25 18:00"
    story.fired("2026-05-26T09:00:00+09:00")
    assert "search_national" not in story.waits()


def test_a_visit_date_is_asked_for_after_ten_business_days(story: Story) -> None:
    story.assigned()
    assert story.due("visit_date") == "2026-05-07 18:00"
    story.must("tanaka", "ScheduleVisit", VISIT)
    assert story.due("visit") == "2026-04-23 18:00"
    assert "visit_date" not in story.waits()


def test_a_visit_without_record_is_asked_about(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", VISIT)
    assert story.fired("2026-05-11T19:00:00+09:00").count("CaseEscalated") == 1


def test_a_moved_visit_is_waited_for_anew(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).at(28)
    story.must("arita", "RescheduleVisit", {"new_at": "2026-06-12T10:00:00+09:00"})
    assert story.due("visit") == "2026-06-05 18:00"


def test_report_and_confirmation_are_waited_for(story: Story) -> None:
    story.visited()
    assert story.due("visit_report") == "2026-05-13 18:00"
    story.must("tanaka", "FileVisitReport", {"findings": "x", "feasibility": "unclear"}).at(45)
    assert story.waits() == ["consent_end", "silence", "visit_report"]
    story.must("arita", "ConfirmVisitReport")
    assert story.waits() == ["consent_end", "next_step", "silence"]


def test_a_report_is_never_taken_as_confirmed(story: Story) -> None:
    story.reported().at(200)
    assert story.state.visits["v1"].report is not None
    assert story.state.visits["v1"].report.confirmed_at is None


def test_a_quiet_negotiation_is_escalated_after_forty_business_days(story: Story) -> None:
    story.drafted()
    assert story.due("agreement") == "2026-09-30 18:00"
    story.at(160).must("arita", "CounterAgreement")
    assert story.due("agreement") == "2026-10-09 18:00"
    story.must("tanaka", "ExtendDeadline", {"timer": "agreement", "to": "2026-12-25"}, reason="other")
    assert story.due("agreement") == "2026-12-25 18:00"


def test_a_deadline_is_extended_only_while_it_runs_and_into_the_future(story: Story) -> None:
    story.drafted()
    past = {"timer": "agreement", "to": "2026-04-01"}
    assert story.says("tanaka", "ExtendDeadline", past) == "reason_required"
    assert story.says("tanaka", "ExtendDeadline", past, reason="other") == "invalid_field"
    absent = {"timer": "milestone", "to": "2026-12-25"}
    assert story.says("tanaka", "ExtendDeadline", absent, reason="other") == "invalid_field"


def test_the_end_of_an_agreement_is_announced_from_ninety_days_before(story: Story) -> None:
    story.signed()
    assert story.due("agreement_end") == "2026-12-31 18:00"
    fired = [one for one in story.pass_time(local("2027-04-01T09:00")) if one.type != "ReminderSent"]
    assert [one.type for one in fired if one.type == "AgreementExpired"] == ["AgreementExpired"]
    assert fired[-1].recorded_at == local("2027-03-31T18:00")


def test_a_short_agreement_skips_what_lies_behind(story: Story) -> None:
    story.approved().must("ueno", "SignAgreement", {**SIGNING, "ends_on": "2026-12-10"})
    assert story.due("agreement_end") == "2026-11-26 18:00"


def test_a_milestone_is_announced_and_missed(story: Story) -> None:
    story.in_research().must("hayashi", "PlanMilestone", {"title": "x", "due_on": "2027-01-29"})
    assert story.due("milestone") == "2027-01-15 18:00"
    story.at("2027-02-23T09:00:00+09:00")
    assert next(iter(story.state.milestones.values())).result == "missed"


def test_ownership_and_publication_are_waited_for(story: Story) -> None:
    story.with_invention().must("hayashi", "RequestPublicationReview")
    assert {"ownership", "publication"} <= set(story.waits())
    story.at(400)
    assert not {"ownership", "publication"} & set(story.waits())


def test_thirty_quiet_days_are_told_then_every_second_day_then_escalated(story: Story) -> None:
    story.triaged("test_institute")
    events = [one for one in story.pass_time(timedelta(days=60)) if one.data.timer == "silence"]
    assert [(one.recorded_at.astimezone(JST).date() - date(2026, 4, 6)).days for one in events[:6]] == [
        30,
        32,
        34,
        36,
        38,
        40,
    ]
    assert events[5].type == "CaseEscalated"


def test_every_held_month_is_told(story: Story) -> None:
    story.in_review().must("tanaka", "HoldCase", reason="other")
    events = story.pass_time(local("2027-04-03T09:00"))
    assert [one.type for one in events] == [
        *["ReminderSent"] * 5,
        "CaseEscalated",
        *["ReminderSent"] * 5,
        "CaseEscalated",
    ]
    assert story.stands == ("review", "held") and story.waits() == ["held"]


def test_waits_pause_while_the_case_is_held(story: Story) -> None:
    story.offered().must("tanaka", "HoldCase", reason="other").at(26)
    assert story.state.assignments["a1"].state == "offered"
    story.must("tanaka", "ResumeCase")
    assert story.due("offer") == "2026-05-08 18:00"


def test_an_ended_consent_is_announced_and_holds_the_case(story: Story) -> None:
    story.in_review(consent={**CONSENT, "valid_until": "2026-07-31"})
    assert story.due("consent_end") == "2026-06-01 18:00"
    story.at("2026-08-01T09:00:00+09:00")
    assert story.stands == ("review", "held")


def test_some_ends_are_followed_up(story: Story) -> None:
    story.licensed().must("tanaka", "CloseCase", {"disposition": "transferred"})
    assert story.waits() == ["follow_up"]
    assert story.fired("2029-12-18T09:00:00+09:00") == ["ReminderSent"] * 4
    assert story.waits() == []


def test_a_step_that_is_no_longer_due_does_nothing(story: Story) -> None:
    story.referred()
    late = due_command(story.state, deadlines(story.state)[0])
    assert story.give(late) == ()
    story.must("tanaka", "AssignCoordinator", {"coordinator_id": "tanaka"}).at(2)
    assert story.give(late) == ()


def test_the_same_step_has_the_same_command_id(story: Story) -> None:
    story.referred()
    first = deadlines(story.state)[0]
    assert due_command(story.state, first).command_id == due_command(story.state, first).command_id

"""How cases end by themselves, by request, and begin again (invariants 22, 25; section 6d)."""

import pytest
from rules_story import Story, refused


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


def test_a_report_s_id_ends_no_case(story: Story) -> None:
    """The subject of a wait is somebody else's word: `declined` is an id like any other."""
    report = {"report_id": "declined", "findings": "均一。", "feasibility": "feasible"}
    story.visited().must("hayashi", "FileVisitReport", report).must("arita", "ConfirmVisitReport").at(60)
    assert story.stands == ("visit", "open")

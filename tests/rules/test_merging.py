"""Duplicates and merging: one wish, one case, and each bank under its own reference."""

import pytest
from pydantic import ValidationError
from rules_story import ACTORS, CONSENT, NEED, Story

from domain.following import as_attached, as_own, attached, joined, known_as, news_of
from domain.stages.merging import other_half
from domain.views import case_view, seen_events
from domain.visibility import readers, referral_of

C2 = {"other_case_id": "c2"}


@pytest.fixture
def other() -> Story:
    """Another case of the same company."""
    return Story(case_id="c2").in_review(bank_reference="F-2")


def test_a_suspicion_is_noted_once_and_waits_for_a_decision(story: Story) -> None:
    suspected = {**C2, "score": "0.91", "basis": "法人番号"}
    assert story.in_review().says("system", "SuspectDuplicate", suspected) == ["DuplicateSuspected"]
    assert "duplicate" in story.waits()
    assert story.says("tanaka", "SuspectDuplicate", C2) == "already_done"
    assert story.says("tanaka", "SuspectDuplicate", {"other_case_id": "c1"}) == "merge_not_possible"


def test_a_suspicion_is_dismissed_with_a_reason(story: Story) -> None:
    assert story.in_review().says("tanaka", "DismissDuplicate", C2, reason="other") == "invalid_field"
    story.must("tanaka", "SuspectDuplicate", C2)
    assert story.says("tanaka", "DismissDuplicate", C2) == "reason_required"
    assert story.says("tanaka", "DismissDuplicate", C2, reason="other") == ["DuplicateDismissed"]
    assert "duplicate" not in story.waits()


def test_a_merge_names_the_other_case_once(story: Story) -> None:
    with pytest.raises(ValidationError):
        story.command("tanaka", "MergeCases", {"surviving_case_id": "c2", "absorbed_case_id": "c2"})


def test_two_persons_merge_and_the_absorbed_case_closes(story: Story, other: Story) -> None:
    story.in_review().others["case-c2"] = other.state
    assert story.says("tanaka", "MergeCases", {"surviving_case_id": "c2"}) == ["DecisionProposed"]
    assert story.says("tanaka", "ConfirmDecision") == "four_eyes_required"
    assert story.says("mori", "ConfirmDecision") == ["CaseMergedInto", "CaseClosed"]
    assert (story.state.disposition, story.state.merged_into) == ("merged", "c2")
    [half] = [one for event in story.events if (one := other_half(story.state, event))]
    assert [one.type for one in other.give(half)] == ["ReferralAttached"]
    assert other.give(half) == ()


def test_the_surviving_case_takes_the_other_referral(story: Story, other: Story) -> None:
    story.in_review().others["case-c2"] = other.state
    story.must("tanaka", "MergeCases", {"absorbed_case_id": "c2"})
    assert story.says("mori", "ConfirmDecision") == ["ReferralAttached"]
    [half] = [one for event in story.events if (one := other_half(story.state, event))]
    assert [one.type for one in other.give(half)] == ["CaseMergedInto", "CaseClosed"]


def test_only_open_cases_of_one_company_merge(story: Story, other: Story) -> None:
    wish = {"absorbed_case_id": "c2"}
    assert story.in_review().says("tanaka", "MergeCases", wish) == "merge_not_possible"
    story.others["case-c2"] = Story(case_id="c2").in_review(company_id="genkai", consent=CONSENT).state
    assert story.says("tanaka", "MergeCases", wish) == "merge_not_possible"
    other.must("tanaka", "RedirectNeed", {"to_org": "x"})
    story.others["case-c2"] = other.state
    assert story.says("tanaka", "MergeCases", wish) == "merge_not_possible"


def test_an_attached_bank_counts_from_its_own_referral_on(story: Story) -> None:
    story.in_review().attach("jfs-saga")
    assert [event.type for _, event, _ in story.reads("ide")] == ["ReferralAttached"]
    assert "ReferralAttached" not in [event.type for _, event, _ in story.reads("sato")]
    story.must("tanaka", "TriageNeed", {"route": "guidance"})
    assert story.sees("ide")["version"] == 2
    assert "jfs-fukuoka" not in story.text_for("ide") and "jfs-saga" not in story.text_for("sato")


def of_one_group(story: Story, **consent: object) -> Story:
    """c2 is of genkai; the story's case is of ariake."""
    other = Story(case_id="c2").referred(company_id="genkai", bank_reference="S-1")
    story.in_review(consent={**CONSENT, **consent}).others["case-c2"] = other.state
    return story


def test_companies_of_one_group_merge_with_the_document_that_shows_it(story: Story) -> None:
    """6c 24: the same company, or confirmed same group."""
    shown = {"absorbed_case_id": "c2", "group_document_id": "doc_evidence"}
    of_one_group(story, recipients=["center", "universities", "banks"])
    assert story.says("tanaka", "MergeCases", {"absorbed_case_id": "c2"}) == "merge_not_possible"
    assert story.says("tanaka", "MergeCases", shown) == ["DecisionProposed"]
    assert [one.document_id for one in story.events[-1].evidence] == ["doc_evidence"]
    assert story.says("mori", "ConfirmDecision") == ["ReferralAttached"]


def test_a_bank_of_another_company_of_the_group_is_a_recipient_first(story: Story) -> None:
    shown = {"absorbed_case_id": "c2", "group_document_id": "doc_evidence"}
    assert of_one_group(story).says("tanaka", "MergeCases", shown) == "recipient_not_consented"


SAGA = {**NEED, "bank_reference": "S-9", "title": "窯で焼けるガラス部品"}


@pytest.fixture
def merged(story: Story) -> tuple[Story, Story]:
    """The wish of ide's bank, c2, was merged into the case of sato's, c1, which is further ahead."""
    second = Story(case_id="c2").must("ide", "ReferNeed", SAGA)
    story.in_review().others["case-c2"] = second.state
    story.must("tanaka", "MergeCases", {"absorbed_case_id": "c2"}).must("mori", "ConfirmDecision")
    finish(story, second)
    return story, second


def finish(begun: Story, other: Story) -> None:
    """Carry what the last event of *begun* began into *other*."""
    [half] = [one for event in begun.events[-1:] if (one := other_half(begun.state, event))]
    other.give(half)


def separate(story: Story, second: Story) -> None:
    """Two persons take the merge back."""
    second.must("tanaka", "ReopenCase", reason="other").must("mori", "ConfirmDecision")
    finish(second, story)


def test_a_bank_knows_a_merged_case_by_its_own_name(merged: tuple[Story, Story]) -> None:
    story, second = merged
    assert (known_as(story.state, "jfs-saga"), known_as(story.state, "jfs-fukuoka")) == ("c2", "c1")
    assert [one.bank_id for one in as_own(story.state).referrals] == ["jfs-fukuoka"]
    assert "bank:jfs-saga" in readers(second.state) and "bank:jfs-saga" not in readers(story.state)


def test_a_merge_moves_and_deletes_nothing(story: Story) -> None:
    second = Story(case_id="c2").must("ide", "ReferNeed", SAGA)
    before = [story.in_review().events[:], second.events[:]]
    story.others["case-c2"] = second.state
    story.must("tanaka", "MergeCases", {"absorbed_case_id": "c2"}).must("mori", "ConfirmDecision")
    finish(story, second)
    for one, kept, linking in (
        (story, before[0], ["DecisionProposed", "ReferralAttached"]),
        (second, before[1], ["CaseMergedInto", "CaseClosed"]),
    ):
        assert one.events[: len(kept)] == kept
        assert [event.type for event in one.events[len(kept) :]] == linking


def test_a_merged_bank_sees_that_it_was_merged_and_no_end(merged: tuple[Story, Story]) -> None:
    _, second = merged
    assert [(event.type, body) for _, event, body in second.reads("ide")][-1] == ("CaseMergedInto", {})


def test_of_a_merged_case_a_bank_sees_what_is_new(merged: tuple[Story, Story]) -> None:
    story, second = merged
    [referral] = attached(story.state, "c2")
    before = story.state
    story.at(5).must("tanaka", "RecordComplianceCheck", {"kind": "antisocial", "result": "passed"})
    story.must("tanaka", "TriageNeed", {"route": "guidance"})
    story.must(
        "tanaka", "OfferAssignment", {"assignment_id": "a1", "researcher_id": "hayashi", "institution_id": "kyudai"}
    )
    story.assign("a1", "hayashi", "ueno")
    now = as_attached(story.state, next(iter(attached(story.state, "c2"))))
    part = case_view(news_of(now, before), ACTORS["ide"], story.now)
    view = joined(second.sees("ide"), [part], goes_on=True)
    assert (view["stage"], view["status"], "disposition" in view) == ("visit", "open", False)
    assert view["need"]["title"] == SAGA["title"] and len(view["assignments"]) == 1
    assert referral.home == "c2"


def test_a_merge_made_in_error_is_taken_back_by_two_persons(merged: tuple[Story, Story]) -> None:
    story, second = merged
    assert second.says("tanaka", "ReopenCase") == "reason_required"
    assert second.says("tanaka", "ReopenCase", reason="other") == ["DecisionProposed"]
    assert second.says("tanaka", "ConfirmDecision") == "four_eyes_required"
    assert second.says("mori", "ConfirmDecision") == ["CaseReopened"]
    assert (second.stands, second.state.merged_into) == (("intake", "open"), None)
    finish(second, story)
    assert story.events[-1].type == "DuplicateDismissed"
    assert story.stands == ("review", "open")
    [referral] = attached(story.state, "c2")
    assert referral.until == story.state.version
    assert second.says("ide", "SupplementNeed", {"fields": {"urgency": "high"}}) == ["NeedSupplemented"]
    assert "c1" not in second.text_for("ide")


def test_after_the_merge_was_taken_back_neither_case_follows_the_other(merged: tuple[Story, Story]) -> None:
    story, second = merged
    separate(story, second)
    count = referral_of(story.state, "jfs-saga").seen
    story.must("tanaka", "RequestInformation", {"questions": ["量は?"]})
    assert referral_of(story.state, "jfs-saga").seen == count
    assert "c1" not in second.text_for("ide")


def test_a_case_that_was_closed_in_itself_reopens_by_one_person(story: Story) -> None:
    story.in_review().must("tanaka", "RedirectNeed", {"to_org": "x"})
    assert story.says("tanaka", "ReopenCase", reason="other") == ["CaseReopened"]
    assert [one for event in story.events if (one := other_half(story.state, event))] == []


def test_cases_merge_again_after_the_merge_was_taken_back(merged: tuple[Story, Story]) -> None:
    story, second = merged
    separate(story, second)
    story.others["case-c2"] = second.state
    story.must("tanaka", "MergeCases", {"absorbed_case_id": "c2"}).must("mori", "ConfirmDecision")
    finish(story, second)
    assert [one.until is None for one in attached(story.state, "c2")] == [False, True]
    assert second.state.went_into == ("c1", "c1")


def test_a_bank_keeps_its_name_through_two_merges(merged: tuple[Story, Story]) -> None:
    story, _ = merged
    third = Story(case_id="c3").in_review(bank_reference="F-3")
    third.others["case-c1"] = story.state
    third.must("tanaka", "MergeCases", {"absorbed_case_id": "c1"}).must("mori", "ConfirmDecision")
    assert {one.bank_id: one.home for one in third.state.referrals if one.home} == {
        "jfs-fukuoka": "c1",
        "jfs-saga": "c2",
    }
    finish(third, story)
    shown = seen_events(
        story.events, ACTORS["ide"], as_attached(story.state, attached(story.state, "c2")[0]), story.now
    )
    assert "CaseMergedInto" not in [event.type for _, event, _ in shown]


def test_a_consent_that_one_bank_brought_is_not_shown_to_another(merged: tuple[Story, Story]) -> None:
    story, _ = merged
    story.must("ide", "RecordConsent", {**CONSENT, "consent_id": "k-saga"})
    assert "k-saga" not in story.text_for("sato")

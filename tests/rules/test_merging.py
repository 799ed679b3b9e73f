"""Duplicates and merging: one wish, one case, and each bank under its own reference."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rules_story import ACTORS, CONSENT, NEED, Story

from domain.following import as_attached, as_own, attached, joined, known_as, news_of
from domain.likeness import likeness
from domain.stages.merging import other_half, suspicions
from domain.state import Need
from domain.views import case_view, seen_events
from domain.visibility import readers, referral_of

C2 = {"other_case_id": "c2"}


@pytest.fixture
def other() -> Story:
    """Another case of the same company."""
    return Story(case_id="c2").in_review(bank_reference="F-2")


def test_a_suspicion_is_noted_once_and_waits_for_a_decision(story: Story) -> None:
    suspected = {**C2, "score": "0.91", "basis": "法人番号"}
    assert story.in_review().says("tanaka", "SuspectDuplicate", suspected) == ["DuplicateSuspected"]
    assert "duplicate" in story.waits()
    assert story.says("tanaka", "SuspectDuplicate", C2) == "already_done"
    assert story.says("system", "SuspectDuplicate", C2) == []
    assert story.says("tanaka", "SuspectDuplicate", {"other_case_id": "c1"}) == "merge_not_possible"


def test_a_person_may_say_what_the_system_suspects_and_the_wait_goes_on_from_its_start(story: Story) -> None:
    story.in_review().must("system", "SuspectDuplicate", C2)
    due = story.due("duplicate")
    assert story.at(2).says("tanaka", "SuspectDuplicate", C2) == ["DuplicateSuspected"]
    assert story.due("duplicate") == due
    assert story.says("tanaka", "SuspectDuplicate", C2) == "already_done"


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


def needs(*titles: str) -> list[Story]:
    """Cases of one company with needs of these titles."""
    return [
        Story(case_id=f"c{place}").in_review(bank_reference=f"F-{place}", title=title, public_summary=title)
        for place, title in enumerate(titles, 1)
    ]


def suspected(story: Story, others: list[Story], alike: str = "0.30") -> list[str]:
    """The cases that the system's commands after *story*'s need go to."""
    told = suspicions(story.state, [one.state for one in others], story.events[1], Decimal(alike))
    return [one.case_id for one in told]


def test_the_system_suspects_the_likest_open_case_of_the_company_on_both_sides() -> None:
    one, other, third = needs("耐熱ガラス部品を窯で焼く", "窯で焼ける耐熱ガラスの部品", "窯で焼く食器の釉薬")
    assert suspected(other, [third, one]) == ["c2", "c1"]
    [first, second] = suspicions(other.state, [third.state, one.state], other.events[1], Decimal("0.30"))
    assert [other.says("system", "SuspectDuplicate", first.data.model_dump())] == [["DuplicateSuspected"]]
    assert first.data.model_dump()["score"] == second.data.model_dump()["score"]


def test_needs_that_are_not_alike_and_cases_that_are_over_are_not_suspected(story: Story) -> None:
    one, other, strange = needs("耐熱ガラス部品を窯で焼く", "耐熱ガラス部品を窯で焼く", "店舗の電気代を下げたい")
    assert suspected(other, [strange]) == []
    assert suspected(other, [one], alike="1.01") == []
    one.must("tanaka", "RedirectNeed", {"to_org": "x"})
    assert suspected(other, [one, other]) == []
    assert suspected(other, [story.in_review(company_id="genkai", title=other.state.need.title)]) == []


def test_no_case_is_suspected_whose_consent_has_ended() -> None:
    [one] = needs("耐熱ガラス部品を窯で焼く")
    later = Story(case_id="c2").at(9).referred(title="耐熱ガラス部品を窯で焼く", public_summary="耐熱ガラス部品")
    assert suspected(later, [one]) == ["c2", "c1"]
    one.must("arita", "WithdrawConsent", reason="cost")
    assert suspected(later, [one]) == []


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("ｶﾞﾗｽ部品", "ガラス部品", "1.00"),
        ("ABC", "abc", "1.00"),
        ("耐熱ガラス", "電気代", "0.00"),
        ("字", "字", "0.00"),
    ],
)
def test_likeness_looks_at_characters_whatever_their_width_and_case(one: str, other: str, share: str) -> None:
    first, second = (
        Need(need_id="n", title=text, public_summary=text if len(text) > 1 else "-") for text in (one, other)
    )
    assert str(likeness(first, second)) in {share, share.rstrip("0").rstrip(".")}


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_the_same_both_ways_and_lies_between_nothing_and_all(one: str, other: str) -> None:
    first, second = (Need(need_id="n", title=text, public_summary="窯で焼く") for text in (one, other))
    assert 0 <= likeness(first, second) == likeness(second, first) <= 1
    assert likeness(first, first) == 1

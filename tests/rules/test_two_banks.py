"""Two banks in one case: the same wish, and no word of the one to the other (invariants 24, 25)."""

from rules_story import CONSENT, VISIT, Story, refused


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


def test_a_bank_does_not_read_of_another_bank_in_a_consent(story: Story) -> None:
    """Invariant 24: nothing to bank A contains bank B."""
    story.in_review().must("arita", "RecordConsent", {**CONSENT, "recipients": ["center", "jfs-saga"]})
    assert "jfs-saga" not in story.text_for("sato")


def test_two_banks_get_the_same_stage_events(story: Story) -> None:
    """Script 9: a product one bank reports is no secret of that bank."""
    story.licensed().attach("jfs-saga").must("sato", "ReportProduct", {"name": "反射鏡"})
    assert "ProductPrototyped" in [event.type for _, event, _ in story.reads("ide")]


def test_the_end_of_one_bank_s_referral_is_not_another_s_news(story: Story) -> None:
    """Invariant 24."""
    story.in_review().attach("jfs-saga").must("sato", "RequestCancellation", reason="client_left_bank")
    story.must("tanaka", "ConfirmCancellation", {"company_continues": True})
    assert "CaseCancellationConfirmed" not in [event.type for _, event, _ in story.reads("ide")]


def test_a_bank_that_sent_the_wish_twice_follows_it_under_both_names(story: Story) -> None:
    """Invariant 29: each name has a count of its own."""
    other = Story(case_id="c2").in_review(bank_reference="F-2026-0099")
    story.in_review().others["case-c2"] = other.state
    story.must("tanaka", "MergeCases", {"absorbed_case_id": "c2"}).do("mori", "ConfirmDecision")
    own, attached = story.state.referrals
    assert (own.seen, attached.seen, attached.home) == (len(story.reads("sato")), 1, "c2")


def test_a_merge_does_not_bring_a_bank_back_that_had_cancelled(story: Story) -> None:
    """Invariants 24, 25."""
    other = Story(case_id="c2").in_review()
    other.must("sato", "RequestCancellation", reason="client_left_bank")
    other.must("tanaka", "ConfirmCancellation", {"company_continues": True})
    story.must("tanaka", "OpenCase", {"origin": "seed", "company_id": "ariake"})
    story.others["case-c2"] = other.state
    story.do("tanaka", "MergeCases", {"absorbed_case_id": "c2"})
    story.do("mori", "ConfirmDecision")
    assert all(one.until for one in story.state.referrals)


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


def test_the_other_half_of_a_merge_closes_no_case_over_open_work(story: Story) -> None:
    """Invariant 22: work that began between the two halves."""
    story.offered().do("system", "CompleteMerge", {"surviving_case_id": "c2"})
    assert story.state.status == "open" or story.state.assignments["a1"].state != "offered"


def test_an_error_found_late_ends_the_referral_not_the_case(story: Story) -> None:
    """Invariant 25: the company goes on with the center."""
    story.assigned().must("sato", "RequestCancellation", reason="sent_in_error")
    assert story.says("tanaka", "ConfirmCancellation", {"company_continues": True}) == ["CaseCancellationConfirmed"]

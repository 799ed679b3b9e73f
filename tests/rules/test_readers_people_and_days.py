"""Rules of disclosure, two banks, people, days and timers that no single stage owns, each with its place."""

import pytest
from rules_story import CONSENT, SECRET_PASSAGE, Story

from domain.refusals import Refusal

LENDING = {**CONSENT, "purposes": ["lending_evaluation"], "recipients": ["center", "lender"]}


def refused(outcome: object) -> bool:
    return isinstance(outcome, str | Refusal)


# consent and disclosure


def test_two_consents_do_not_add_up_to_a_wider_one(story: Story) -> None:
    """Invariants 2, 9: recipient and class of data come from the same consent."""
    narrow = {**CONSENT, "recipients": ["center", "aist"], "data_classes": ["public_summary", "trade_secret"]}
    story.searching().must("arita", "RecordConsent", narrow)
    offer = {"researcher_id": "hayashi", "institution_id": "kyudai", "disclosed_fields": ["trade_secret"]}
    assert story.says("tanaka", "OfferAssignment", offer) == "disclosure_exceeds_consent"


def test_a_lending_consent_taken_back_does_not_hold_the_case(story: Story) -> None:
    """Invariant 3: what the consent did not carry goes on."""
    story.in_review().must("arita", "RecordConsent", {**LENDING, "consent_id": "k2"})
    story.must("arita", "WithdrawConsent", {"consent_id": "k2"}, reason="cost")
    assert story.stands == ("review", "open")


def test_a_bank_does_not_read_of_another_bank_in_a_consent(story: Story) -> None:
    """Invariant 24: nothing to bank A contains bank B."""
    story.in_review().must("arita", "RecordConsent", {**CONSENT, "recipients": ["center", "jfs-saga"]})
    assert "jfs-saga" not in story.text_for("sato")


def test_a_redacted_passage_is_hidden_in_the_proposed_step_too(story: Story) -> None:
    """Invariant 13: the report as redacted."""
    report = {"findings": f"均一。{SECRET_PASSAGE}", "feasibility": "feasible", "proposed_step": SECRET_PASSAGE}
    story.visited().must("hayashi", "FileVisitReport", report)
    story.must("arita", "ConfirmVisitReport", {"redactions": [SECRET_PASSAGE]})
    assert SECRET_PASSAGE not in story.text_for("sato")


def test_more_time_for_what_a_bank_does_not_see_is_not_told_to_it(story: Story) -> None:
    """AssignmentOffered is hidden from the bank, and so is its wait."""
    story.offered().must("tanaka", "ExtendDeadline", {"timer": "offer", "to": "2026-05-29"}, reason="other")
    assert '"a1"' not in story.text_for("sato")


# two persons, two banks


def test_a_correction_after_the_end_is_confirmed_too(story: Story) -> None:
    """Invariant 26: CorrectEvent may come after the case closed, its confirmation then as well."""
    story.licensed().must("tanaka", "CloseCase", {"disposition": "transferred"})
    right = {"corrects_event_id": story.events[1].event_id, "right_value": {"title": "x"}}
    story.must("doi", "CorrectEvent", right, reason="other")
    assert story.says("mori", "ConfirmDecision") == ["CorrectionRecorded"]


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


def test_an_error_found_late_ends_the_referral_not_the_case(story: Story) -> None:
    """Invariant 25: the company goes on with the center."""
    story.assigned().must("sato", "RequestCancellation", reason="sent_in_error")
    assert story.says("tanaka", "ConfirmCancellation", {"company_continues": True}) == ["CaseCancellationConfirmed"]


# people


def test_a_case_has_one_lead(story: Story) -> None:
    """Invariant 9: a member's yes makes no second lead."""
    story.assigned().offer("a2", "baba", "sadai", role="member").must("baba", "AcceptAssignment")
    story.must("saga-desk", "AcceptAssignment").must("baba", "DeclareInterests", {"interests": []})
    story.must("saga-desk", "DecideConflict", {"decision": "cleared"})
    story.do("tanaka", "ConfirmAssignment", {"assignment_id": "a2", "lead": True})
    assert len(list(story.state.leads)) == 1


def test_a_senior_coordinator_decides_on_the_center_s_own_people_only(story: Story) -> None:
    """6a: DecideConflict by UL; SC for own staff."""
    story.offered().must("hayashi", "AcceptAssignment").must("hayashi", "DeclareInterests", {"interests": []})
    assert refused(story.says("mori", "DecideConflict", {"decision": "cleared"}))


@pytest.mark.parametrize(("name", "data"), [("DraftAgreement", {}), ("RecordKnowHow", {})])
def test_an_office_that_is_only_asked_does_not_move_the_case(story: Story, name: str, data: dict[str, str]) -> None:
    """Invariant 29."""
    assert refused(story.offered().says("ueno", name, data))


# facts and days


@pytest.mark.parametrize("data", [{"founded_on": "2030-01-01"}, {"listed_on": "2030-01-01", "market": "growth"}])
def test_a_start_up_is_not_founded_or_listed_in_the_future(story: Story, data: dict[str, str]) -> None:
    """Invariant 28."""
    assert refused(story.in_research().says("ueno", "RecordStartup", {"startup_company_id": "x", **data}))


def test_a_start_up_is_founded_before_it_is_listed(story: Story) -> None:
    """6a: StartupFounded, StartupListed."""
    listing = {"startup_company_id": "nobody", "listed_on": "2026-11-01", "market": "growth"}
    assert refused(story.in_research().says("ueno", "RecordStartup", listing))


def test_an_amendment_does_not_end_the_agreement_before_it_began(story: Story) -> None:
    """Invariant 15."""
    outcome = story.signed().says("ueno", "AmendAgreement", {"changes": {"ends_on": "2026-01-01"}})
    assert refused(outcome) or refused(story.says("arita", "ConfirmDecision"))


def test_an_amendment_does_not_renew_what_ended_long_ago(story: Story) -> None:
    """Invariant 16: renewal within 90 days."""
    story.signed().at("2027-12-01T09:00:00+09:00")
    outcome = story.says("ueno", "AmendAgreement", {"changes": {"ends_on": "2028-03-31"}})
    assert refused(outcome) or refused(story.says("arita", "ConfirmDecision"))


# timers


def test_a_report_s_id_ends_no_case(story: Story) -> None:
    """The subject of a wait is somebody else's word: `declined` is an id like any other."""
    report = {"report_id": "declined", "findings": "均一。", "feasibility": "feasible"}
    story.visited().must("hayashi", "FileVisitReport", report).must("arita", "ConfirmVisitReport").at(60)
    assert story.stands == ("visit", "open")


def test_more_time_moves_one_step_and_not_all_of_them_at_once(story: Story) -> None:
    """6d: reminder, escalation and end keep their distance."""
    story.in_review().must("tanaka", "RequestInformation", {"questions": ["?"]})
    story.must("tanaka", "ExtendDeadline", {"timer": "information", "to": "2026-07-01"}, reason="other")
    story.at("2026-07-01T18:00:00+09:00")
    assert story.state.status == "open"

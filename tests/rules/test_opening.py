"""How a case begins without a bank: from a seed, an exchange meeting, a walk-in company or a chamber."""

import pytest
from pydantic import ValidationError
from rules_register import Register
from rules_story import CONSENT, NEED, Story

BODY = {key: value for key, value in NEED.items() if key not in {"bank_reference", "consent"}}
WITHOUT_BANK = ["exchange_meeting", "walk_in", "chamber"]


@pytest.mark.parametrize("origin", WITHOUT_BANK)
def test_a_need_without_a_bank_brings_its_consent(story: Story, origin: str) -> None:
    assert story.says("tanaka", "OpenCase", {**BODY, "origin": origin}) == "consent_required"
    opened = story.says("mori", "OpenCase", {**BODY, "origin": origin, "consent": CONSENT})
    assert opened == ["CaseOpened", "NeedReferred", "CompanyConsentRecorded"]
    assert (story.state.origin, story.state.referrals, story.stands) == (origin, (), ("intake", "open"))


@pytest.mark.parametrize("origin", WITHOUT_BANK)
def test_a_company_without_a_need_consents_all_the_same(story: Story, origin: str) -> None:
    opened = {"origin": origin, "company_id": "ariake"}
    assert story.says("tanaka", "OpenCase", opened) == "consent_required"
    assert story.says("tanaka", "OpenCase", {**opened, "consent": CONSENT}) == ["CaseOpened", "CompanyConsentRecorded"]
    assert story.says("arita", "SupplementNeed", {"fields": {"title": "x"}}) == "invalid_field"


def test_a_bank_s_need_is_referred_and_not_opened(story: Story) -> None:
    assert story.says("tanaka", "OpenCase", {**BODY, "origin": "need", "consent": CONSENT}) == "invalid_field"


def test_a_bank_opens_no_case_of_its_own(story: Story) -> None:
    assert story.says("sato", "OpenCase", {**BODY, "origin": "walk_in", "consent": CONSENT}) == "not_permitted"


def test_a_case_of_a_meeting_names_one_that_was_held(story: Story) -> None:
    opened = {**BODY, "origin": "exchange_meeting", "event_id": "salon-1", "consent": CONSENT}
    assert story.says("tanaka", "OpenCase", opened) == "invalid_field"
    meeting = Register("salon-1").must("tanaka", "PlanExchangeEvent", {"kind": "technology_exchange"})
    story.others["exchange-event-salon-1"] = meeting.entry
    assert story.says("tanaka", "OpenCase", opened) == "not_yet_happened"
    story.others["exchange-event-salon-1"] = meeting.must("tanaka", "HoldExchangeEvent").entry
    assert story.must("tanaka", "OpenCase", opened).state.origin == "exchange_meeting"


def test_what_a_case_began_with_stays_on_record(story: Story) -> None:
    meeting = Register("salon-1").must("tanaka", "PlanExchangeEvent", {"kind": "technology_exchange"})
    story.others["exchange-event-salon-1"] = meeting.must("tanaka", "HoldExchangeEvent").entry
    [event] = story.do("tanaka", "OpenCase", {"origin": "seed", "seed_id": "seed-1", "event_id": "salon-1"})
    assert (event.data.seed_id, event.data.exchange_event_id) == ("seed-1", "salon-1")
    assert story.state.seed_id == "seed-1"


def test_who_introduced_the_company_stays_on_record(story: Story) -> None:
    chamber = {**BODY, "origin": "chamber", "referrer_id": "chamber-saga", "consent": CONSENT}
    assert story.must("tanaka", "OpenCase", chamber).state.referrer_id == "chamber-saga"


def test_a_case_without_a_bank_tells_no_bank_of_its_silence(story: Story) -> None:
    story.must("tanaka", "OpenCase", {**BODY, "origin": "walk_in", "consent": CONSENT})
    assert "silence" not in story.waits()
    assert story.says("sato", "RequestCancellation", reason="policy") == "unknown_case"


def test_a_seed_driven_case_works_without_need_consent_and_triage(story: Story) -> None:
    story.must("tanaka", "OpenCase", {"origin": "seed", "seed_id": "seed-1"})
    story.must("tanaka", "AssignCoordinator", {"coordinator_id": "tanaka"}).must("tanaka", "StartReview")
    assert story.says("tanaka", "OpenSearch") == ["ResearcherSearchOpened"]
    offer = {"researcher_id": "ito", "institution_id": "hokudai", "disclosed_fields": ["description"]}
    assert story.says("tanaka", "OfferAssignment", offer) == ["AssignmentOffered"]


def test_a_need_is_told_whole_or_not_at_all(story: Story) -> None:
    with pytest.raises(ValidationError, match="public_summary"):
        story.command("tanaka", "OpenCase", {"origin": "seed", "title": "x"})
    both = {"corporate_number": "4990101234567", "name": "有明陶業"}
    with pytest.raises(ValidationError, match="company"):
        story.command("tanaka", "OpenCase", {"origin": "seed", "company_id": "ariake", "company": both})


def test_a_walk_in_referred_by_a_coordinator_has_no_bank(story: Story) -> None:
    """ReferNeed by CO: there is no referral without a bank."""
    assert story.must("tanaka", "ReferNeed", NEED).state.referrals == ()


@pytest.mark.parametrize("number", ["1234567890123", "499010123456", "４９９０１０１２３４５６７"])
def test_a_corporate_number_has_thirteen_digits_the_first_of_which_checks_the_others(story: Story, number: str) -> None:
    company = {"corporate_number": number, "name": "有明陶業"}
    with pytest.raises(ValidationError, match="corporate_number"):
        story.command("tanaka", "OpenCase", {"origin": "seed", "company": company})

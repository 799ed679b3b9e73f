"""The search: triage first, region before country, offers within the consent."""

import pytest
from rules_story import CONSENT, Story

WIDEN = {"from": "regional", "to": "national"}


def test_a_search_needs_a_triage_to_a_researcher(story: Story) -> None:
    assert story.in_review().says("tanaka", "OpenSearch", {"scope": "regional"}) == "triage_required"
    story.must("tanaka", "TriageNeed", {"route": "advice_only"})
    assert story.says("tanaka", "OpenSearch", {"scope": "regional"}) == "triage_required"


def test_an_offer_needs_a_triage(story: Story) -> None:
    offer = {"researcher_id": "hayashi", "institution_id": "kyudai"}
    assert story.in_review().says("tanaka", "OfferAssignment", offer) == "triage_required"


def test_the_country_comes_after_the_region(story: Story) -> None:
    assert story.triaged().says("tanaka", "OpenSearch", {"scope": "national"}) == "regional_search_first"
    assert story.says("tanaka", "OpenSearch", {"search_id": "s1"}) == ["ResearcherSearchOpened"]
    assert story.says("tanaka", "OpenSearch", {"search_id": "s1"}) == "already_done"
    assert story.says("tanaka", "WidenSearch", WIDEN) == "regional_search_first"


@pytest.mark.parametrize("code", ["specialism", "conflict", "capacity"])
def test_a_recorded_reason_opens_the_country_at_once(story: Story, code: str) -> None:
    assert story.triaged().says("tanaka", "OpenSearch", {"scope": "national"}, reason=code) == [
        "ResearcherSearchOpened"
    ]


def test_a_region_that_ended_empty_is_widened(story: Story) -> None:
    story.searching().offer("a1", "hayashi", "kyudai")
    assert story.says("tanaka", "WidenSearch", WIDEN) == "regional_search_first"
    story.must("hayashi", "DeclineAssignment", {"assignment_id": "a1"}, reason="not_my_field")
    [event] = story.do("tanaka", "WidenSearch", WIDEN)
    assert (event.data.from_scope, event.data.to_scope) == ("regional", "national")
    assert story.says("tanaka", "WidenSearch", WIDEN) == "already_done"


def test_a_researcher_outside_kyushu_waits_for_the_wider_ring(story: Story) -> None:
    offer = {"researcher_id": "ito", "institution_id": "hokudai"}
    assert story.searching().says("tanaka", "OfferAssignment", offer) == "regional_search_first"
    story.must("tanaka", "WidenSearch", WIDEN, reason="specialism")
    assert story.says("tanaka", "OfferAssignment", offer) == ["AssignmentOffered"]


def test_nobody_in_any_ring_ends_the_search(story: Story) -> None:
    story.offered().must("hayashi", "DeclineAssignment", reason="no_capacity")
    assert story.says("tanaka", "ConcludeSearchEmpty") == "regional_search_first"
    story.must("tanaka", "WidenSearch", WIDEN)
    listed = {"candidates": [{"researcher_id": "ito"}]}
    story.must("tanaka", "ShortlistResearchers", listed).offer("a2", "ito", "hokudai")
    story.must("ito", "DeclineAssignment", reason="leaving")
    [event] = story.do("tanaka", "ConcludeSearchEmpty")
    assert (event.data.asked_count, event.data.reason_counts) == (2, {"no_capacity": 1, "leaving": 1})
    assert story.stands == ("assignment", "open")
    assert story.says("tanaka", "ConcludeSearchEmpty") == "already_done"
    assert story.says("tanaka", "ShortlistResearchers", listed) == "already_done"
    assert story.says("tanaka", "CloseCase", {"disposition": "no_researcher"}) == ["CaseClosed"]


def test_a_shortlist_belongs_to_a_search(story: Story) -> None:
    assert story.triaged().says("tanaka", "ShortlistResearchers", {"candidates": []}) == "invalid_field"


def test_one_lead_is_asked_at_a_time(story: Story) -> None:
    story.offered()
    assert story.says("tanaka", "OfferAssignment", {"researcher_id": "baba", "institution_id": "sadai"}) == (
        "offer_limit"
    )
    member = {"researcher_id": "baba", "institution_id": "sadai", "role": "member"}
    assert story.says("tanaka", "OfferAssignment", member) == ["AssignmentOffered"]


def test_an_offer_shows_no_more_than_the_consent(story: Story) -> None:
    offer = {"researcher_id": "hayashi", "institution_id": "kyudai", "disclosed_fields": ["title", "trade_secret"]}
    assert story.searching().says("tanaka", "OfferAssignment", offer) == "disclosure_exceeds_consent"


def test_an_offer_goes_only_where_the_consent_reaches(story: Story) -> None:
    offer = {"researcher_id": "abe", "institution_id": "aist"}
    assert story.searching().says("tanaka", "OfferAssignment", offer) == "recipient_not_consented"


def test_an_institution_may_be_named_one_by_one(story: Story) -> None:
    story.searching(consent={**CONSENT, "recipients": ["center", "aist"]})
    assert story.says("tanaka", "OfferAssignment", {"researcher_id": "abe", "institution_id": "aist"}) == [
        "AssignmentOffered"
    ]


def test_more_than_the_summary_waits_for_compliance(story: Story) -> None:
    story.in_review().must("tanaka", "TriageNeed", {"route": "joint_research"})
    story.must("tanaka", "OpenSearch")
    detail = {"researcher_id": "hayashi", "institution_id": "kyudai", "disclosed_fields": ["title", "description"]}
    assert story.says("tanaka", "OfferAssignment", detail) == "compliance_required"
    story.must("tanaka", "RecordComplianceCheck", {"kind": "antisocial", "result": "failed"})
    assert story.says("tanaka", "OfferAssignment", detail) == "compliance_required"
    story.must("tanaka", "RecordComplianceCheck", {"kind": "antisocial", "result": "passed"})
    assert story.says("tanaka", "OfferAssignment", detail) == ["AssignmentOffered"]

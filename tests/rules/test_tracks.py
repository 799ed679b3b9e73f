"""The stage is derived from the tracks of work: what is further on holds it, and nothing takes it back unsaid (I23)."""

import pytest
from rules_story import SIGNING, Story

DRAFT = {"agreement_id": "g2", "kind": "heads_of_terms"}
HELP = {"kind": "academic_guidance"}
SIDE_TRACKS = [
    ("ueno", "StartConsultation", HELP),
    ("ueno", "DraftAgreement", DRAFT),
    ("ueno", "DecideOwnership", {"owner": "joint"}),
    ("ueno", "RecordKnowHow", {}),
    ("ueno", "RecordStartup", {"startup_company_id": "x"}),
    ("hayashi", "StartResearch", {"agreement_id": "g2"}),
]


def selling(story: Story) -> Story:
    """A product is there; g1 was terminated, g2 is signed and paid, an invention is disclosed."""
    story.in_research().must("ueno", "DraftAgreement", {"agreement_id": "g2"}).must("ueno", "ApproveAgreement")
    story.must("arita", "ApproveAgreement").must("ueno", "SignAgreement", {**SIGNING, "agreement_id": "g2"})
    story.must("ueno", "ConfirmPayment", {"agreement_id": "g2"})
    story.must("hayashi", "DiscloseInvention", {"inventors": ["hayashi"], "related_agreement": "g1"})
    story.must("ueno", "TerminateAgreement", {"agreement_id": "g1"}, reason="other")
    return story.must("arita", "ReportProduct", {"name": "x"})


@pytest.mark.parametrize(("person", "name", "data"), SIDE_TRACKS)
def test_without_a_reason_a_product_keeps_its_case_where_it_is(
    story: Story, person: str, name: str, data: dict[str, str]
) -> None:
    if name == "DraftAgreement":
        data = {**data, "agreement_id": "g3"}
    selling(story).must(person, name, data)
    assert story.stands == ("commercialization", "open")


def test_research_begins_again_from_the_market_with_a_reason(story: Story) -> None:
    """6c 23: commercialization -> research."""
    reason = {"code": "other", "text": "顧客の評価で耐久性が足りない。"}
    selling(story).must("hayashi", "StartResearch", {"agreement_id": "g2"}, reason=reason)
    assert (story.stands, story.state.furthest_stage) == (("research", "open"), "commercialization")
    assert story.state.reason and story.state.reason.text == "顧客の評価で耐久性が足りない。"


@pytest.mark.parametrize(("person", "name", "data"), SIDE_TRACKS[:2])
@pytest.mark.parametrize("reason", [None, "other"])
def test_research_that_runs_holds_the_stage(
    story: Story, person: str, name: str, data: dict[str, str], reason: str | None
) -> None:
    story.in_research().must(person, name, data, reason=reason)
    assert story.stands == ("research", "open")


@pytest.mark.parametrize(("person", "name", "data"), SIDE_TRACKS[:2])
def test_after_the_research_a_case_goes_back_with_a_reason(
    story: Story, person: str, name: str, data: dict[str, str]
) -> None:
    story.in_research().must("hayashi", "CompleteResearch", {"outcome": "partly"})
    assert story.says(person, name, data) == "reason_required"
    story.must(person, name, data, reason="other")
    assert story.stands == ({"DraftAgreement": "agreement"}.get(name, "consultation"), "open")


def test_a_text_on_the_table_holds_the_stage(story: Story) -> None:
    story.drafted().must("ueno", "StartConsultation", HELP)
    assert story.stands == ("agreement", "open")


def test_a_license_that_runs_is_not_set_back_by_a_new_draft(story: Story) -> None:
    story.licensed().must("hayashi", "CompleteResearch", {"outcome": "achieved"}).must("ueno", "DraftAgreement", DRAFT)
    assert story.stands == ("transfer", "open")


def test_a_draft_that_is_given_up_leads_back_to_what_is_left(story: Story) -> None:
    story.drafted().must("arita", "AbandonAgreement", reason="price")
    assert story.stands == ("visit", "open")
    story.must("ueno", "StartConsultation", HELP).must("ueno", "DraftAgreement", DRAFT)
    story.must("hayashi", "ReleaseResearcher", {"cause": "ill"})
    assert story.stands == ("agreement", "open")
    story.must("arita", "AbandonAgreement", reason="price")
    assert story.stands == ("assignment", "open")


def test_a_second_researcher_does_not_lead_back_to_the_visit(story: Story) -> None:
    story.drafted().offer("a2", "baba", "sadai", role="member").assign("a2", "baba", "saga-desk")
    assert story.stands == ("agreement", "open")


def test_a_review_that_comes_late_takes_a_seed_s_case_not_back(story: Story) -> None:
    story.must("tanaka", "OpenCase", {"origin": "seed", "company_id": "ariake"})
    story.must("tanaka", "AssignCoordinator", {"coordinator_id": "tanaka"})
    story.offer("a1", "hayashi", "kyudai").assign("a1", "hayashi", "ueno").must("tanaka", "StartReview")
    assert story.stands == ("visit", "open")


def test_a_second_triage_does_not_throw_research_back(story: Story) -> None:
    """Invariant 23."""
    story.in_research().do("tanaka", "TriageNeed", {"route": "joint_research"})
    assert story.stands == ("research", "open")

"""Every fact says which classes of the company's data it carries; readers are shown what a consent covers (I2, I9)."""

from typing import Final

import pytest
from rules_story import CONSENT, NEED, Story

from domain.law import FACTS
from domain.records import TEXT_LIMIT

SUMMARY: Final = {**CONSENT, "data_classes": ["public_summary"]}
NOBODY_S_SECRET: Final = {
    ("ConflictOfInterestDecided", "conditions"),
}
"""Free texts which are no data of the company."""


def _texts(name: str) -> set[str]:
    """The fields of the event *name* that hold free text of any length."""
    shape = FACTS[name].data.model_json_schema(mode="serialization", by_alias=False)["properties"]
    return {field for field, told in shape.items() if f'"maxLength": {TEXT_LIMIT}' in str(told).replace("'", '"')}


@pytest.mark.parametrize("name", sorted(name for name, fact in FACTS.items() if fact.stream == "case"))
def test_every_free_text_of_a_fact_has_its_class(name: str) -> None:
    declared = set(FACTS[name].data.carries) | ({"criterion"} if name == "MilestonePlanned" else set())
    undeclared = {field for field in _texts(name) - declared if (name, field) not in NOBODY_S_SECRET}
    assert not undeclared and declared <= set(FACTS[name].data.model_fields)


def test_an_event_carries_the_classes_of_what_it_tells(story: Story) -> None:
    story.in_review().must("sato", "SupplementNeed", {"fields": {"title": "別の題", "tried_before": "三通り"}})
    told = {one.type: one.data_classes for one in story.events}
    assert told["NeedReferred"] == ("bank_relation", "need_detail", "public_summary")
    assert told["NeedSupplemented"] == ("need_detail", "public_summary")
    assert told["ReviewStarted"] == ()


def test_an_institution_is_not_told_which_bank_referred(story: Story) -> None:
    """DataClass.bank_relation: the banking relation is a secret of its own."""
    text = story.in_research().text_for("ueno")
    assert "jfs-fukuoka" not in text and NEED["bank_reference"] not in text
    assert NEED["description"] in text


def test_consents_do_not_add_up_for_an_assigned_researcher(story: Story) -> None:
    """The detail is for universities; the institute is named for the summary alone."""
    story.searching("abe").must("arita", "RecordConsent", {**SUMMARY, "recipients": ["center", "aist"]})
    story.offer("a1", "abe", "aist").must("abe", "AcceptAssignment")
    assert NEED["description"] not in story.text_for("abe")


def test_a_consent_that_ended_shows_nothing_more(story: Story) -> None:
    """Checked at the moment of sending."""
    story.assigned(consent={**CONSENT, "valid_until": "2026-05-31"})
    assert NEED["description"] in story.text_for("hayashi")
    assert NEED["description"] not in story.at(70).text_for("hayashi")


def test_a_consent_for_another_purpose_opens_nothing_to_a_researcher(story: Story) -> None:
    statistics = {**CONSENT, "purposes": ["statistics"]}
    story.assigned(consent=SUMMARY).must("arita", "RecordConsent", statistics)
    assert NEED["description"] not in story.text_for("hayashi")


def test_what_one_writes_one_reads(story: Story) -> None:
    story.in_research(consent=SUMMARY)
    story.must("hayashi", "PlanMilestone", {"title": "釉薬の配合", "due_on": "2027-02-25", "secret": True})
    assert "釉薬の配合" in str([body for _, _, body in story.reads("hayashi")])
    assert "釉薬の配合" not in str([body for _, _, body in story.reads("ueno")])


def test_a_secret_milestone_has_no_title_for_a_bank(story: Story) -> None:
    """6a, MilestoneReached: title masked if secret."""
    story.in_research()
    for secret, title in ((True, "酸化亜鉛の比"), (False, "相対密度")):
        plan = {"title": title, "criterion": f"{title}の基準", "due_on": "2027-02-25", "secret": secret}
        story.must("hayashi", "PlanMilestone", plan)
    text = story.text_for("sato")
    assert "酸化亜鉛の比" not in text and "相対密度の基準" in text and '"secret"' not in text
    assert [("title" in one) for one in story.sees("sato")["milestones"]] == [False, True]


def filed(story: Story) -> Story:
    filing = {"invention_id": "i1", "office": "jpo", "number": "特願2026-1", "applicants": ["kyudai"]}
    return story.with_invention("institution").must("ueno", "RecordFiling", filing)


def test_a_patent_application_is_the_bank_s_to_read_once_it_is_laid_open(story: Story) -> None:
    """6a, PatentApplicationFiled: S until publication, then F; laid open after 18 months."""
    assert "特願2026-1" not in filed(story).text_for("sato")
    filed_at = story.now
    assert "特願2026-1" not in story.at("2028-06-16T08:00:00+09:00").text_for("sato")
    assert (story.now - filed_at).days > 540
    assert "特願2026-1" in story.at("2028-06-18T09:00:00+09:00").text_for("sato")


def test_a_granted_patent_is_public(story: Story) -> None:
    filed(story).must("ueno", "RecordGrant", {"invention_id": "i1", "office": "jpo"})
    assert "特願2026-1" in story.text_for("sato")

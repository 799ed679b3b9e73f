"""Who sees what: absent, never null; each role its own view; a bank's number counts what the bank sees."""

import json

import pytest
from rules_story import ACTORS, NEED, SECRET_PASSAGE, SIGNING, TO_EXPERTS, Story

from domain.views import event_view
from domain.visibility import is_party, reader_keys, readers, seen_version


def types(story: Story, person: str) -> list[str]:
    return [event.type for _, event, _ in story.reads(person)]


def test_a_bank_sees_its_need_without_the_description(story: Story) -> None:
    need = story.referred().sees("sato")["need"]
    assert need["title"] == NEED["title"] and "description" not in need
    assert NEED["description"] not in story.text_for("sato")


def test_a_bank_sees_its_own_reference_never_the_case_number(story: Story) -> None:
    seen = story.referred().sees("sato")
    assert seen["referral"]["bank_reference"] == "F-2026-0031" and "case_no" not in seen
    assert "K2026" not in story.text_for("sato")


def test_a_bank_counts_what_it_sees(story: Story) -> None:
    story.searching()
    shown = story.reads("sato")
    assert [number for number, _, _ in shown] == list(range(1, len(shown) + 1))
    assert story.sees("sato")["version"] == len(shown) < story.state.version


@pytest.mark.parametrize("hidden", ["ComplianceChecked", "ResearcherShortlisted", "AssignmentOffered"])
def test_checks_lists_and_offers_do_not_exist_for_a_bank(story: Story, hidden: str) -> None:
    assert hidden not in types(story.offered(), "sato")


def test_a_summary_tells_type_and_class_of_reason_only(story: Story) -> None:
    story.drafted().must("arita", "AbandonAgreement", reason={"code": "price", "text": "社長が高いと言う"})
    [body] = [body for _, event, body in story.reads("sato") if event.type == "AgreementAbandoned"]
    assert body == {"reason": {"code": "price"}}


def test_a_bank_reads_why_its_need_was_declined(story: Story) -> None:
    story.in_review().must("tanaka", "DeclineNeed", reason="no_research_content").must("mori", "ConfirmDecision")
    assert story.sees("sato")["reason"]["text"] == "研究開発を要する内容を含まないため"


def test_amounts_reach_a_bank_as_a_band(story: Story) -> None:
    signing = {**SIGNING, "costs": {"direct": "2345000", "indirect": "703500"}}
    story.approved().must("ueno", "SignAgreement", signing)
    [body] = [body for _, event, body in story.reads("sato") if event.type == "AgreementSigned"]
    assert body["cost_band"] == "3m_10m" and "2345000" not in story.text_for("sato")


@pytest.mark.parametrize(
    ("amount", "band"),
    [
        ("999999", "under_1m"),
        ("1000000", "1m_3m"),
        ("3000000", "3m_10m"),
        ("10000000", "10m_50m"),
        ("50000000", "over_50m"),
    ],
)
def test_bands_begin_at_their_lower_limit(story: Story, amount: str, band: str) -> None:
    signing = {**SIGNING, "costs": {"direct": amount, "indirect": "0"}}
    story.approved().must("ueno", "SignAgreement", signing, reason="other")
    assert [body["cost_band"] for _, one, body in story.reads("sato") if one.type == "AgreementSigned"] == [band]


def test_a_bank_sees_a_license_without_its_price(story: Story) -> None:
    story.with_invention("institution").must("ueno", "RecordLicense", {"consideration_band": "over_50m"})
    assert story.sees("sato")["transfers"][0]["exclusivity"] == "exclusive"
    assert "over_50m" not in story.text_for("sato") and "inventions" not in story.sees("sato")


def test_a_researcher_who_is_asked_reads_what_was_disclosed(story: Story) -> None:
    story.searching().offer("a1", "hayashi", "kyudai", disclosed_fields=["title", "tried_before"])
    assert set(story.sees("hayashi")["need"]) == {"title", "tried_before"}
    assert types(story, "hayashi") == ["AssignmentOffered"]


def test_an_assigned_researcher_reads_the_need(story: Story) -> None:
    story.assigned()
    assert story.sees("hayashi")["need"]["description"] == NEED["description"]
    assert "deadlines" not in story.sees("hayashi")


def test_a_researcher_sees_no_other_candidate(story: Story) -> None:
    story.searching("baba", "hayashi").offer("a0", "baba", "sadai")
    story.must("baba", "DeclineAssignment", reason="not_my_field")
    story.offer("a1", "hayashi", "kyudai").at(16).assign("a1", "hayashi", "ueno")
    assert "baba" not in story.text_for("hayashi")


def test_the_company_reads_its_case_but_not_the_center_s_papers(story: Story) -> None:
    story.assigned().must("tanaka", "AddNote", {"text": "内部メモ"})
    seen = story.sees("arita")
    assert seen["consents"] and "searches" not in seen and "compliance" not in seen
    assert not {"NoteRecorded", "ComplianceChecked", "ResearcherShortlisted"} & set(types(story, "arita"))


def test_the_center_reads_everything(story: Story) -> None:
    story.assigned()
    for person in ("tanaka", "mori", "kato"):
        assert types(story, person) == [one.type for one in story.events]
        assert story.sees(person)["compliance"] == {"antisocial": "passed"}


@pytest.mark.parametrize("stranger", ["ide", "genda", "baba", "saga-desk", "toda", "hori", "kashi", "seki", "admin"])
def test_the_case_does_not_exist_for_strangers(story: Story, stranger: str) -> None:
    story.in_research()
    assert not is_party(story.state, ACTORS[stranger], story.now)
    assert set(reader_keys(ACTORS[stranger]) or ()).isdisjoint(readers(story.state))


@pytest.mark.parametrize("party", ["sato", "arita", "hayashi", "ueno", "toda", "hori"])
def test_parties_find_the_case_in_their_lists(story: Story, party: str) -> None:
    story.with_invention(consent=TO_EXPERTS).must(
        "tanaka", "ConsultSpecialist", {"expert_kind": "lawyer", "expert_id": "hori", "question": "?"}
    )
    assert is_party(story.state, ACTORS[party], story.now)
    assert set(reader_keys(ACTORS[party]) or ()) & set(readers(story.state))


def test_the_center_lists_every_case() -> None:
    assert reader_keys(ACTORS["mori"]) is None and reader_keys(ACTORS["seki"]) == ()


def test_an_if_match_is_in_the_reader_s_own_count(story: Story) -> None:
    story.searching()
    seen = seen_version(story.state, ACTORS["sato"])
    supplement = {"fields": {"tried_before": "x"}}
    assert story.says("sato", "SupplementNeed", supplement, expected_version=story.state.version) == "version_stale"
    assert story.says("sato", "SupplementNeed", supplement, expected_version=seen) == ["NeedSupplemented"]
    assert story.says("tanaka", "AddNote", {"text": "x"}, expected_version=story.state.version) == ["NoteRecorded"]


def test_the_redacted_passage_is_hidden_from_the_bank_everywhere(story: Story) -> None:
    assert SECRET_PASSAGE not in story.report_confirmed().text_for("sato")


def test_what_is_not_there_is_absent_never_null(story: Story) -> None:
    story.licensed()
    for person in ("sato", "arita", "hayashi", "ueno", "tanaka"):
        assert "null" not in json.dumps(story.sees(person)["need"]) and None not in story.sees(person).values()


def test_an_event_a_bank_may_not_see_has_no_view(story: Story) -> None:
    story.offered()
    offered = next(one for one in story.events if one.type == "AssignmentOffered")
    assert event_view(offered, ACTORS["sato"], story.state, story.now) is None
    assert event_view(offered, ACTORS["ide"], story.state, story.now) is None

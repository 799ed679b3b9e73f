"""What a dossier says: facts with citations, good and bad, within the consent, never a verdict (invariants 13, 27)."""

from random import Random

import pytest
from random_walk import begun
from rules_dossier import LENDING, brief_of, dossier_of, lines, said
from rules_story import FINDINGS, SECRET_PASSAGE, TOLD, Story
from rules_wishes import wish

from domain.evidence import CITED
from domain.law import FACTS, View
from domain.statements import compose as composing
from domain.statements.compose import TITLES, compose
from domain.statements.reading import Draft
from domain.statements.types import type_said
from domain.statements.vocabulary import FIXED, forbidden_in
from domain.statements.words import disposition_said
from domain.terms import Disposition

SECTIONS = [f"D{number}" for number in range(14)]


@pytest.fixture
def told_case() -> Story:
    """A licensed invention, and a lender that may read."""
    return Story(TOLD).licensed().must("arita", "RecordConsent", LENDING)


def test_every_section_is_there_and_every_line_cites_what_was_known_at_the_cut_off(told_case: Story) -> None:
    content = dossier_of(told_case)
    assert [one.section for one in content.sections] == SECTIONS == list(TITLES)
    known = {one.event_id for one in told_case.events}
    for line in lines(content):
        assert line.cites and set(line.cites) <= known, line
        assert line.statement_ja and line.statement_en
    assert {one.event_id for one in content.citations} == {one for line in lines(content) for one in line.cites}


def test_a_line_without_a_citation_is_refused(told_case: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    unfounded = Draft("根拠のない行。", "A line without ground.", "computed", ())  # type: ignore[arg-type]
    monkeypatch.setitem(composing._SECTIONS, "D5", lambda reading: [unfounded])  # type: ignore[index]
    with pytest.raises(Exception, match="citation_required"):
        dossier_of(told_case)


def test_the_same_brief_says_the_same_and_what_came_later_changes_nothing(told_case: Story) -> None:
    brief = brief_of(told_case)
    first = compose(brief)
    told_case.must("arita", "DeclareCompanyFacts", {"rd_staff": 3, "as_of": "2026-04-01"})
    assert compose(brief) == first
    assert dossier_of(told_case) != first


def test_no_sentence_holds_a_word_that_no_dossier_may_say(told_case: Story) -> None:
    assert forbidden_in(said(dossier_of(told_case))) == []
    assert all(forbidden_in(sentence) == [] for sentence in FIXED)
    for words in ("この企業は有望です。", "A promising firm.", "格付 A", "The credit score is 700.", "融資判断: 可"):
        assert forbidden_in(words), words


@pytest.mark.parametrize("praise", ["将来性があり有望な技術である。", "An excellent and promising firm."])
def test_praise_in_somebodys_words_is_not_reproduced(praise: str) -> None:
    case = Story(TOLD).licensed(description=praise).must("arita", "RecordConsent", LENDING)
    content = dossier_of(case)
    assert praise not in said(content) and forbidden_in(said(content)) == []
    assert "掲載しない" in said(content, "D1")


def test_a_report_is_told_as_the_company_confirmed_it(told_case: Story) -> None:
    """Invariant 13."""
    told = said(dossier_of(told_case), "D4")
    assert "■■■" in told and "窯の温度分布は均一。" in told and SECRET_PASSAGE not in told


def test_an_unconfirmed_report_is_not_cited_and_its_lack_is_told() -> None:
    """Invariant 13."""
    case = Story(TOLD).reported().must("arita", "RecordConsent", LENDING)
    content = dossier_of(case)
    assert FINDINGS[:5] not in said(content) and content.reports == ()
    assert "VisitReportFiled" not in {one.type for one in content.citations}
    [missing] = [one.line_id for one in lines(content, "D11") if "確認を受けていない" in one.statement_ja]
    assert missing in content.summary.missing


def test_bad_news_stands_on_the_first_page(told_case: Story) -> None:
    told_case.must("hayashi", "PlanMilestone", {"milestone_id": "m1", "title": "密度", "due_on": "2027-01-15"})
    told_case.must("hayashi", "RecordMilestone", {"milestone_id": "m1", "result": "missed"})
    told_case.must("ueno", "SuspendResearch", reason="safety").must("tanaka", "HoldCase", reason="other")
    content = dossier_of(told_case)
    front = [one for one in lines(content) if one.line_id in content.summary.happened]
    told = "\n".join(one.statement_en for one in front)
    for words in ("was missed", "suspended (reason class: safety)", "put on hold", "is held"):
        assert words in told, told


def test_a_correction_stands_in_the_line_it_corrects_and_is_cited(told_case: Story) -> None:
    """Invariant 26."""
    told_case.must("arita", "ReportProduct", {"product_id": "p1", "name": "反射鏡", "released_on": "2026-12-01"})
    order = told_case.must("arita", "ReportOrders", {"product_id": "p1", "order_band": "10m_50m"}).events[-1]
    right = {"corrects_event_id": order.event_id, "right_value": {"order_band": "3m_10m"}}
    told_case.must("doi", "CorrectEvent", right, reason="other").must("mori", "ConfirmDecision")
    [line] = [one for one in lines(dossier_of(told_case), "D9") if "受注した" in one.statement_ja]
    assert "300万円以上1,000万円未満、訂正後の値" in line.statement_ja and "5,000万円" not in line.statement_ja
    assert line.cites == (order.event_id, told_case.events[-1].event_id)
    assert "訂正" in said(dossier_of(told_case), "D11")


def test_what_the_consent_does_not_cover_is_withheld_and_said_to_be() -> None:
    """Invariants 2, 9."""
    case = Story(TOLD).licensed().must("arita", "RecordConsent", {**LENDING, "data_classes": ["public_summary"]})
    content = dossier_of(case)
    told = said(content)
    for secret in ("割れと透明度", "昇温条件", "窯の温度分布"):
        assert secret not in told
    [withheld] = [one for one in lines(content, "D11") if "ニーズの詳細" in one.statement_ja]
    assert withheld.line_id in content.summary.missing


def test_who_referred_is_told_to_that_bank_alone(told_case: Story) -> None:
    """Invariants 2, 24."""
    assert "jfs-fukuoka" not in said(dossier_of(told_case)) and "福岡支店" not in said(dossier_of(told_case))
    own = {**LENDING, "consent_id": "k3", "recipients": ["center", "jfs-fukuoka"]}
    told_case.must("arita", "RecordConsent", own)
    assert "福岡支店" in said(dossier_of(told_case, "jfs-fukuoka"), "D1")


def test_what_one_bank_said_another_does_not_read_in_its_dossier() -> None:
    """Invariant 24."""
    case = Story(TOLD).in_review().attach("jfs-saga")
    case.must("ide", "SupplementNeed", {"fields": {"tried_before": "佐賀で試した。"}})
    case.must("arita", "RecordConsent", LENDING)
    assert "佐賀" not in said(dossier_of(case))
    case.must("arita", "RecordConsent", {**LENDING, "consent_id": "k3", "recipients": ["center", "jfs-saga"]})
    told = said(dossier_of(case, "jfs-saga"))
    assert "佐賀で試した。" in told and "昇温条件" not in told and "jfs-fukuoka" not in told


def test_nobody_is_named_and_no_amount_is_told(told_case: Story) -> None:
    told = said(dossier_of(told_case))
    for word in ("hayashi", "tanaka", "arita", "ueno", "2000000", "2600000", "600000"):
        assert word not in told
    assert "100万円以上300万円未満" in told


def test_a_readiness_level_names_its_assessor_and_evidence_and_a_fall_is_told(told_case: Story) -> None:
    """Invariant 21."""
    for level in (3, 2):
        body = {"level": level, "basis": "密度の測定"}
        told_case.must("hayashi", "AssessReadiness", body, evidence=("doc_evidence",))
    first, second = lines(dossier_of(told_case), "D5")
    assert "TRL(EU Annex G) 3" in first.statement_ja and "確認者: 研究者" in first.statement_ja
    assert "根拠資料 1件" in first.statement_ja and "下がった" in second.statement_ja
    assert "TRL" not in said(dossier_of(told_case), "D2"), "a level of the review has no evidence"


def test_what_is_due_next_has_a_day_and_what_has_passed_is_overdue() -> None:
    case = Story(TOLD).visited().must("arita", "RecordConsent", LENDING)
    content = dossier_of(case)
    [due] = [one for one in lines(content) if one.line_id in content.summary.due]
    assert "訪問報告書" in due.statement_ja and "期日超過" not in due.statement_ja
    case.pass_time(case.now.replace(month=6))
    assert "期日超過" in said(dossier_of(case), "D11")


def test_the_crosswalk_serves_two_views_and_fills_no_indicator(told_case: Story) -> None:
    views = list(lines(dossier_of(told_case), "D12"))
    assert len(views) == 4
    assert ["D4." in one.statement_ja for one in views] == [False, True, False, False]
    assert ["D6." in one.statement_ja for one in views] == [False, False, False, True]


def test_every_type_that_may_be_cited_has_a_name_and_is_no_secret_of_a_bank() -> None:
    assert all(type_said(name) for name in CITED)
    assert all(FACTS[name].bank is not View.hidden for name in CITED)
    assert all(disposition_said(one) for one in Disposition)


@pytest.mark.parametrize("seed", range(12))
def test_a_dossier_of_any_case_cites_everything_it_says_and_says_no_verdict(seed: int) -> None:
    """Invariants 13, 24, 27, over random cases."""
    rng = Random(seed)
    case = rng.choice(begun()).from_here()
    for _ in range(60):
        asked = wish(case, rng.getrandbits(32))
        case.do(asked.person, asked.name, asked.data, **asked.around)
    case.do("arita", "RecordConsent", LENDING)
    held = [one for one in case.state.consents.values() if "lender" in one.recipients]
    if not held:
        return
    content = dossier_of(case, consent=held[-1])
    known = {one.event_id for one in case.events}
    assert all(line.cites and set(line.cites) <= known for line in lines(content))
    assert forbidden_in(said(content)) == []
    assert "jfs-" not in said(content)

"""Facts lie behind, old ones have a document, a document that is named is kept (invariant 28; section 6, envelope)."""

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from rules_story import SIGNING, VISIT, Story

from domain.refusals import Refusal

FOUNDED = {"startup_company_id": "x"}


class Dated(NamedTuple):
    """A command whose fact tells its own day."""

    start: str
    person: str
    name: str
    field: str
    data: dict[str, Any]

    def given(self, story: Story, days: int | None, **around: Any) -> Any:
        """The command, given in *story* of a day so many days from its now."""
        getattr(story, self.start)()
        told = {} if days is None else {self.field: day(story, days)}
        return story.do(self.person, self.name, {**self.data, **told}, **around)


DATED = [
    Dated("approved", "ueno", "SignAgreement", "signed_on", {key: SIGNING[key] for key in ("effective_on", "ends_on")}),
    Dated("signed", "ueno", "ConfirmPayment", "received_on", {}),
    Dated("with_invention", "ueno", "RecordStartup", "founded_on", {"startup_company_id": "x"}),
    Dated("licensed", "arita", "ReportProduct", "released_on", {"name": "x", "result": "released"}),
]
dated = pytest.mark.parametrize("one", DATED, ids=lambda one: one.name)


def day(story: Story, days: int) -> str:
    return (story.now + timedelta(days=days)).date().isoformat()


@dated
def test_a_fact_s_own_day_makes_it_old(story: Story, one: Dated) -> None:
    assert one.given(story, -31).code == "document_required"
    [event] = one.given(Story(), -31, evidence=("doc_evidence",))
    assert (event.recorded_at - event.occurred_at).days >= 30
    assert [paper.document_id for paper in event.evidence] == ["doc_evidence"]


@dated
def test_a_fact_of_the_last_thirty_days_needs_none(story: Story, one: Dated) -> None:
    [event] = one.given(story, -29)
    assert event.occurred_at < event.recorded_at


@dated
def test_a_fact_s_own_day_is_not_ahead(story: Story, one: Dated) -> None:
    assert isinstance(one.given(story, 1), Refusal)


@dated
def test_without_a_day_of_its_own_a_fact_is_of_the_day_the_command_tells(story: Story, one: Dated) -> None:
    getattr(story, one.start)()
    [event] = story.do(one.person, one.name, one.data, occurred_at=story.now - timedelta(days=3))
    assert getattr(event.data, one.field).isoformat() == day(story, -3)


def test_a_command_s_day_does_not_make_an_old_visit_young(story: Story) -> None:
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).at(90)
    yesterday = story.now - timedelta(days=1)
    held = {"at": "2026-05-01T13:00:00+09:00"}
    assert story.says("tanaka", "RecordVisitHeld", held, occurred_at=yesterday) == "document_required"


@pytest.mark.parametrize(
    ("start", "act", "data", "pointer"),
    [
        ("in_review", "tanaka RecordNda", {"parties": ["ariake"], "valid_until": "2029-03-31"}, "/data/document_id"),
        ("in_review", "sato SupplementNeed", {"documents": ["gone"]}, "/data/documents/0"),
        ("with_invention", "ueno RecordLicense", {"co_owner_consent": "gone"}, "/data/co_owner_consent"),
        ("in_research", "hayashi AssessReadiness", {"level": 3, "evidence": ["gone"]}, "/data/evidence/0"),
    ],
)
def test_a_document_that_is_not_kept_is_refused_by_name(
    story: Story, start: str, act: str, data: dict[str, Any], pointer: str
) -> None:
    if pointer == "/data/document_id":
        data = {**data, "document_id": "gone"}
    refusal = getattr(story, start)().do(*act.split(), data)
    assert (refusal.code, refusal.field) == ("invalid_field", pointer)


def test_evidence_that_is_not_kept_is_refused_by_name(story: Story) -> None:
    refusal = story.in_review().do("tanaka", "AddNote", {"text": "x"}, evidence=("doc_evidence", "gone"))
    assert (refusal.code, refusal.field) == ("invalid_field", "/evidence/1")


def test_every_document_a_fact_names_is_on_record_with_its_hash(story: Story) -> None:
    """Envelope: documents only by hash."""
    story.signed()
    named = {one.type: [paper.document_id for paper in one.evidence] for one in story.events if one.evidence}
    assert named == {"CompanyConsentRecorded": ["doc_consent"], "AgreementSigned": ["doc_agreement"]}
    assert all(len(paper.sha256) == 64 for one in story.events for paper in one.evidence)


def test_a_signature_that_was_proposed_with_its_document_may_be_confirmed_late(story: Story) -> None:
    story.assigned().must("ueno", "DraftAgreement").must("ueno", "ApproveAgreement").must("arita", "ApproveAgreement")
    story.at(230).must("ueno", "SignAgreement", {**SIGNING, "signed_on": "2026-11-17", "prior_relationship": True})
    assert story.at(270).says("mori", "ConfirmDecision") == ["AgreementSigned"]


def test_a_visit_s_event_tells_when_the_visit_was(story: Story) -> None:
    """Envelope: occurred_at, when it was true."""
    story.visited()
    held = next(one for one in story.events if one.type == "VisitHeld")
    assert held.occurred_at == held.data.at


def test_a_visit_recorded_long_after_needs_a_document(story: Story) -> None:
    """Invariant 28."""
    story.assigned().must("tanaka", "ScheduleVisit", VISIT).at(80)
    assert story.says("tanaka", "RecordVisitHeld") == "document_required"

"""Who is told what happens to dossiers, seeds and researchers: those whose turn it is, and those it concerns."""

from collections.abc import Iterator
from typing import Final

import pytest
from rules_register import Register
from rules_story import CONSENT, TOLD, Story

from domain.entry_notices import _TELLING, entry_notices
from domain.envelope import Paper
from domain.law import FACTS
from domain.streams import evolve

LENDING: Final = {**CONSENT, "recipients": ["center", "lender"], "purposes": ["lending_evaluation"]}


def told(register: Register) -> Iterator[tuple[str, str, str, str | None]]:
    """Every notice of the entry: of which event, to which role of which organization, to whom."""
    entry = None
    for event in register.events:
        entry = evolve(entry, event)
        assert not isinstance(entry, type(None))
        for one in entry_notices(entry, event, register.about and register.about.state):  # type: ignore[arg-type]
            yield event.type, one.to.role.value, str(one.to.org_id), one.to.person


@pytest.fixture
def dossier() -> Register:
    """Asked for by the lender, of a case in tanaka's charge."""
    one = Register("d1")
    one.about = Story(TOLD).assigned().must("arita", "RecordConsent", {**LENDING, "consent_id": "k2"})
    one.now, one.paper = one.about.now, Paper(cut_off_version=6, content_hash="ab" * 32)
    return one.must("kashi", "RequestDossier", {"case_id": "c1"})


def test_every_event_that_tells_exists() -> None:
    assert _TELLING.keys() <= FACTS.keys()


def test_a_request_awaits_the_coordinator_of_its_case(dossier: Register) -> None:
    assert list(told(dossier)) == [("EvidenceDossierRequested", "coordinator", "center", "tanaka")]


def test_an_issue_is_told_to_the_lender_and_to_the_company(dossier: Register) -> None:
    dossier.must("mori", "ReleaseDossier")
    assert list(told(dossier))[1:] == [
        ("EvidenceDossierIssued", "lender_officer", "lender", None),
        ("EvidenceDossierIssued", "company_representative", "ariake", None),
    ]


@pytest.mark.parametrize("viewed", [True, False])
def test_a_correction_is_told_to_a_lender_who_viewed_what_it_superseded(dossier: Register, viewed: bool) -> None:
    """Invariant 26."""
    dossier.must("tanaka", "ReleaseDossier")
    if viewed:
        dossier.must("kashi", "ViewDossier")
    assert dossier.about is not None
    dossier.must("system", "SupersedeDossier", {"corrected_event_id": dossier.about.events[1].event_id})
    superseded = [one for one in told(dossier) if one[0] == "EvidenceDossierSuperseded"]
    assert superseded == ([("EvidenceDossierSuperseded", "lender_officer", "lender", None)] if viewed else [])


def test_whoever_revokes_a_share_is_not_told_of_it(dossier: Register) -> None:
    dossier.must("arita", "RevokeShare", reason="other")
    assert [one for one in told(dossier) if one[0] == "EvidenceShareRevoked"] == [
        ("EvidenceShareRevoked", "lender_officer", "lender", None)
    ]


def test_the_owners_of_a_seed_are_asked_whether_it_still_holds() -> None:
    seed = Register("seed-1").must("ueno", "PublishSeed", {"title": "常圧焼結", "researcher_ids": ["hayashi"]})
    seed.must("tanaka", "RequestSeedRenewal")
    assert list(told(seed)) == [
        ("SeedRenewalRequested", "university_liaison", "kyudai", None),
        ("SeedRenewalRequested", "researcher", "kyudai", "hayashi"),
    ]


def test_the_office_of_a_researcher_is_asked_and_so_is_the_researcher() -> None:
    one = Register("hayashi").must("ueno", "RegisterResearcher").must("tanaka", "RequestResearcherRenewal")
    assert list(told(one)) == [
        ("ResearcherRenewalRequested", "university_liaison", "kyudai", None),
        ("ResearcherRenewalRequested", "researcher", "kyudai", "hayashi"),
    ]

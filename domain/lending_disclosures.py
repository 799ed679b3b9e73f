"""What of a company its dossiers showed to lenders, and when: part of the list a company may ask for (invariant 2)."""

from collections.abc import Iterable

from domain.catalogue.dossier_events import Dossier, EvidenceDossierIssued
from domain.disclosures import Disclosure
from domain.envelope import Event
from domain.state import Case
from domain.terms import Purpose


def lending_disclosures(case: Case, steps: Iterable[tuple[Dossier, Event]]) -> tuple[Disclosure, ...]:
    """Each issue of a dossier of *case*, told with the events of the dossier and the state after each."""
    return tuple(
        _issue(case, dossier, event, event.data)
        for dossier, event in steps
        if isinstance(event.data, EvidenceDossierIssued)
    )


def _issue(case: Case, dossier: Dossier, event: Event, fact: EvidenceDossierIssued) -> Disclosure:
    consent = case.consents.get(fact.consent_id)
    return Disclosure(
        at=event.recorded_at,
        to=dossier.lender_id,
        data_classes=tuple(sorted(consent.data_classes)) if consent else (),
        purpose=Purpose.lending_evaluation,
        consent_id=fact.consent_id,
        event_id=event.event_id,
        event_type=event.type,
    )

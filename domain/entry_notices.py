"""Who is told what happens beside the cases: to dossiers, and to seeds and researchers that are to be renewed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from domain.catalogue.dossier_events import Dossier
from domain.catalogue.entry import Entry
from domain.catalogue.researchers import Researcher
from domain.catalogue.seeds import Seed
from domain.envelope import Event
from domain.notices import Addressee, Notice, NoticeKind, coordinator_of
from domain.state import Case
from domain.terms import Role


def entry_notices(entry: Entry, event: Event, case: Case | None) -> tuple[Notice, ...]:
    """Who is told of *event*, after which *entry* stands as it does; *case* is what a dossier is about."""
    found = _TELLING.get(event.type)
    if found is None:
        return ()
    kind, addressees = found
    told = [one for one in addressees(entry, event, case) if one.person is None or one.person != event.actor.person]
    return tuple(Notice(kind, one) for one in dict.fromkeys(told))


def _coordinator(dossier: Dossier, event: Event, case: Case | None) -> Iterable[Addressee]:
    if case is not None:
        yield coordinator_of(case)


def _lender(dossier: Dossier, event: Event, case: Case | None) -> Iterable[Addressee]:
    yield Addressee(Role.lender_officer, dossier.lender_id)


def _lender_who_viewed(dossier: Dossier, event: Event, case: Case | None) -> Iterable[Addressee]:
    """Invariant 26: each lender who viewed the version."""
    if event.data.model_dump()["version"] in dossier.viewed:
        yield from _lender(dossier, event, case)


def _lender_and_company(dossier: Dossier, event: Event, case: Case | None) -> Iterable[Addressee]:
    yield from _lender(dossier, event, case)
    if case is not None and case.company_id and event.actor.role is not Role.company_representative:
        yield Addressee(Role.company_representative, case.company_id)


def _owners(seed: Seed, event: Event, case: Case | None) -> Iterable[Addressee]:
    if seed.body.institution_id:
        yield Addressee(Role.university_liaison, seed.body.institution_id)
    for researcher_id in seed.body.researcher_ids:
        yield Addressee(Role.researcher, seed.body.institution_id, researcher_id)


def _office(researcher: Researcher, event: Event, case: Case | None) -> Iterable[Addressee]:
    yield Addressee(Role.university_liaison, researcher.institution_id)
    yield Addressee(Role.researcher, researcher.institution_id, researcher.entry_id)


_TELLING: Final[Mapping[str, tuple[NoticeKind, Callable[[Any, Event, Case | None], Iterable[Addressee]]]]] = {
    "EvidenceDossierRequested": (NoticeKind.dossier, _coordinator),
    "EvidenceDossierIssued": (NoticeKind.dossier, _lender_and_company),
    "EvidenceDossierSuperseded": (NoticeKind.dossier, _lender_who_viewed),
    "EvidenceShareRevoked": (NoticeKind.dossier, _lender_and_company),
    "EvidenceDossierExpiring": (NoticeKind.dossier, _lender),
    "SeedRenewalRequested": (NoticeKind.seed_renewal, _owners),
    "SeedHidden": (NoticeKind.seed_renewal, _owners),
    "ResearcherRenewalRequested": (NoticeKind.profile_renewal, _office),
}

"""Gathers what a dossier is made from: the case up to its cut-off, where each event lies in the log, and names."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from domain.catalogue.dossiers import Dossier, consent_to
from domain.consents import BANK_RELATION
from domain.envelope import Directory
from domain.following import known_as
from domain.law import refuse
from domain.state import Case, Consent
from domain.statements.brief import Brief, Exhibit
from domain.statements.compose import TEMPLATE
from domain.terms import OrganizationKind
from store.connect import Store
from store.desk import stream_of
from store.pool import fetch

_BANKS: Final = frozenset({OrganizationKind.bank, OrganizationKind.lender})
_BODIES: Final = "SELECT position, body FROM hashi.events WHERE stream = %s AND version <= %s ORDER BY version"


async def kept_bodies(store: Store, case: Case) -> list[tuple[int, bytes]]:
    """Position and kept bytes of each event of *case* up to its version, in order."""
    found = await fetch(store.pool, _BODIES, [stream_of(case.case_id), case.version])
    return [(position, bytes(body)) for position, body in found]


async def exhibits_of(store: Store, case: Case) -> tuple[Exhibit, ...]:
    """The events of *case* up to its version, each with its place in the log and its leaf hash."""
    events = await store.ledger.read(stream_of(case.case_id), 0, case.version)
    bodies = await kept_bodies(store, case)
    return tuple(
        Exhibit(event=event, leaf_index=position - 1, leaf_hash=hashlib.sha256(b"\0" + body).hexdigest())
        for event, (position, body) in zip(events, bodies, strict=True)
    )


async def brief_of(store: Store, dossier: Dossier, case: Case, at: datetime, *, issue: int | None = None) -> Brief:
    """The brief of the next version of *dossier*, issued *at* this moment on *case*; or that of an *issue* before.

    Raises Refused where no consent lets the lender have it.
    """
    past = next((one for one in dossier.issues if one.version == issue), None)
    if past is not None:
        consent, names, template = case.consents[past.consent_id], past.names, past.template
    else:
        directory = await _directory(store, dossier.lender_id, case)
        consent = _consent(case, dossier.lender_id, directory, at)
        names, template = _names(directory, consent, dossier.lender_id), TEMPLATE
    return Brief(
        template=template or TEMPLATE,
        dossier_id=dossier.entry_id,
        version=issue or len(dossier.issues) + 1,
        case=case,
        case_name=known_as(case, dossier.lender_id),
        exhibits=await exhibits_of(store, case),
        consent=consent,
        lender_id=dossier.lender_id,
        lending_context=dossier.lending_context,
        issued_at=past.issued_at if past else at,
        names=names,
    )


async def preview_of(store: Store, case: Case, lender_id: str, at: datetime, *, now: datetime) -> Brief:
    """The brief of what a dossier for the lender would say of *case*, looked at as of *at*, with the consent of *now*.

    Raises Refused where no consent lets the lender have it.
    """
    directory = await _directory(store, lender_id, case)
    if lender_id not in directory.organizations:
        refuse("invalid_field", "/data/lender_id", problem="is not known")
    consent = _consent(case, lender_id, directory, now)
    return Brief(
        template=TEMPLATE,
        case=case,
        case_name=known_as(case, lender_id),
        exhibits=await exhibits_of(store, case),
        consent=consent,
        lender_id=lender_id,
        issued_at=at,
        names=_names(directory, consent, lender_id),
    )


async def _directory(store: Store, lender_id: str, case: Case) -> Directory:
    briefing = await store.desk.briefing(case.case_id, "-", {lender_id, *_organizations(case)})
    return briefing.directory


def _organizations(case: Case) -> Iterable[str]:
    """The organizations that a dossier of *case* may name."""
    found = {case.company_id, case.seed_institution_id, *(one.bank_id for one in case.referrals)}
    found |= {one.institution_id for one in case.assignments.values()}
    for agreement in case.agreements.values():
        found |= {agreement.institution_id, *agreement.parties}
    for visit in case.visits.values():
        found |= {one.org for one in visit.attended}
    found |= set(case.transfers)
    return {one for one in found if one}


def _consent(case: Case, lender_id: str, directory: Directory, now: datetime) -> Consent:
    consent = consent_to(case, lender_id, directory, now)
    if consent is None:
        refuse("lending_consent_required", "/data/lender_id", lender=lender_id)
    return consent


def _names(directory: Directory, consent: Consent, lender_id: str) -> Mapping[str, str]:
    """The names of the organizations; of other banks only where the consent covers the relation (invariant 24)."""
    told = BANK_RELATION in consent.data_classes
    known = sorted(directory.organizations.items())
    return {org_id: one.name for org_id, one in known if told or org_id == lender_id or one.kind not in _BANKS}

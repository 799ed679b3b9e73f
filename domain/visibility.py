"""Who has to do with a case, and which of its events exist for them (invariants 2, 29; `domain.md` 6a, column Bank).

A bank counts only what it may see, so that no number tells one bank of another.
"""

from datetime import datetime
from typing import Any, Final

from domain.consents import groups_of, is_active
from domain.envelope import Actor, Event
from domain.law import FACTS, View
from domain.state import Assignment, Case, Referral
from domain.terms import AssignmentState, Disposition, Role

CENTER_ROLES: Final = frozenset(
    {Role.coordinator, Role.senior_coordinator, Role.auditor, Role.data_steward, Role.system}
)
"""Roles that see every case whole."""
_INSIDE: Final = CENTER_ROLES | {Role.administrator, Role.strategy_analyst}
"""Roles within the center."""
_OF_ONE_BANK: Final = frozenset(
    {"CaseCancellationRequested", "BankOfficerAssigned", "NeedSupplemented", "CompanyConsentRecorded"}
)
"""What one bank does for itself and no other bank learns."""
_FOR_SOME_BANKS: Final = frozenset(
    {"ReferralAttached", "CaseMergedInto", "CaseClosed", "OrganizationFollowed", "CaseCancellationConfirmed"}
)
"""What a bank learns or not by what the event says, beside its type."""


def referral_of(case: Case, bank_id: str) -> Referral | None:
    """The referral through which *bank_id* follows the case; one that still runs before one that has ended."""
    return case.referral_of(bank_id)


def is_party(case: Case, actor: Actor, now: datetime) -> bool:
    """Whether *actor* has anything to do with *case*; to all others it does not exist."""
    org, person = actor.org_id, actor.person
    if actor.role in CENTER_ROLES:
        return True
    if actor.role is Role.bank_officer:
        return referral_of(case, org) is not None
    if actor.role is Role.company_representative:
        return case.company_id == org
    if actor.role is Role.researcher:
        asked = any(one.researcher_id == person for one in case.assignments.values())
        return asked or person in case.seed_researcher_ids
    if actor.role is Role.university_liaison:
        asked = any(one.institution_id == org for one in case.assignments.values())
        asked = asked or case.seed_institution_id == org
        return asked or any(one.institution_id == org for one in case.agreements.values())
    if actor.role is Role.tlo_officer:
        return bool(case.inventions)
    return actor.role is Role.expert and any(one.expert_id == person for one in case.questions)


def reads_dossiers(case: Case, actor: Actor) -> bool:
    """Whether dossiers of *case* may be for *actor* to read; to a lender the rules of a dossier say more."""
    if actor.role is Role.company_representative:
        return case.company_id == actor.org_id
    return actor.role is Role.lender_officer or actor.role in CENTER_ROLES


def seen_version(case: Case, actor: Actor) -> int:
    """The version of the case in the count of *actor*."""
    referral = referral_of(case, actor.org_id) if actor.role is Role.bank_officer else None
    return referral.seen if referral else case.version


def readers(case: Case) -> tuple[str, ...]:
    """Who may list the case, as `bank:ID`, `company:ID`, `institution:ID`, `person:ID`; the center may anyway.

    An `attached:ID` is a bank that knows the case under the id of another one.
    """
    found = {f"{'attached' if one.home else 'bank'}:{one.bank_id}" for one in case.referrals}
    found |= {f"person:{one.researcher_id}" for one in case.assignments.values()}
    found |= {f"institution:{one.institution_id}" for one in case.assignments.values()}
    found |= {f"institution:{one.institution_id}" for one in case.agreements.values() if one.institution_id}
    found |= {f"person:{one.expert_id}" for one in case.questions if one.expert_id}
    found |= {f"person:{researcher}" for researcher in case.seed_researcher_ids}
    if case.seed_institution_id:
        found.add(f"institution:{case.seed_institution_id}")
    if case.company_id:
        found.add(f"company:{case.company_id}")
    if case.inventions:
        found.add("tlo")
    return tuple(sorted(found))


def reader_keys(actor: Actor) -> tuple[str, ...] | None:
    """The entries of `readers` that stand for *actor*; None: sees all."""
    match actor.role:
        case Role.bank_officer:
            return (f"bank:{actor.org_id}",)
        case Role.company_representative:
            return (f"company:{actor.org_id}",)
        case Role.university_liaison:
            return (f"institution:{actor.org_id}",)
        case Role.tlo_officer:
            return ("tlo",)
        case Role.researcher | Role.expert:
            return (f"person:{actor.person}",)
        case _:
            return None if actor.role in CENTER_ROLES else ()


def row_keys(actor: Actor) -> tuple[str, ...] | None:
    """The keys by which the database's row-level security shows rows to *actor*; None: people of the center, all rows.

    It parts one organization from another, not what is inside of a case: that is `domain.views`.
    """
    if actor.role in _INSIDE:
        return None
    keys = (*(reader_keys(actor) or ()), f"org:{actor.org_id}", f"self:{actor.person}")
    if actor.role is Role.bank_officer:
        return (*keys, f"attached:{actor.org_id}")
    return (*keys, f"lender:{actor.org_id}") if actor.role is Role.lender_officer else keys


def bank_view(event: Event, referral: Referral) -> View | None:
    """How much of *event* the bank of *referral* sees; None: it does not exist for the bank."""
    view = FACTS[judged_as(event)].bank
    ended = referral.until is not None and event.version > referral.until
    if view is View.hidden or event.version < referral.since or ended:
        return None
    if event.type in _FOR_SOME_BANKS and not _is_for(event, referral):
        return None
    if referral.strange_consents and told(event, "consent_id") in referral.strange_consents:
        return None
    by_a_bank = event.type in _OF_ONE_BANK and event.actor.role is Role.bank_officer
    if by_a_bank and event.actor.org_id != referral.bank_at(event.version):
        return None
    return view


def _is_for(event: Event, referral: Referral) -> bool:
    """Whether *event*, of a type that some banks learn of, is told to the bank of *referral*."""
    match event.type:
        case "ReferralAttached":
            return event.version == referral.since
        case "CaseMergedInto":
            return not referral.home
        case "CaseClosed":
            return told(event, "disposition") is not Disposition.merged
        case "OrganizationFollowed":
            return bool(told(event, "successor_id") == referral.bank_at(event.version))
        case _:
            return _ends_for(event, referral)


def _ends_for(event: Event, referral: Referral) -> bool:
    """Whether a confirmed cancellation ended this bank's referral, or the case for all."""
    return referral.until == event.version or "case_closed" in (told(event, "effects") or ())


def judged_as(event: Event) -> str:
    """The type that decides who sees *event*: a correction is seen by whoever sees what it corrects."""
    corrected = told(event, "corrects_type")
    return corrected if corrected in FACTS else event.type


def told(event: Event, field: str) -> Any:
    """What *event* says in *field*, None where it has no such field; a tenth of what getattr of a record costs."""
    return event.data.__dict__.get(field)


def own_assignments(case: Case, actor: Actor) -> list[Assignment]:
    """The requests to *actor*, or to the institution *actor* speaks for."""
    if actor.role is Role.researcher:
        return [one for one in case.assignments.values() if one.researcher_id == actor.person]
    return [one for one in case.assignments.values() if one.institution_id == actor.org_id]


def takes_part(case: Case, actor: Actor) -> bool:
    """Whether *actor* works on the case, rather than being asked only or gone."""
    if actor.role is Role.researcher:
        own = actor.person in case.seed_researcher_ids
    else:
        parties = (one for one in case.agreements.values() if one.institution_id == actor.org_id)
        own = case.seed_institution_id == actor.org_id or any(parties) or actor.role is Role.tlo_officer
    return own or any(one.state is AssignmentState.assigned for one in own_assignments(case, actor))


_GROUPS: Final = {
    Role.researcher: frozenset({"universities", "research_institutes"}),
    Role.university_liaison: frozenset({"universities", "research_institutes"}),
    Role.tlo_officer: frozenset({"tlos"}),
}
"""Groups of recipients that hold somebody in the role, where the kind of the organization is not known."""


def consented_classes(case: Case, actor: Actor, now: datetime) -> set[str]:
    """The classes of data that a consent in force lets *actor* read, by the organization's id or its group."""
    kind = next((one.institution_kind for one in own_assignments(case, actor) if one.institution_kind), None)
    groups = groups_of(kind) if kind else _GROUPS.get(actor.role, frozenset())
    held = (one for one in case.consents.values() if is_active(one, now))
    return {name for one in held if {actor.org_id, *groups} & set(one.recipients) for name in one.data_classes}

"""What each reader is shown of a case and of its events (invariants 2, 24, 29; `domain.md` 6a, column Bank).

What a reader may not see is absent, never null.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from domain.calendar import after_months
from domain.cloud_events import instant
from domain.consents import FIELD_CLASSES, NEED_DETAIL, PUBLIC_SUMMARY, RECIPIENT_CLASSES, TRADE_SECRET
from domain.envelope import CENTER, Actor, Event
from domain.law import RULES, View
from domain.reasons import wording
from domain.secrecy import ERASED
from domain.stages.agreement import band_of
from domain.stages.visit import redacted
from domain.state import Agreement, Assignment, Case, Milestone, Proposal, Referral, Visit
from domain.terms import Role
from domain.timers import deadlines
from domain.visibility import (
    CENTER_ROLES,
    bank_view,
    consented_classes,
    judged_as,
    own_assignments,
    referral_of,
    seen_version,
    takes_part,
    told,
)

_INTERNAL: Final = frozenset(
    {
        "ComplianceChecked",
        "ResearcherShortlisted",
        "DecisionProposed",
        "DecisionRejected",
        "NoteRecorded",
        "DuplicateSuspected",
        "OrganizationFollowed",
        "DuplicateDismissed",
        "ReferralAttached",
        "CaseMergedInto",
        "RecordViewed",
    }
)
_OF_THE_COMPANY: Final = frozenset({"ErasureRequested", "ErasureDecided", "ErasureExecuted"})
"""What the company and the center alone have to do with."""
LAID_OPEN_MONTHS: Final = 18
ALL_BUT_THE_BANKS: Final = frozenset({PUBLIC_SUMMARY, NEED_DETAIL, TRADE_SECRET})
_AMOUNTS: Final = frozenset({"costs", "direct", "indirect", "visiting", "success_fee", "total", "amount", "fee"})
_MASKED_FOR_BANK: Final[Mapping[str, frozenset[str]]] = {
    "NeedReferred": frozenset({"description"}),
    "NeedSupplemented": frozenset({"fields"}),
    "CaseOpened": frozenset({"case_no"}),
    "VisitReportConfirmed": frozenset({"redactions"}),
    "AgreementSigned": frozenset({"costs"}),
    "LicenseGranted": frozenset({"consideration_band", "co_owner_consent"}),
    "RightsAssigned": frozenset({"consideration_band", "co_owner_consent"}),
    "KnowHowTransferred": frozenset({"consideration_band"}),
    "ReferralAttached": frozenset({"absorbed_case_id", "home_case_id"}),
    "CaseReopened": frozenset({"separated_from"}),
}


def _as_bank_may_read(recipients: Iterable[str], banks: Collection[str]) -> list[str]:
    """The recipients of a consent without other organizations by name, which may be banks (invariant 24)."""
    return [one for one in recipients if one in {CENTER, *banks} or one in RECIPIENT_CLASSES]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item not in (None, ERASED)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def event_view(event: Event, actor: Actor, case: Case, now: datetime) -> dict[str, Any] | None:
    """The data of *event* for *actor* at *now*, or None where the event does not exist for this reader."""
    if actor.role in CENTER_ROLES:
        return _whole(event)
    if actor.role is Role.bank_officer:
        referral = referral_of(case, actor.org_id)
        view = shown_to_bank(event, referral, case, now) if referral else None
        return bank_event(event, view, referral.banks) if referral and view else None
    if judged_as(event) in _INTERNAL or not _may_follow(event, actor, case):
        return None
    if judged_as(event) in _OF_THE_COMPANY and actor.role is not Role.company_representative:
        return None
    if actor.role in {Role.company_representative, Role.expert} or event.actor.person == actor.person:
        return _whole(event)
    return _as_consented(event, case, actor, now)


def shown_to_bank(event: Event, referral: Referral, case: Case, now: datetime) -> View | None:
    """How much of *event* the bank of *referral* is shown at *now*; None: it does not exist for the bank.

    A filing is summarized until it is public: granted, or laid open 18 months after it (Patent Act, art. 64).
    """
    view = bank_view(event, referral)
    return View.full if view is View.summary and is_published(event, case, now) else view


def is_published(event: Event, case: Case, now: datetime) -> bool:
    """Whether *event* is a filing that everybody may read at *now*."""
    if event.type != "PatentApplicationFiled":
        return False
    invention = case.inventions.get(told(event, "invention_id"))
    granted = invention is not None and invention.granted
    return granted or after_months(event.occurred_at, LAID_OPEN_MONTHS) <= now


def _as_consented(event: Event, case: Case, actor: Actor, now: datetime) -> dict[str, Any]:
    """The data of *event* as far as a consent covers its classes for *actor*; a seed's case may have none yet."""
    allowed = consented_classes(case, actor, now) if case.consents else ALL_BUT_THE_BANKS
    return within(_whole(event), event, allowed)


def within(body: dict[str, Any], event: Event, classes: Collection[str]) -> dict[str, Any]:
    """*body*, which tells of *event*, without the company's data of other classes than *classes*."""
    for pointer, kind in event.data.classes().items():
        if kind not in classes:
            *outer, name = pointer.split("/")
            (body.get(outer[0], {}) if outer else body).pop(name, None)
    return body


def _may_follow(event: Event, actor: Actor, case: Case) -> bool:
    """Whether *event* concerns *actor*, who works neither for the center nor for a bank (invariants 2, 29)."""
    if actor.role is Role.expert:
        return bool(told(event, "expert_id") == actor.person)
    mine = own_assignments(case, actor)
    if event.type.startswith("ConflictOfInterest"):
        return _is_about(event, mine)
    if actor.role is Role.company_representative:
        return True
    if event.type == "VisitReportFiled":
        return event.actor.person == actor.person
    if not takes_part(case, actor):
        return _is_about(event, mine)
    return not event.type.startswith("Assignment") or _is_about(event, mine)


def _is_about(event: Event, mine: list[Assignment]) -> bool:
    return told(event, "assignment_id") in {one.assignment_id for one in mine}


def _whole(event: Event) -> dict[str, Any]:
    body: dict[str, Any] = event.data.model_dump(mode="json", exclude_none=True, by_alias=True)
    if event.reason:
        body["reason"] = {"code": event.reason.code, "text": wording(event.reason)}
    return body


def bank_event(event: Event, view: View, banks: Collection[str]) -> dict[str, Any]:
    """The data of *event* in the reduction *view*, for readers of *banks*."""
    reason = {"reason": {"code": event.reason.code}} if event.reason else {}
    if view is View.summary:
        return reason
    masked = _MASKED_FOR_BANK.get(event.type, frozenset())
    body = {key: item for key, item in _whole(event).items() if key not in masked}
    for name in _ATTENDANCE & body.keys():
        body[name] = _attendees_for(banks, body[name])
    if event.type == "CompanyConsentRecorded":
        body["scope"] = {**body["scope"], "recipients": _as_bank_may_read(body["scope"]["recipients"], banks)}
    if event.type == "MilestonePlanned":
        body = {key: item for key, item in body.items() if key not in {*event.data.classes(), "secret"}}
    if event.type == "AgreementAmended":
        body["changes"] = {key: item for key, item in body["changes"].items() if key not in _AMOUNTS}
    if event.type == "AgreementSigned":
        body["cost_band"] = _cost_band(event.data.model_dump()["costs"])
    return body


_ATTENDANCE: Final = frozenset({"attendees", "attended", "absent"})


def _attendees_for(banks: Collection[str], people: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Who takes part in a visit, without officers of other banks (invariant 24)."""
    return [one for one in people if one["role"] != Role.bank_officer or one.get("org") in {None, *banks}]


def _cost_band(costs: Mapping[str, str]) -> str:
    return band_of(sum((Decimal(costs[name]) for name in ("direct", "indirect", "visiting")), Decimal()))


def case_view(case: Case, actor: Actor, now: datetime, today: Case | None = None) -> dict[str, Any]:
    """The case as *actor* may read it at *now* (`contract.md` section 3).

    Of an earlier state a reader sees what they might see then and may see still: *today* is the newest state.
    """
    if actor.role is Role.bank_officer:
        view = _bank_case(case, actor)
    elif actor.role in CENTER_ROLES or actor.role is Role.company_representative:
        view = _whole_case(case, actor)
    elif actor.role is Role.expert:
        view = {"questions": _dumped(one for one in case.questions if one.expert_id == actor.person)}
    else:
        view = _institution_case(case, actor, now, today or case)
    cleaned = _plain({**_head(case, actor), **view})
    return {key: item for key, item in cleaned.items() if item not in (None, {})}


def _head(case: Case, actor: Actor) -> dict[str, Any]:
    referral = referral_of(case, actor.org_id) if actor.role is Role.bank_officer else None
    return {
        "case_id": case.case_id,
        "version": seen_version(case, actor),
        "stage": case.stage,
        "furthest_stage": case.furthest_stage,
        "status": case.status,
        "disposition": case.disposition,
        "origin": case.origin,
        "coordinator": case.coordinator_id,
        "reason": _reason(case, actor),
        "opened_at": case.opened_at,
        "updated_at": referral.seen_at if referral else case.updated_at,
    }


def _reason(case: Case, actor: Actor) -> dict[str, Any] | None:
    if actor.role is not Role.bank_officer:
        return {"code": case.reason.code, "text": wording(case.reason)} if case.reason else None
    referral = referral_of(case, actor.org_id)
    told = case.bank_reason if referral is None or referral.since == 1 else None
    return {"code": told.code, "text": wording(told)} if told else None


def _dumped(entities: Any) -> list[dict[str, Any]]:
    return [one.model_dump(exclude_none=True) for one in entities]


def _whole_case(case: Case, actor: Actor) -> dict[str, Any]:
    center = actor.role in CENTER_ROLES
    mine = center or actor.role is Role.company_representative
    view: dict[str, Any] = {
        "case_no": case.case_no,
        "company_id": case.company_id,
        "need": case.need.model_dump() if case.need else None,
        "assignments": _dumped(case.assignments.values()),
        "visits": _dumped(case.visits.values()),
        "consultations": _dumped(case.consultations.values()),
        "agreements": _dumped(case.agreements.values()),
        "milestones": _dumped(case.milestones.values()),
        "readiness": _dumped(case.readiness),
        "inventions": _dumped(case.inventions.values()),
        "publications": _dumped(case.publications.values()),
        "transfers": _dumped(case.transfers.values()),
        "products": _dumped(case.products.values()),
        "deadlines": _deadlines(case),
    }
    view["proposals"] = _dumped(one for one in case.proposals.values() if _may_confirm(one, actor))
    if mine:
        view["consents"] = _dumped(case.consents.values())
    if center:
        view["referrals"] = _dumped(case.referrals)
        view["corrections"] = _dumped(case.corrections)
        view["searches"] = _dumped(case.searches.values())
        view["compliance"] = dict(case.compliance)
    return view


def _may_confirm(one: Proposal, actor: Actor) -> bool:
    rule = RULES[one.command]
    return actor.role in CENTER_ROLES or actor.role in rule.confirmed_by | rule.by


def _deadlines(case: Case) -> list[dict[str, Any]]:
    return [{"timer": one.timer, "due_at": one.due_at, "owner": one.owner} for one in deadlines(case)]


_NEED_FOR_BANK: Final = {"description"}


def _bank_case(case: Case, actor: Actor) -> dict[str, Any]:
    referral = referral_of(case, actor.org_id)
    if referral is not None and referral.since > 1:
        return {"referral": referral.model_dump(include={"referral_id", "bank_reference"}), "coordinator": None}
    assigned = [one for one in case.assignments.values() if one.assigned_at]
    banks = referral.banks if referral else {actor.org_id}
    return {
        "referral": referral.model_dump(include={"referral_id", "bank_reference"}) if referral else None,
        "need": _need_for_bank(case, referral),
        "assignments": [one.model_dump(include={"assignment_id", "role", "state"}) for one in assigned],
        "visits": [_visit_for_bank(banks, one) for one in case.visits.values()],
        "consultations": _dumped(case.consultations.values()),
        "agreements": [_agreement_for_bank(one) for one in case.agreements.values()],
        "milestones": [_milestone_for_bank(one) for one in case.milestones.values()],
        "readiness": [one.model_dump(exclude={"assessor_ref"}) for one in case.readiness],
        "transfers": _dumped(case.transfers.values()),
        "products": _dumped(case.products.values()),
        "consents": [
            {**one.model_dump(exclude_none=True), "recipients": _as_bank_may_read(one.recipients, banks)}
            for one in case.consents.values()
            if referral is None or one.consent_id not in referral.strange_consents
        ],
    }


def _need_for_bank(case: Case, referral: Referral | None) -> dict[str, Any]:
    """The need as the bank knows it; of a case to which it came later, what it read of the need since."""
    need = referral.need if referral and referral.need else case.need
    known = need.model_dump() if need else referral.added if referral else {}
    return {key: item for key, item in known.items() if key not in _NEED_FOR_BANK}


def _visit_as_confirmed(visit: Visit) -> dict[str, Any]:
    shown = visit.model_dump(exclude={"report"}, exclude_none=True)
    report = visit.report
    if report and report.confirmed_at:
        hidden = [one for one in report.redactions if one in (report.proposed_step or "")]
        shown["report"] = {
            **report.model_dump(exclude={"redactions", "findings"}, exclude_none=True),
            "findings": redacted(report.findings, report.redactions),
            **({"proposed_step": redacted(report.proposed_step, hidden)} if report.proposed_step else {}),
        }
    return shown


def _visit_for_bank(banks: Collection[str], visit: Visit) -> dict[str, Any]:
    shown = _visit_as_confirmed(visit)
    return shown | {name: _attendees_for(banks, shown[name]) for name in _ATTENDANCE & shown.keys()}


def _milestone_for_bank(one: Milestone) -> dict[str, Any]:
    return one.model_dump(exclude={"title", "secret"} if one.secret else {"secret"}, exclude_none=True)


def _agreement_for_bank(one: Agreement) -> dict[str, Any]:
    if not one.is_signed:
        return {"agreement_id": one.agreement_id, "ended": one.ended}
    shown = {"agreement_id", "kind", "signed_on", "effective_on", "ends_on", "research", "outcome", "ended"}
    return one.model_dump(include=shown, exclude_none=True)


def _institution_case(case: Case, actor: Actor, now: datetime, today: Case) -> dict[str, Any]:
    """The case for a researcher, a liaison office or a TLO: what was disclosed, and all of it while they take part."""
    mine = own_assignments(case, actor)
    if not (takes_part(case, actor) and takes_part(today, actor)):
        asked = [one for one in mine if one.is_pending and today.assignments[one.assignment_id].is_pending]
        classes = consented_classes(case, actor, now) & consented_classes(today, actor, now)
        named = {name for one in asked for name in one.disclosed_fields}
        disclosed = {name for name in named if FIELD_CLASSES.get(name, name) in classes}
        need = case.need.model_dump(include=_need_fields(disclosed)) if case.need else None
        return {"need": need, "assignments": _dumped(mine)}
    shown = {"need_id", "documents", *_covered_fields(case, actor, now) & _covered_fields(today, actor, now)}
    view = _whole_case(case, actor)
    return {
        **view,
        "need": case.need.model_dump(include=shown) if case.need else None,
        "assignments": _dumped(mine),
        "visits": [_visit_for(actor, one) for one in case.visits.values()],
        "deadlines": None if actor.role is Role.researcher else view["deadlines"],
    }


def _visit_for(actor: Actor, visit: Visit) -> dict[str, Any]:
    """A visit with its report as the company confirmed it; who wrote the report reads it whole."""
    if visit.report and visit.report.filed_by == actor.person:
        return visit.model_dump(exclude_none=True)
    return _visit_as_confirmed(visit)


def _covered_fields(case: Case, actor: Actor, now: datetime) -> set[str]:
    """The fields of the need that the consents of *case* cover for *actor*; a seed's case may have none yet."""
    return _need_fields(consented_classes(case, actor, now)) if case.consents else set(FIELD_CLASSES)


def _need_fields(disclosed: set[str]) -> set[str]:
    return {name for name, kind in FIELD_CLASSES.items() if name in disclosed or kind in disclosed}


def seen_events(
    events: Iterable[Event], actor: Actor, case: Case, now: datetime
) -> list[tuple[int, Event, dict[str, Any]]]:
    """What *actor* sees at *now* of *events*, a case's from the first on: own number, event, data shown.

    *case* is the state after them. A bank's number counts what it sees; the others count versions.
    """
    shown: list[tuple[int, Event, dict[str, Any]]] = []
    for event in events:
        body = event_view(event, actor, case, now)
        if body is not None:
            number = len(shown) + 1 if actor.role is Role.bank_officer else event.version
            shown.append((number, event, body))
    return shown

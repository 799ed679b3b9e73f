"""The consent ledger's one question: may this data go to this recipient for this purpose now? (invariants 1-3, 9)"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from domain.calendar import close_of, japanese_day
from domain.envelope import CENTER, Organization
from domain.law import refuse, require
from domain.state import Case, Consent
from domain.terms import OrganizationKind, Origin, Purpose

RECIPIENT_CLASSES: Final = {
    "universities": frozenset({OrganizationKind.university, OrganizationKind.graduate_school, OrganizationKind.kosen}),
    "research_institutes": frozenset({OrganizationKind.research_institute, OrganizationKind.public_test_institute}),
    "experts": frozenset({OrganizationKind.expert_office}),
    "tlos": frozenset({OrganizationKind.tlo}),
    "support_bodies": frozenset({OrganizationKind.support_body, OrganizationKind.chamber}),
    "banks": frozenset({OrganizationKind.bank}),
    "lenders": frozenset({OrganizationKind.lender, OrganizationKind.bank}),
}
"""Recipients a consent may name as a group, and the kinds of organization each group holds."""

PUBLIC_SUMMARY: Final = "public_summary"
NEED_DETAIL: Final = "need_detail"
TRADE_SECRET: Final = "trade_secret"  # noqa: S105 - a class of data, no credential
BANK_RELATION: Final = "bank_relation"

FIELD_CLASSES: Final = {
    **dict.fromkeys(
        ("title", "public_summary", "field_codes", "program_tags", "urgency", "desired_by"), PUBLIC_SUMMARY
    ),
    **dict.fromkeys(("description", "tried_before", "budget_band", "documents", "company", "company_id"), NEED_DETAIL),
}
"""The data class of each field of a need; other names stand for themselves."""


def is_active(consent: Consent, now: datetime, purpose: str = Purpose.collaboration) -> bool:
    """Whether *consent* holds at *now* for *purpose*."""
    if consent.withdrawn_at and consent.withdrawn_at <= now:
        return False
    return purpose in consent.purposes and now <= close_of(consent.valid_until)


def is_carried(case: Case, now: datetime) -> bool:
    """Whether a consent in force at *now* lets the center work on the case."""
    return any(CENTER in one.recipients and is_active(one, now) for one in case.consents.values())


def active_consent(case: Case, now: datetime, purpose: str = Purpose.collaboration) -> Consent | None:
    """The consent of *case* in force at *now* for *purpose*, the newest first."""
    return next((one for one in reversed(case.consents.values()) if is_active(one, now, purpose)), None)


def lending_consent(case: Case, lender: Organization, now: datetime) -> Consent | None:
    """The consent of *case* in force at *now* that lets *lender* have evidence for its evaluation (invariant 27)."""
    held = (one for one in reversed(case.consents.values()) if is_active(one, now, Purpose.lending_evaluation))
    return next((one for one in held if covers(one, lender)), None)


def require_consent(case: Case, now: datetime) -> None:
    """Refuse unless the company's consent to the center is in force (invariants 1 and 3)."""
    if case.need is None and case.origin is Origin.seed:
        return
    if is_carried(case, now):
        return
    withdrawn = [one.withdrawn_at for one in case.consents.values() if one.withdrawn_at]
    if withdrawn:
        refuse("consent_withdrawn", day=japanese_day(max(withdrawn)))
    ended = [one.valid_until for one in case.consents.values()]
    refuse("consent_required", fact=f"valid_until: {max(ended)}" if ended else "RecordConsent")


def groups_of(kind: OrganizationKind) -> frozenset[str]:
    """The groups of recipients that hold an organization of *kind*."""
    return frozenset(name for name, kinds in RECIPIENT_CLASSES.items() if kind in kinds)


def reaches(consent: Consent, org_id: str, kind: OrganizationKind) -> bool:
    """Whether the organization is among the recipients of *consent*, by id or by group."""
    return bool({org_id, *groups_of(kind)} & set(consent.recipients))


def covers(consent: Consent, organization: Organization) -> bool:
    """Whether *organization* is among the recipients of *consent*, by id or by group."""
    return reaches(consent, organization.org_id, organization.kind)


def require_recipient(case: Case, organization: Organization, now: datetime, field: str | None = None) -> None:
    """Refuse unless data of *case* may go to *organization* now (invariant 2)."""
    if case.need is None and case.origin is Origin.seed:
        return
    allowed = any(is_active(one, now) and covers(one, organization) for one in case.consents.values())
    require(allowed, "recipient_not_consented", field, recipient=organization.org_id)


def classes_of(fields: Iterable[str]) -> frozenset[str]:
    """The data classes that *fields* of a need belong to."""
    return frozenset(FIELD_CLASSES.get(name, name) for name in fields)


def require_disclosure(
    case: Case, fields: Iterable[str], organization: Organization, now: datetime, pointer: str
) -> None:
    """Refuse unless every one of *fields* may be shown to *organization* (invariants 2, 9).

    Recipient and class of data come from the same consent: two narrow ones do not add up to a wider one.
    """
    if case.need is None and case.origin is Origin.seed:
        return
    held = (one for one in case.consents.values() if is_active(one, now) and covers(one, organization))
    allowed = {name for one in held for name in one.data_classes}
    for name in fields:
        require(FIELD_CLASSES.get(name, name) in allowed, "disclosure_exceeds_consent", pointer, name=name)

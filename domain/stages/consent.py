"""Consent to share: recorded, changed, withdrawn (invariants 1-3). What follows from a withdrawal follows at once."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, Final

from pydantic import AliasChoices, Field, model_validator

from domain.calendar import japanese_day
from domain.consents import is_active, is_carried, reaches
from domain.envelope import Actor, CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, Day, Instant, Key, Line, Record
from domain.state import Assignment, Case, Consent, Referral, changed
from domain.terms import AssignmentState, ConsentMethod, Purpose, Role, Status

_BANK_GROUPS: Final = frozenset({"banks", "lenders"})


class ConsentScope(Record):
    """To whom, for what, which data, until when."""

    recipients: tuple[Key, ...] = Field(min_length=1, max_length=50)
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    data_classes: tuple[Code, ...] = Field(min_length=1, max_length=20)
    valid_until: Day


class ConsentBlock(ConsentScope):
    """The consent as the company gave it."""

    given_by: Line = Field(validation_alias=AliasChoices("given_by", "given_by_ref"))
    method: ConsentMethod = ConsentMethod.signed_paper
    document_id: Key | None = Field(None, validation_alias=AliasChoices("document_id", "document"))


def _flat(data: Any, *names: str) -> Any:
    if not isinstance(data, dict):
        return data
    for name in names:
        if isinstance(data.get(name), dict):
            return {**data[name], **{key: value for key, value in data.items() if key != name}}
    return data


class CompanyConsentRecorded(EventData):
    """The company lets its information be used within a scope."""

    consent_id: Key
    scope: ConsentScope
    given_by: Line
    method: ConsentMethod
    document_id: Key | None = None


class CompanyConsentChanged(EventData):
    """The company narrowed or widened the scope."""

    consent_id: Key
    old_scope: ConsentScope
    new_scope: ConsentScope


class CompanyConsentWithdrawn(EventData):
    """The company takes its consent back."""

    consent_id: Key
    effective_at: Instant


class RecordConsent(ConsentBlock, CommandData):
    """Record a consent; a bank officer records one with the signed document."""

    creates: ClassVar[Mapping[str, str]] = {"consent_id": "consent"}
    example: ClassVar[Mapping[str, Any]] = {
        "recipients": ["center", "universities"],
        "purposes": ["collaboration"],
        "data_classes": ["public_summary", "need_detail"],
        "valid_until": "2029-03-31",
        "given_by": "代表取締役",
        "method": "electronic",
    }
    consent_id: Key | None = None

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, data: Any) -> Any:
        return _flat(data, "scope")


class ChangeConsent(CommandData):
    """Narrow or widen the scope of the consent in force."""

    example: ClassVar[Mapping[str, Any]] = {
        "new_scope": {
            "recipients": ["center"],
            "purposes": ["collaboration"],
            "data_classes": ["public_summary"],
            "valid_until": "2029-03-31",
        }
    }
    consent_id: Key | None = None
    new_scope: ConsentScope = Field(validation_alias=AliasChoices("new_scope", "scope"))


class WithdrawConsent(CommandData):
    """Take the consent back, with effect now."""

    example: ClassVar[Mapping[str, Any]] = {}
    consent_id: Key | None = None


def recorded(block: ConsentBlock, consent_id: str) -> CompanyConsentRecorded:
    """The event of a consent *block*."""
    scope = ConsentScope(
        recipients=block.recipients,
        purposes=block.purposes,
        data_classes=block.data_classes,
        valid_until=block.valid_until,
    )
    return CompanyConsentRecorded(
        consent_id=consent_id,
        scope=scope,
        given_by=block.given_by,
        method=block.method,
        document_id=block.document_id,
    )


def require_not_ended(valid_until: date, ask: Ask, pointer: str) -> None:
    """Refuse a consent that has ended already."""
    require(
        japanese_day(ask.now) <= valid_until, "invalid_field", pointer, problem=f"valid_until {valid_until} is past"
    )


def _mine(case: Case, consent_id: str | None) -> Consent:
    consent = case.consents.get(consent_id) if consent_id else case.consent
    if consent is None:
        refuse("invalid_field", "/data/consent_id", problem="there is no such consent")
    return consent


@decides(RecordConsent, by={Role.company_representative, Role.bank_officer}, when_closed=True, without_consent=True)
def record_consent(case: Case, data: RecordConsent, ask: Ask) -> Iterable[EventData]:
    """A new consent stands beside the earlier ones."""
    require_not_ended(data.valid_until, ask, "/data/valid_until")
    if ask.actor.role is Role.bank_officer:
        require(data.document_id or ask.command.evidence, "document_required", "/data/document_id", at=ask.today)
    consent_id = data.consent_id or ask.new_id("consent")
    require(consent_id not in case.consents, "already_done", "/data/consent_id", fact=consent_id)
    return [recorded(data, consent_id)]


@decides(ChangeConsent, by={Role.company_representative})
def change_consent(case: Case, data: ChangeConsent, ask: Ask) -> Iterable[EventData]:
    """The scope changes; what was shown before stays on record."""
    consent = _mine(case, data.consent_id)
    require_not_ended(data.new_scope.valid_until, ask, "/data/new_scope/valid_until")
    old = ConsentScope(
        recipients=consent.recipients,
        purposes=tuple(Purpose(one) for one in consent.purposes),
        data_classes=consent.data_classes,
        valid_until=consent.valid_until,
    )
    return [CompanyConsentChanged(consent_id=consent.consent_id, old_scope=old, new_scope=data.new_scope)]


@decides(WithdrawConsent, by={Role.company_representative}, without_consent=True, when_closed=True, reason=True)
def withdraw_consent(case: Case, data: WithdrawConsent, ask: Ask) -> Iterable[EventData]:
    """The withdrawal and what follows: no new disclosure, the case is held (invariant 3)."""
    consent = _mine(case, data.consent_id)
    require(consent.withdrawn_at is None, "already_done", fact=consent.consent_id)
    return [CompanyConsentWithdrawn(consent_id=consent.consent_id, effective_at=ask.now)]


@evolves(CompanyConsentRecorded, bank=View.full)
def consent_recorded(case: Case, fact: CompanyConsentRecorded, event: Event) -> Case:
    """The consent is in the ledger."""
    scope = fact.scope
    consent = Consent(
        consent_id=fact.consent_id,
        recipients=scope.recipients,
        purposes=scope.purposes,
        data_classes=scope.data_classes,
        valid_until=scope.valid_until,
        given_by=fact.given_by,
        recorded_at=event.recorded_at,
    )
    after = case.with_("consents", fact.consent_id, consent)
    return after.but(referrals=tuple(_unknown_to(one, consent, event.actor) for one in after.referrals))


def _unknown_to(referral: Referral, consent: Consent, by: Actor) -> Referral:
    """*referral*, whose bank learns nothing of a consent that is for, or came by, somebody else (invariant 24)."""
    named = {referral.bank_id, *_BANK_GROUPS}
    by_another = by.role is Role.bank_officer and by.org_id != referral.bank_id
    if not by_another and (Purpose.collaboration in consent.purposes or named & set(consent.recipients)):
        return referral
    strange = (*referral.strange_consents, consent.consent_id)
    return referral.model_copy(update={"strange_consents": strange})


@evolves(CompanyConsentChanged, bank=View.summary)
def consent_changed(case: Case, fact: CompanyConsentChanged, event: Event) -> Case:
    """The ledger shows the new scope."""
    scope = fact.new_scope
    consent = changed(
        case.consents[fact.consent_id],
        recipients=scope.recipients,
        purposes=scope.purposes,
        data_classes=scope.data_classes,
        valid_until=scope.valid_until,
        recorded_at=event.recorded_at,
    )
    return _recalled_where_uncovered(case.with_("consents", fact.consent_id, consent), event)


def _recalled_where_uncovered(case: Case, event: Event) -> Case:
    """*case* without the open requests to institutions that no consent in force reaches any more (invariants 2, 3)."""
    held = [one for one in case.consents.values() if is_active(one, event.recorded_at)]
    assignments = {
        key: changed(one, state=AssignmentState.recalled) if _is_beyond(one, held) else one
        for key, one in case.assignments.items()
    }
    return case.but(assignments=assignments)


def _is_beyond(one: Assignment, held: Iterable[Consent]) -> bool:
    kind = one.institution_kind
    return one.is_pending and kind is not None and not any(reaches(it, one.institution_id, kind) for it in held)


@evolves(CompanyConsentWithdrawn, bank=View.summary)
def consent_withdrawn(case: Case, fact: CompanyConsentWithdrawn, event: Event) -> Case:
    """Nothing new may be shown; open requests fall and the case is held."""
    consent = changed(case.consents[fact.consent_id], withdrawn_at=event.recorded_at)
    after = case.with_("consents", fact.consent_id, consent)
    recalled = {
        key: changed(one, state=AssignmentState.recalled) if one.is_pending else one
        for key, one in case.assignments.items()
    }
    visits = {key: changed(one, cancelled=True) if one.held_at is None else one for key, one in case.visits.items()}
    if not case.is_open or is_carried(after, event.recorded_at):
        return _recalled_where_uncovered(after, event).but(reason=event.reason or case.reason)
    return after.but(
        assignments=recalled,
        visits=visits,
        status=Status.held,
        held_since=case.held_since or event.recorded_at,
        reason=event.reason or case.reason,
    )

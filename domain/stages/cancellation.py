"""Cancellation by two parties: who sent the case asks, the center confirms what becomes of it (invariant 25)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from domain.calendar import after_business_days
from domain.consents import active_consent
from domain.envelope import CENTER, CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code
from domain.stages.closing import CaseClosed, recalled
from domain.state import Cancellation, Case, changed
from domain.terms import Disposition, Role

ERROR_BUSINESS_DAYS: Final = 3
"""How long a referral sent in error leaves no trace in the statistics."""
REFERRAL_ENDED: Final = "referral_ended"
CASE_CONTINUES: Final = "case_continues"
CASE_CLOSED: Final = "case_closed"
OFFERS_RECALLED: Final = "offers_recalled"
VISITS_CANCELLED: Final = "visits_cancelled"


class CaseCancellationRequested(EventData):
    """The bank or the company asks that the case end."""

    by: Role


class CaseCancellationConfirmed(EventData):
    """The center confirmed the cancellation and said what follows."""

    effects: tuple[Code, ...]


class RequestCancellation(CommandData):
    """Ask that the case end, with a reason; the center confirms."""

    example: ClassVar[Mapping[str, Any]] = {}


class ConfirmCancellation(CommandData):
    """Confirm a cancellation: the case goes on with the company, or closes."""

    example: ClassVar[Mapping[str, Any]] = {"effects": ["referral_ended", "case_continues"]}
    effects: tuple[Code, ...] = Field((), max_length=10)
    company_continues: bool | None = None


@decides(RequestCancellation, by={Role.bank_officer, Role.company_representative}, without_consent=True, reason=True)
def request_cancellation(case: Case, data: RequestCancellation, ask: Ask) -> Iterable[EventData]:
    """Each party asks once; nothing ends before the center confirms."""
    asked = any(one.by is ask.actor.role and one.org_id == ask.actor.org_id for one in case.cancellations)
    require(not asked, "already_done", fact="CaseCancellationRequested")
    return [CaseCancellationRequested(by=ask.actor.role)]


@decides(ConfirmCancellation, by={Role.coordinator}, without_consent=True)
def confirm_cancellation(case: Case, data: ConfirmCancellation, ask: Ask) -> Iterable[EventData]:
    """A bank's cancellation ends its referral, not the case, while the company goes on with the center."""
    if not case.cancellations:
        refuse("cancellation_unconfirmed", fact="RequestCancellation")
    first = case.cancellations[0]
    if _goes_on(case, data, ask):
        return [CaseCancellationConfirmed(effects=(REFERRAL_ENDED, CASE_CONTINUES))]
    effects = (OFFERS_RECALLED, VISITS_CANCELLED, REFERRAL_ENDED, CASE_CLOSED)
    return [CaseCancellationConfirmed(effects=effects), CaseClosed(disposition=_disposition(case, first, ask))]


def _goes_on(case: Case, data: ConfirmCancellation, ask: Ask) -> bool:
    if any(one.by is Role.company_representative for one in case.cancellations):
        return False
    if _is_followed_on(case):
        return True
    if _was_an_error(case, case.cancellations[0]):
        return False
    if data.company_continues is not None:
        return data.company_continues
    if data.effects:
        return CASE_CONTINUES in data.effects
    consent = active_consent(case, ask.now)
    return consent is not None and CENTER in consent.recipients


def _is_followed_on(case: Case) -> bool:
    """Whether a bank that did not cancel follows the case; it learns nothing of the others (invariant 24)."""
    leaving = {one.org_id for one in case.cancellations}
    return any(one.until is None and one.bank_id not in leaving for one in case.referrals)


def _was_an_error(case: Case, first: Cancellation) -> bool:
    early = first.at <= after_business_days(case.opened_at, ERROR_BUSINESS_DAYS)
    return first.reason == "sent_in_error" and early


def _disposition(case: Case, first: Cancellation, ask: Ask) -> Disposition:
    if first.by is Role.company_representative or _is_followed_on(case):
        return Disposition.withdrawn_by_company
    if _was_an_error(case, first):
        return Disposition.entered_in_error
    return Disposition.cancelled_by_bank


@evolves(CaseCancellationRequested, bank=View.full)
def cancellation_requested(case: Case, fact: CaseCancellationRequested, event: Event) -> Case:
    """The request waits for the center."""
    one = Cancellation(
        by=fact.by,
        org_id=event.actor.org_id,
        at=event.recorded_at,
        reason=event.reason.code if event.reason else "",
    )
    return case.but(cancellations=(*case.cancellations, one), reason=event.reason or case.reason)


@evolves(CaseCancellationConfirmed, bank=View.full)
def cancellation_confirmed(case: Case, fact: CaseCancellationConfirmed, event: Event) -> Case:
    """The bank's view stops here; where the case closes, open offers and visits fall."""
    banks = {one.org_id for one in case.cancellations if one.by is Role.bank_officer}
    after = case.but(
        cancellations=(),
        referrals=tuple(
            changed(one, until=event.version)
            if one.bank_id in banks and one.until is None and CASE_CLOSED not in fact.effects
            else one
            for one in case.referrals
        ),
    )
    return recalled(after) if OFFERS_RECALLED in fact.effects else after

"""What lenders learn of a case between dossiers: which events go into a lender's feed, and what is told of each.

`domain.md` 6a, "What the lender sees": while a consent to lending evaluation for it is in force, the events that the
sections of a dossier are made from, in the reduction for banks and within the consent's classes of data; with the
consent the earlier ones too. The question is asked anew at each disclosure (invariant 2).
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Final

from domain.calendar import close_of
from domain.consents import RECIPIENT_CLASSES, groups_of
from domain.envelope import Event, Organization
from domain.evidence import lender_view
from domain.law import View
from domain.records import Record
from domain.state import Case
from domain.terms import OrganizationKind, Purpose, Role
from domain.views import bank_event, is_published, within
from domain.visibility import judged_as

LENDERS: Final[frozenset[OrganizationKind]] = RECIPIENT_CLASSES["lenders"]
"""The kinds of organization that have a feed."""
_OF_A_BANK: Final = frozenset({"NeedSupplemented"})
"""What a bank says for itself, which no other institution learns (invariant 24)."""


class Grant(Record):
    """A consent to lending evaluation that was not withdrawn."""

    recipients: tuple[str, ...]
    data_classes: tuple[str, ...]
    valid_until: date


def grants_of(case: Case) -> tuple[Grant, ...]:
    """What the company of *case* lets lenders learn."""
    held = (one for one in case.consents.values() if one.withdrawn_at is None)
    return tuple(
        Grant(recipients=one.recipients, data_classes=one.data_classes, valid_until=one.valid_until)
        for one in held
        if Purpose.lending_evaluation in one.purposes
    )


def granted(grants: Iterable[Grant], lender: Organization, now: datetime) -> frozenset[str] | None:
    """The classes of data that *lender* may have at *now*; None where no consent in force is for it."""
    names = {lender.org_id, *groups_of(lender.kind)}
    held = [one for one in grants if names & set(one.recipients) and now <= close_of(one.valid_until)]
    return frozenset(name for one in held for name in one.data_classes) if held else None


def is_fed(event: Event, lender_id: str) -> bool:
    """Whether *event* has a number in the feed of *lender_id*, given a consent."""
    if lender_view(judged_as(event)) is View.hidden:
        return False
    by_another = event.actor.role is Role.bank_officer and event.actor.org_id != lender_id
    return not (by_another and event.type in _OF_A_BANK)


def fed_view(
    event: Event, lender_id: str, classes: Collection[str], now: datetime, case: Case | None = None
) -> dict[str, Any]:
    """The data of *event* for *lender_id*, which may have *classes*; of a filing *case* tells whether it is public."""
    view = lender_view(judged_as(event))
    if view is View.summary and case is not None and is_published(event, case, now):
        view = View.full
    return within(bank_event(event, view, {lender_id}), event, classes)

"""The events of a case as one lender may read them at one moment, with what was corrected put right.

A fact is shown as far as it is of the types that a dossier cites, visible to a bank at all, not learnt through another
bank, and its class of data is in the consent. What the consent keeps back is counted, to be printed as withheld.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from domain.consents import NEED_DETAIL
from domain.envelope import Event, EventData
from domain.evidence import CITED, dossier_view
from domain.law import View, refuse
from domain.reasons import Wording
from domain.secrecy import ERASED
from domain.state import Case
from domain.statements.brief import Basis, Brief
from domain.statements.vocabulary import says_no_more
from domain.terms import Role
from domain.visibility import told

CONSENTS: Final = frozenset({"CompanyConsentRecorded", "CompanyConsentChanged"})
_NOT_SAID: Final = Wording(
    "(原文は評価にわたる表現を含むため掲載しない)", "(not reproduced: the original wording holds an evaluation)"
)
_ERASED: Final = Wording("(消去済み)", "(erased)")


class Told(NamedTuple):
    """One event as it is to be read: its fact with corrections put in, and all that has to be cited for it."""

    event: Event
    fact: Any
    cites: tuple[Event, ...]
    corrected: bool


class Mark(NamedTuple):
    """What a line is on the first page: `happened`, `missing` or `due`; later ones do not displace a lasting one."""

    place: str
    lasting: bool = False


HAPPENED: Final = Mark("happened")
TROUBLE: Final = Mark("happened", lasting=True)
MISSING: Final = Mark("missing", lasting=True)
DUE: Final = Mark("due", lasting=True)


class Draft(NamedTuple):
    """One line before it has its number."""

    ja: str
    en: str
    basis: Basis
    cites: tuple[Event, ...]
    mark: Mark | None = None
    confirmed_by: str | None = None


def is_shown(event: Event, case: Case, lender_id: str) -> bool:
    """Whether *event* exists for the lender: cited in dossiers, and nothing that only another bank's officer told."""
    if event.type not in CITED or dossier_view(event.type) is View.hidden:
        return False
    if event.actor.role is not Role.bank_officer or event.actor.org_id == lender_id:
        return True
    first = next((one for one in case.referrals if one.home is None), None)
    own = case.referral_of(lender_id)
    return own is None and first is not None and event.actor.org_id in first.banks


@dataclass
class Reading:
    """One brief, read."""

    brief: Brief
    withheld: dict[str, list[Event]] = field(default_factory=dict)
    """What the consent keeps back, by the class of data."""

    @cached_property
    def seen(self) -> tuple[Event, ...]:
        """The events that exist for the lender, in order."""
        case, lender = self.brief.case, self.brief.lender_id
        return tuple(
            event
            for event in (one.event for one in self.brief.exhibits)
            if is_shown(event, case, lender) and self._fits(event)
        )

    def _fits(self, event: Event) -> bool:
        """Of consents only the one that lets the lender read; of corrections those of what it may read."""
        if event.type in CONSENTS:
            return bool(told(event, "consent_id") == self.brief.consent.consent_id)
        if event.type == "VisitReportFiled":
            return self.is_confirmed(told(event, "report_id"))
        if event.type == "CorrectionRecorded":
            return told(event, "corrects_type") in CITED and self._corrected_is_shown(told(event, "corrects_event_id"))
        return True

    def _corrected_is_shown(self, event_id: str) -> bool:
        corrected = next((one.event for one in self.brief.exhibits if one.event.event_id == event_id), None)
        return corrected is not None and is_shown(corrected, self.brief.case, self.brief.lender_id)

    def is_confirmed(self, report_id: str) -> bool:
        """Whether the company has confirmed the visit report (invariant 13)."""
        reports = (one.report for one in self.brief.case.visits.values() if one.report)
        return any(one.report_id == report_id and one.confirmed_at is not None for one in reports)

    @cached_property
    def _corrections(self) -> Mapping[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for event in self.seen:
            if event.type == "CorrectionRecorded":
                found.setdefault(told(event, "corrects_event_id"), []).append(event)
        return found

    def all(self, *types: str) -> list[Told]:
        """The events of *types* that exist for the lender, in order, as corrected."""
        return [self._told(event) for event in self.seen if event.type in types]

    def _told(self, event: Event) -> Told:
        corrections = self._corrections.get(event.event_id, [])
        fact: EventData = event.data
        for one in corrections:
            fact = _put_right(fact, told(one, "right_value"))
        return Told(event, fact, (event, *corrections), bool(corrections))

    @property
    def last(self) -> Event:
        """The last event that exists for the lender; what is said of absence is said as of it."""
        if not self.seen:
            refuse("citation_required", line="D0")
        return self.seen[-1]

    def may(self, one: Told, name: str) -> bool:
        """Whether the field *name* of *one* is within the consent; if not, it is noted as withheld."""
        classes = one.fact.classes()
        kind = classes.get(name) or classes.get(name.partition("/")[0])
        return kind is None or self.allows(kind, one.event)

    def allows(self, kind: str, event: Event) -> bool:
        """Whether the consent covers the class *kind*; if not, *event* is noted as withheld in part."""
        if kind in self.brief.consent.data_classes:
            return True
        held = self.withheld.setdefault(kind, [])
        if event not in held:
            held.append(event)
        return False

    def allows_report(self, event: Event) -> bool:
        """A report as its company confirmed it is a detail of the need: secrets were taken out before."""
        return self.allows(NEED_DETAIL, event)

    def name(self, org_id: str | None) -> str:
        """The name of an organization as of the issue, or its id."""
        return self.brief.names.get(org_id or "", org_id or "-")


def quoted(text: str) -> Wording:
    """Somebody's own words between quotation marks, unless a dossier must not repeat them."""
    text = " ".join(text.split())
    if text == ERASED:
        return _ERASED
    return Wording(f"「{text}」", f"“{text}”") if says_no_more(text) else _NOT_SAID


def plain(text: str) -> Wording:
    """A name of a thing without quotation marks around it."""
    return Wording(text, text) if says_no_more(text) else _NOT_SAID


def joined(parts: Iterable[Wording | None]) -> Wording:
    """Sentences after one another."""
    found = [one for one in parts if one is not None]
    return Wording("".join(one.ja for one in found), " ".join(one.en for one in found))


def _put_right(fact: EventData, right: Any) -> EventData:
    """*fact* with the fields of a correction; one that does not fit is told as a correction only."""
    if not isinstance(right, Mapping) or not right:
        return fact
    try:
        return type(fact).model_validate({**fact.model_dump(by_alias=True), **right})
    except ValidationError:
        return fact

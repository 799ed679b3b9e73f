"""What of a company was shown to whom, and when: the list a company may ask for (invariants 2, 3, 9).

It is made from the events that disclose, so it is as complete and as unchangeable as they are. A consent that is taken
back ends what is shown, not what was.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from domain.calendar import japanese_day
from domain.consents import FIELD_CLASSES, NEED_DETAIL, PUBLIC_SUMMARY, classes_of
from domain.envelope import CENTER, Event
from domain.records import Record
from domain.stages.assignment import AssignmentOffered, ResearcherAssigned
from domain.stages.merging import ReferralAttached
from domain.stages.review import SpecialistConsulted
from domain.state import Case
from domain.terms import Purpose, Role

VISIT_REPORT: Final = "visit_report"
QUESTION: Final = "question"


class Disclosure(Record):
    """One recipient, and what began to be open to it."""

    at: datetime
    to: str
    """The organization, or the expert where no organization is known."""
    person: str | None = None
    data_classes: tuple[str, ...]
    fields: tuple[str, ...] = ()
    """The fields of the need, where only some were shown."""
    purpose: Purpose = Purpose.collaboration
    consent_id: str | None = None
    """The consent in force that allowed it."""
    event_id: str
    event_type: str


def disclosures(steps: Iterable[tuple[Case, Event]]) -> tuple[Disclosure, ...]:
    """What the events of a case disclosed, each given with the state after it, in order."""
    found: list[Disclosure] = []
    for case, event in steps:
        tell = _DISCLOSING.get(event.type)
        if tell is not None:
            found += tell(case, event)
    return tuple(found)


def consent_at(steps: Iterable[tuple[Case, Event]], moment: datetime, role: Role) -> str | None:
    """The consent in force at *moment* under which *role* reads, a lender under one to lending evaluation only."""
    before = [case for case, event in steps if event.recorded_at <= moment]
    found = [
        one
        for one in (before[-1].consents.values() if before else ())
        if (one.withdrawn_at is None or one.withdrawn_at > moment)
        and one.recorded_at <= moment
        and japanese_day(moment) <= one.valid_until
        and (role is not Role.lender_officer or Purpose.lending_evaluation in one.purposes)
    ]
    return found[-1].consent_id if found else None


def _one(case: Case, event: Event, to: str, classes: Iterable[str], **more: object) -> Disclosure:
    consent = next((one for one in reversed(case.consents.values()) if one.withdrawn_at is None), None)
    return Disclosure(
        at=event.recorded_at,
        to=to,
        data_classes=tuple(sorted(classes)),
        consent_id=consent.consent_id if consent else None,
        event_id=event.event_id,
        event_type=event.type,
        **more,
    )


def _referred(case: Case, event: Event) -> Iterable[Disclosure]:
    yield _one(case, event, CENTER, (PUBLIC_SUMMARY, NEED_DETAIL))


def _offered(case: Case, event: Event) -> Iterable[Disclosure]:
    fact = event.data
    assert isinstance(fact, AssignmentOffered)
    fields = tuple(name for name in fact.disclosed_fields if name in FIELD_CLASSES)
    classes = classes_of(fact.disclosed_fields)
    yield _one(case, event, fact.institution_id, classes, person=fact.researcher_id, fields=fields)


def _assigned(case: Case, event: Event) -> Iterable[Disclosure]:
    fact = event.data
    assert isinstance(fact, ResearcherAssigned)
    asked = case.assignments[fact.assignment_id]
    classes = {name for one in case.consents.values() if one.withdrawn_at is None for name in one.data_classes}
    yield _one(case, event, asked.institution_id, classes, person=asked.researcher_id)


def _consulted(case: Case, event: Event) -> Iterable[Disclosure]:
    fact = event.data
    assert isinstance(fact, SpecialistConsulted)
    yield _one(case, event, fact.expert_id or fact.expert_kind, (QUESTION,), person=fact.expert_id)


def _confirmed(case: Case, event: Event) -> Iterable[Disclosure]:
    for one in case.referrals:
        if one.until is None:
            yield _one(case, event, one.bank_id, (VISIT_REPORT,))
    for institution_id in dict.fromkeys(one.institution_id for one in case.assigned):
        yield _one(case, event, institution_id, (VISIT_REPORT,))


def _attached(case: Case, event: Event) -> Iterable[Disclosure]:
    fact = event.data
    assert isinstance(fact, ReferralAttached)
    yield _one(case, event, fact.bank_id, (PUBLIC_SUMMARY,))


_DISCLOSING: Final[Mapping[str, Callable[[Case, Event], Iterable[Disclosure]]]] = {
    "NeedReferred": _referred,
    "AssignmentOffered": _offered,
    "ResearcherAssigned": _assigned,
    "SpecialistConsulted": _consulted,
    "VisitReportConfirmed": _confirmed,
    "ReferralAttached": _attached,
}
"""The events after which somebody may read what they could not read before."""

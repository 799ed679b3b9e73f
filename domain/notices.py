"""Who is told that it is their turn, and of what: a kind and a case, never content (`domain.md` 4a, rule 4; 6d).

A notice leads to the case; what stands there each reader sees through a view of their own. A bank is told only of
what it may see, so that no notice, and no moment of one, tells one bank of another (invariant 24).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from domain.envelope import CENTER, Event
from domain.following import known_as
from domain.law import RULES
from domain.stages.assignment import AssignmentOffered
from domain.stages.correction import BankOfficerAssigned
from domain.stages.decisions import DecisionProposed
from domain.stages.intake import NeedInformationRequested
from domain.stages.review import CoordinatorAssigned
from domain.stages.timing import CaseEscalated, ReminderSent
from domain.state import Case
from domain.terms import Role, Timer
from domain.timers import REPORT
from domain.visibility import bank_view


class NoticeKind(StrEnum):
    """What a notice is about."""

    new_need = "new_need"
    case_assigned = "case_assigned"
    question = "question"
    answer = "answer"
    offer = "offer"
    offer_answered = "offer_answered"
    decision = "decision"
    visit = "visit"
    report = "report"
    agreement = "agreement"
    cancellation = "cancellation"
    consent = "consent"
    case_closed = "case_closed"
    reminder = "reminder"
    escalation = "escalation"
    dossier = "dossier"
    feed_suspended = "feed_suspended"
    feed_recovered = "feed_recovered"
    seed_renewal = "seed_renewal"
    profile_renewal = "profile_renewal"


ELSEWHERE: Final = {
    NoticeKind.dossier: "dossiers",
    NoticeKind.feed_suspended: "feed/endpoints",
    NoticeKind.feed_recovered: "feed/endpoints",
    NoticeKind.seed_renewal: "seeds",
    NoticeKind.profile_renewal: "researchers",
}
"""Where the thing that a notice is about is found, when it is no case."""


class Addressee(NamedTuple):
    """One person, or everybody in one role of one organization."""

    role: Role
    org_id: str | None = None
    person: str | None = None


class Notice(NamedTuple):
    """Something that awaits somebody in a case."""

    kind: NoticeKind
    to: Addressee
    subject: str | None = None
    """The assignment or report that the addressee may answer by a link, without an account."""
    answers: tuple[str, ...] = ()
    """The commands that answer it."""
    case_id: str | None = None
    """The case as the addressee knows it, where that is not the event's."""


_CENTER_ROLES: Final = frozenset({Role.coordinator, Role.senior_coordinator, Role.data_steward})


def notices(case: Case, event: Event) -> tuple[Notice, ...]:
    """Who is told of *event*, after which *case* stands as it does; whoever did it is not told of it."""
    found = _TELLING.get(event.type)
    if found is None:
        return ()
    kind, addressees = found
    told = [one for one in addressees(case, event) if one.person is None or one.person != event.actor.person]
    return tuple(
        Notice(kind, one, *_answering(event, one), case_id=_name(case, one))
        for one in dict.fromkeys(told)
        if _may_know(case, event, one)
    )


def _name(case: Case, to: Addressee) -> str | None:
    """What a bank calls a case to which its referral came by a merge."""
    return known_as(case, to.org_id) if to.role is Role.bank_officer and to.org_id else None


def _may_know(case: Case, event: Event, to: Addressee) -> bool:
    """A bank is told of nothing that it may not see; the center of all."""
    if to.role is not Role.bank_officer:
        return True
    return any(one.bank_id == to.org_id and bank_view(event, one) is not None for one in case.referrals)


def _answering(event: Event, to: Addressee) -> tuple[str | None, tuple[str, ...]]:
    """What *to* may answer by a link, and with which commands."""
    timer, subject = getattr(event.data, "timer", None), str(getattr(event.data, "subject", ""))
    if to.role is Role.researcher and (event.type == "AssignmentOffered" or timer is Timer.offer):
        return subject or str(getattr(event.data, "assignment_id", "")), ("AcceptAssignment", "DeclineAssignment")
    if to.role is Role.company_representative:
        if event.type == "VisitReportFiled":
            return str(getattr(event.data, "report_id", "")), ("ConfirmVisitReport",)
        if timer is Timer.visit_report and subject.startswith(REPORT):
            return subject.removeprefix(REPORT), ("ConfirmVisitReport",)
    return None, ()


def coordinator_of(case: Case) -> Addressee:
    """Whoever is in charge of *case*, or the seniors while nobody is."""
    if case.coordinator_id is None:
        return _seniors()
    return Addressee(Role.coordinator, CENTER, case.coordinator_id)


def _seniors() -> Addressee:
    return Addressee(Role.senior_coordinator, CENTER)


def _company(case: Case) -> Iterable[Addressee]:
    if case.company_id:
        yield Addressee(Role.company_representative, case.company_id)


def _banks(case: Case) -> Iterable[Addressee]:
    for one in case.referrals:
        yield Addressee(Role.bank_officer, one.bank_id, case.officers.get(one.bank_id))


def _researchers(case: Case) -> Iterable[Addressee]:
    for one in case.assigned:
        yield Addressee(Role.researcher, one.institution_id, one.researcher_id)


def _offices(case: Case) -> Iterable[Addressee]:
    known = [one.institution_id for one in case.agreements.values() if one.institution_id and not one.ended]
    for institution_id in dict.fromkeys([*known, *(one.institution_id for one in case.assigned)]):
        yield Addressee(Role.university_liaison, institution_id)


def _in_role(case: Case, event: Event, role: Role) -> Iterable[Addressee]:
    """Everybody who has *role* in *case*."""
    match role:
        case Role.coordinator:
            yield coordinator_of(case)
        case Role.bank_officer:
            yield from _banks(case)
        case Role.company_representative:
            yield from _company(case)
        case Role.researcher:
            asked = case.assignments.get(str(getattr(event.data, "subject", "")))
            if asked:
                yield Addressee(Role.researcher, asked.institution_id, asked.researcher_id)
            else:
                yield from _researchers(case)
        case Role.university_liaison:
            asked = case.assignments.get(str(getattr(event.data, "subject", "")))
            if asked:
                yield Addressee(Role.university_liaison, asked.institution_id)
            else:
                yield from _offices(case)
        case _ if role in _CENTER_ROLES:
            yield Addressee(role, CENTER)


def _by_timer(case: Case, event: Event) -> Iterable[Addressee]:
    assert isinstance(event.data, ReminderSent | CaseEscalated)
    return _in_role(case, event, event.data.to_role)


def _assigned(case: Case, event: Event) -> Iterable[Addressee]:
    assert isinstance(event.data, CoordinatorAssigned)
    yield Addressee(Role.coordinator, CENTER, event.data.coordinator_id)
    if event.data.previous_id:
        yield Addressee(Role.coordinator, CENTER, event.data.previous_id)


def _officer(case: Case, event: Event) -> Iterable[Addressee]:
    assert isinstance(event.data, BankOfficerAssigned)
    yield Addressee(Role.bank_officer, event.actor.org_id, event.data.officer_id)


def _asked(case: Case, event: Event) -> Iterable[Addressee]:
    assert isinstance(event.data, NeedInformationRequested)
    return _in_role(case, event, event.data.from_role)


def _offered(case: Case, event: Event) -> Iterable[Addressee]:
    assert isinstance(event.data, AssignmentOffered)
    yield Addressee(Role.researcher, event.data.institution_id, event.data.researcher_id)
    yield Addressee(Role.university_liaison, event.data.institution_id)


def _to_confirm(case: Case, event: Event) -> Iterable[Addressee]:
    assert isinstance(event.data, DecisionProposed)
    rule = RULES.get(event.data.command)
    roles = (rule.confirmed_by if rule else frozenset()) - {event.actor.role}
    for role in sorted(roles):
        yield from _in_role(case, event, role)


def _other_party(case: Case, event: Event) -> Iterable[Addressee]:
    if event.actor.role is not Role.company_representative:
        yield from _company(case)
    if event.actor.role is not Role.university_liaison:
        yield from _offices(case)


def _visitors(case: Case, event: Event) -> Iterable[Addressee]:
    yield coordinator_of(case)
    yield from _company(case)
    yield from _researchers(case)
    visit = case.visits.get(str(getattr(event.data, "visit_id", "")))
    if visit and visit.bank_attends:
        going = {one.org for one in visit.attendees if one.role == Role.bank_officer}
        yield from (one for one in _banks(case) if not going - {None} or one.org_id in going)


def _everybody(case: Case, event: Event) -> Iterable[Addressee]:
    yield coordinator_of(case)
    yield from _banks(case)
    yield from _company(case)
    yield from _researchers(case)


def _only_coordinator(case: Case, event: Event) -> Iterable[Addressee]:
    yield coordinator_of(case)


def _only_seniors(case: Case, event: Event) -> Iterable[Addressee]:
    if case.coordinator_id is None:
        yield _seniors()


def _only_company(case: Case, event: Event) -> Iterable[Addressee]:
    return _company(case)


_Telling = tuple[NoticeKind, Callable[[Case, Event], Iterable[Addressee]]]
_TELLING: Final[Mapping[str, _Telling]] = {
    "NeedReferred": (NoticeKind.new_need, _only_seniors),
    "CoordinatorAssigned": (NoticeKind.case_assigned, _assigned),
    "BankOfficerAssigned": (NoticeKind.case_assigned, _officer),
    "NeedInformationRequested": (NoticeKind.question, _asked),
    "NeedSupplemented": (NoticeKind.answer, _only_coordinator),
    "AssignmentOffered": (NoticeKind.offer, _offered),
    "AssignmentAccepted": (NoticeKind.offer_answered, _only_coordinator),
    "AssignmentDeclined": (NoticeKind.offer_answered, _only_coordinator),
    "AssignmentExpired": (NoticeKind.offer_answered, _only_coordinator),
    "DecisionProposed": (NoticeKind.decision, _to_confirm),
    "VisitScheduled": (NoticeKind.visit, _visitors),
    "VisitRescheduled": (NoticeKind.visit, _visitors),
    "VisitCancelled": (NoticeKind.visit, _visitors),
    "VisitReportFiled": (NoticeKind.report, _only_company),
    "VisitReportConfirmed": (NoticeKind.report, _only_coordinator),
    "AgreementDrafted": (NoticeKind.agreement, _other_party),
    "AgreementCountered": (NoticeKind.agreement, _other_party),
    "CaseCancellationRequested": (NoticeKind.cancellation, _only_coordinator),
    "CompanyConsentChanged": (NoticeKind.consent, _only_coordinator),
    "CompanyConsentWithdrawn": (NoticeKind.consent, _only_coordinator),
    "CaseClosed": (NoticeKind.case_closed, _everybody),
    "ReminderSent": (NoticeKind.reminder, _by_timer),
    "CaseEscalated": (NoticeKind.escalation, _by_timer),
}
"""What each event tells, and whom."""

ANSWERED_BY: Final = {
    "AcceptAssignment": "assignment_id",
    "DeclineAssignment": "assignment_id",
    "ConfirmVisitReport": "report_id",
}
"""The field that names the subject in each command a link may carry."""

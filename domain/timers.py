"""What a case waits for, whose turn it is, and when the waiting is reminded, escalated or ended (`domain.md` 6d).

`waits` reads the state; `SCHEDULE` is the table of the paper; `deadlines` joins the two. A wait that has no entry
left is silent. Held cases wait for their resumption only.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from domain.calendar import after_business_days, after_days, after_months, close_of
from domain.consents import is_carried
from domain.envelope import CENTER
from domain.records import Record
from domain.state import Agreement, Case, Visit
from domain.terms import (
    RESEARCH_KINDS,
    ROUTES_TO_A_RESEARCHER,
    Disposition,
    Party,
    Purpose,
    Role,
    SearchScope,
    Stage,
    Status,
    Timer,
)

TIMER_EVENTS: Final = frozenset({"ReminderSent", "CaseEscalated"})
"""Events that are no news: they tell that nothing happened."""

FOLLOWED_UP: Final = frozenset(
    {
        Disposition.commercialized,
        Disposition.transferred,
        Disposition.research_completed,
        Disposition.resolved_by_advice,
    }
)
"""Ends after which the company is asked how it went on."""


class Act(StrEnum):
    """What a step of a timer does."""

    remind = "remind"
    escalate = "escalate"
    end = "end"


class Step(NamedTuple):
    """One row of a timer: what happens, how long after (or before) the wait's moment, and to whom it is told."""

    act: Act
    due: Callable[[datetime], datetime]
    to_role: Role


class Deadline(Record):
    """The next thing that falls due on one wait."""

    timer: Timer
    subject: str
    """What is waited for: an assignment, visit, agreement… or the case."""
    since: datetime
    level: int
    act: Act
    to_role: Role
    owner: str
    """The person or role whose turn it is."""
    due_at: datetime


class Waiting(NamedTuple):
    """One open wait of a case."""

    timer: Timer
    subject: str
    since: datetime
    """The moment the steps are counted from."""
    owner: str
    begun: datetime | None = None
    """Where *since* lies ahead: when the wait began; steps before that are skipped."""


def _bd(count: int) -> Callable[[datetime], datetime]:
    return lambda since: after_business_days(since, count)


def _days(count: int) -> Callable[[datetime], datetime]:
    return lambda since: after_days(since, count)


def _months(count: int) -> Callable[[datetime], datetime]:
    return lambda since: after_months(since, count)


def _quarter_and(count: int) -> Callable[[datetime], datetime]:
    return lambda since: after_business_days(after_months(since, 3), count)


def _steps(*rows: tuple[Act, Callable[[datetime], datetime], Role]) -> tuple[Step, ...]:
    return tuple(Step(*row) for row in rows)


_CO, _SC = Role.coordinator, Role.senior_coordinator
_RS, _UL, _CR, _BO = Role.researcher, Role.university_liaison, Role.company_representative, Role.bank_officer

SCHEDULE: Final[dict[Timer, tuple[Step, ...]]] = {
    Timer.acknowledge: _steps((Act.remind, _bd(1), _CO), (Act.escalate, _bd(3), _SC)),
    Timer.review: _steps((Act.remind, _bd(5), _CO), (Act.escalate, _bd(10), _SC)),
    Timer.information: _steps(
        (Act.remind, _bd(5), _BO),
        (Act.remind, _bd(10), _BO),
        (Act.escalate, _bd(15), _CO),
        (Act.end, _bd(30), _CO),
    ),
    Timer.consent_end: _steps(
        (Act.remind, _days(-60), _CR),
        (Act.remind, _days(-30), _CR),
        (Act.escalate, _days(-7), _CO),
        (Act.end, _days(0), _CO),
    ),
    Timer.duplicate: _steps((Act.remind, _bd(3), _CO), (Act.escalate, _bd(5), _SC)),
    Timer.offer: _steps((Act.remind, _bd(5), _RS), (Act.end, _bd(10), _CO)),
    Timer.conflict: _steps((Act.remind, _bd(5), _UL), (Act.escalate, _bd(10), _UL)),
    Timer.search_regional: _steps((Act.escalate, _bd(15), _CO)),
    Timer.search_national: _steps((Act.escalate, _bd(30), _CO)),
    Timer.visit_date: _steps((Act.remind, _bd(10), _CO), (Act.escalate, _bd(20), _SC)),
    Timer.visit: _steps((Act.remind, _bd(-5), _CO), (Act.remind, _bd(-1), _CO), (Act.escalate, _bd(3), _CO)),
    Timer.visit_report: _steps((Act.remind, _bd(5), _CO), (Act.escalate, _bd(10), _SC)),
    Timer.next_step: _steps((Act.remind, _bd(10), _CO), (Act.escalate, _bd(20), _SC), (Act.escalate, _bd(60), _SC)),
    Timer.agreement: _steps((Act.remind, _bd(20), _UL), (Act.escalate, _bd(40), _CO)),
    Timer.agreement_end: _steps(
        (Act.remind, _days(-90), _UL),
        (Act.remind, _days(-60), _UL),
        (Act.remind, _days(-30), _UL),
        (Act.escalate, _days(-14), _CO),
        (Act.end, _days(0), _UL),
    ),
    Timer.milestone: _steps((Act.remind, _bd(-10), _RS), (Act.remind, _bd(0), _RS), (Act.end, _bd(15), _RS)),
    Timer.progress: _steps(
        (Act.remind, _months(3), _RS), (Act.remind, _quarter_and(10), _RS), (Act.escalate, _quarter_and(20), _CO)
    ),
    Timer.publication: _steps((Act.remind, _bd(10), _CR), (Act.escalate, _bd(20), _UL)),
    Timer.ownership: _steps((Act.remind, _bd(20), _UL), (Act.escalate, _bd(40), _UL)),
    Timer.silence: _steps(
        (Act.remind, _days(30), _CO),
        *((Act.remind, _days(count), _CO) for count in (32, 34, 36, 38)),
        (Act.escalate, _days(40), _SC),
        *((Act.remind, _days(count), _CO) for count in range(60, 3651, 30)),
    ),
    Timer.held: _steps(
        *((Act.remind, _months(count), _CO) for count in range(1, 6)),
        (Act.escalate, _months(6), _SC),
        *((Act.remind, _months(count), _CO) for count in range(7, 12)),
        *((Act.escalate, _months(count), _SC) for count in range(12, 121, 12)),
    ),
    Timer.follow_up: _steps(*((Act.remind, _months(count), _CR) for count in (6, 12, 24, 36))),
}
"""The defaults of `domain.md` section 6d."""


DECLINED: Final = "~declined"
"""The subject of the wait for advice after a need was declined; no id begins like this."""
NOBODY: Final = "~nobody"
"""The subject of the wait after a search found nobody."""
WIND_DOWN: Final = "~wind_down"
"""The subject of the wait after the consent was withdrawn."""
OPEN: Final = "~open"
"""The subject of the wait for a search, after a triage that leads to a researcher."""
IDLE: Final = "~idle"
"""The subject of the wait of a case in which nothing else falls due: no open case is without a deadline."""
REPORT: Final = "~report:"
TOTAL: Final = "~total:"
YES: Final = "~yes:"
"""Before the id of a request which the researcher accepted and which is not complete yet."""
DECISION: Final = "~decision:"
CANCELLATION: Final = "~cancellation:"
ERASURE: Final = "~erasure:"
_CLOSING: Final = _steps((Act.end, _bd(3), _CO))
_SPECIAL: Final[dict[str, tuple[Step, ...]]] = {
    DECLINED: _CLOSING,
    NOBODY: _CLOSING,
    WIND_DOWN: _steps((Act.end, _bd(20), _CO)),
    REPORT: _steps((Act.remind, _bd(5), _CR), (Act.escalate, _bd(10), _CO)),
    TOTAL: _steps((Act.escalate, _days(180), _CO), (Act.escalate, _days(365), _SC)),
    YES: _steps((Act.remind, _bd(5), _UL), (Act.escalate, _bd(10), _CO)),
    DECISION: _steps((Act.remind, _bd(5), _SC), (Act.escalate, _bd(10), _SC)),
    ERASURE: _steps((Act.remind, _bd(5), Role.data_steward), (Act.escalate, _bd(10), Role.data_steward)),
    IDLE: _steps(
        (Act.remind, _bd(10), _CO),
        (Act.escalate, _bd(20), _SC),
        *((Act.escalate, _bd(count), _SC) for count in range(60, 2401, 60)),
    ),
}
"""Steps of waits that differ from their timer's usual ones, by subject or its first word."""


def steps_of(wait: Waiting) -> tuple[Step, ...]:
    """The steps of *wait*."""
    first = wait.subject.split(":")[0] + ":" if ":" in wait.subject else wait.subject
    return _SPECIAL.get(first, SCHEDULE[wait.timer])


def wait_key(timer: str, subject: str) -> str:
    """The key under which the state counts the steps of a wait."""
    return f"{timer}:{subject}"


def waits(case: Case) -> Iterable[Waiting]:
    """Everything *case* waits for now."""
    if case.status is Status.closed:
        yield from _after_the_end(case)
        yield from _erasures(case)
    elif case.status is Status.held and case.held_since:
        yield _held(case, case.held_since)
        yield from _erasures(case)
    else:
        yield from _undecided(case)
        yield from _intake_and_review(case)
        yield from _search(case)
        yield from _visits(case)
        yield from _agreements(case)
        yield from _research(case)
        yield from _whole_case(case)


def _undecided(case: Case) -> Iterable[Waiting]:
    """What somebody asked for and another person is to decide."""
    for proposal in case.proposals.values():
        yield Waiting(Timer.review, f"{DECISION}{proposal.proposal_id}", proposal.proposed_at, str(_SC))
    for one in case.cancellations:
        yield Waiting(Timer.acknowledge, f"{CANCELLATION}{one.org_id}", one.at, case.coordinator_id or _CO)
    yield from _erasures(case)


def _erasures(case: Case) -> Iterable[Waiting]:
    for asked in case.erasures.values():
        if asked.decision is None:
            yield Waiting(Timer.acknowledge, f"{ERASURE}{asked.erasure_id}", asked.at, str(Role.data_steward))


def _held(case: Case, since: datetime) -> Waiting:
    owner = case.coordinator_id or _CO
    withdrawn = any(one.withdrawn_at for one in case.consents.values())
    if withdrawn and not is_carried(case, since):
        return Waiting(Timer.held, WIND_DOWN, since, owner)
    return Waiting(Timer.held, "case", since, owner)


def _after_the_end(case: Case) -> Iterable[Waiting]:
    if case.closed_at and case.disposition in FOLLOWED_UP:
        yield Waiting(Timer.follow_up, "case", case.closed_at, case.company_id or _CR)


def _intake_and_review(case: Case) -> Iterable[Waiting]:
    owner = case.coordinator_id or _CO
    if case.coordinator_id is None:
        yield Waiting(Timer.acknowledge, "case", case.opened_at, _CO)
    for other, suspicion in case.duplicates.items():
        yield Waiting(Timer.duplicate, other, suspicion.since, owner)
    if case.information:
        yield Waiting(Timer.information, "case", case.information.asked_at, _BO)
    if case.declined_at:
        yield Waiting(Timer.next_step, DECLINED, case.declined_at, owner)
    elif case.review_started_at and case.triage is None:
        yield Waiting(Timer.review, "case", case.review_started_at, owner)


def _search(case: Case) -> Iterable[Waiting]:
    owner = case.coordinator_id or _CO
    search = case.search
    routed = case.triage is not None and case.triage.route in ROUTES_TO_A_RESEARCHER
    if routed and case.triage and not case.searches and not case.assignments:
        yield Waiting(Timer.search_regional, OPEN, case.triage.decided_at, owner)
    if search and not search.concluded and case.stage is Stage.assignment:
        regional = search.scope is SearchScope.regional
        timer = Timer.search_regional if regional else Timer.search_national
        yield Waiting(timer, search.search_id, max(search.opened_at, case.stage_since), owner)
    if search and search.concluded:
        yield Waiting(Timer.search_national, NOBODY, search.opened_at, owner)
    for one in case.assignments.values():
        if one.is_pending and Party.researcher not in one.yes:
            yield Waiting(Timer.offer, one.assignment_id, one.offered_at, one.researcher_id)
        undecided = one.declared_at is not None and one.conflict is None
        if one.is_pending and Party.researcher in one.yes and not undecided:
            since = one.accepted_at or one.offered_at
            yield Waiting(Timer.conflict, f"{YES}{one.assignment_id}", since, one.institution_id)
        if one.is_active and one.declared_at and undecided:
            yield Waiting(Timer.conflict, one.assignment_id, one.declared_at, one.institution_id)


def _visits(case: Case) -> Iterable[Waiting]:
    owner = case.coordinator_id or _CO
    planned = any(one.held_at is None and not one.cancelled for one in case.visits.values())
    assigned = [one.assigned_at for one in case.leads if one.assigned_at]
    if case.stage is Stage.visit and assigned and not planned and not case.consultations:
        later = [one.held_at for one in case.visits.values() if one.held_at and one.held_at >= max(assigned)]
        if not later:
            yield Waiting(Timer.visit_date, "case", max(*assigned, case.stage_since), owner)
    for visit in case.visits.values():
        yield from _visit(case, visit, owner)


def _visit(case: Case, visit: Visit, owner: str) -> Iterable[Waiting]:
    if visit.cancelled:
        return
    if visit.held_at is None:
        yield Waiting(Timer.visit, visit.visit_id, visit.at, owner, visit.scheduled_at)
    elif visit.report is None:
        yield Waiting(Timer.visit_report, visit.visit_id, visit.held_at, owner)
    elif visit.report.confirmed_at is None:
        subject = f"{REPORT}{visit.report.report_id}"
        yield Waiting(Timer.visit_report, subject, visit.report.filed_at, case.company_id or _CR)
    elif case.stage is Stage.visit and visit is list(case.visits.values())[-1]:
        since = max(visit.report.confirmed_at, case.stage_since)
        yield Waiting(Timer.next_step, visit.report.report_id, since, owner)


def _agreements(case: Case) -> Iterable[Waiting]:
    for one in case.agreements.values():
        owner = one.institution_id or _UL
        if one.is_negotiated:
            yield Waiting(Timer.agreement, one.agreement_id, one.active_at, owner)
            yield Waiting(Timer.agreement, f"{TOTAL}{one.agreement_id}", one.drafted_at, owner)
        elif _is_running(one):
            assert one.ends_on is not None
            yield Waiting(Timer.agreement_end, one.agreement_id, close_of(one.ends_on), owner, one.active_at)


def _is_running(one: Agreement) -> bool:
    return one.ends_on is not None and not one.ended and (one.kind in RESEARCH_KINDS or one.research is None)


def _research(case: Case) -> Iterable[Waiting]:
    leads = [one.researcher_id for one in case.leads]
    owner = leads[0] if leads else str(_RS)
    for running in case.consultations.values():
        if running.outcome is None:
            yield Waiting(Timer.progress, running.consultation_id, running.started_at, owner)
    for one in case.agreements.values():
        if one.research == "started" and not one.ended and one.progress_at:
            yield Waiting(Timer.progress, one.agreement_id, one.progress_at, owner)
    for milestone in case.milestones.values():
        if milestone.result is None:
            due = close_of(milestone.due_on)
            yield Waiting(Timer.milestone, milestone.milestone_id, due, owner, milestone.planned_at)
    for invention in case.inventions.values():
        if invention.owner is None:
            yield Waiting(Timer.ownership, invention.invention_id, invention.disclosed_at, str(_UL))
    for publication in case.publications.values():
        if not publication.cleared:
            yield Waiting(Timer.publication, publication.publication_id, publication.requested_at, str(_CR))


def _whole_case(case: Case) -> Iterable[Waiting]:
    carrying = [
        one
        for one in case.consents.values()
        if one.withdrawn_at is None and Purpose.collaboration in one.purposes and CENTER in one.recipients
    ]
    consent = max(carrying, key=lambda one: one.valid_until, default=None)
    if consent:
        ends = close_of(consent.valid_until)
        yield Waiting(Timer.consent_end, consent.consent_id, ends, case.company_id or _CR, consent.recorded_at)
    if any(one.until is None for one in case.referrals):
        yield Waiting(Timer.silence, "case", case.news_at, case.coordinator_id or _CO)


def _next(case: Case, wait: Waiting) -> Deadline | None:
    steps = steps_of(wait)
    last = _due(case, wait, steps[-1]) if wait.timer is Timer.offer else None
    key = wait_key(wait.timer, wait.subject)
    seen = case.waits.get(key)
    level = seen.level if seen and seen.since == wait.since else 0
    while level < len(steps):
        step = steps[level]
        due_at = _due(case, wait, step)
        longer = case.extensions.get(key)
        if longer and longer.since == wait.since:
            due_at += longer.by
        level += 1
        if level < len(steps) and ((wait.begun and due_at <= wait.begun) or (last and due_at > last)):
            continue
        return Deadline(
            timer=wait.timer,
            subject=wait.subject,
            since=wait.since,
            level=level,
            act=step.act,
            to_role=_to_role(case, wait, step),
            owner=wait.owner,
            due_at=due_at,
        )
    return None


def _due(case: Case, wait: Waiting, step: Step) -> datetime:
    if wait.begun:
        return step.due(wait.since)
    parts = (end - max(start, wait.since) for start, end in case.pauses if end > wait.since)
    held = sum(parts, timedelta())
    if wait.timer is Timer.offer and step.act is Act.end:
        respond_by = case.assignments[wait.subject].respond_by
        if respond_by:
            return close_of(respond_by) + held
    return step.due(wait.since + held)


def _to_role(case: Case, wait: Waiting, step: Step) -> Role:
    """Whom a step tells: a question reminds whoever was asked."""
    if wait.timer is Timer.information and step.act is Act.remind and case.information:
        return case.information.from_role
    return step.to_role


def deadlines(case: Case) -> tuple[Deadline, ...]:
    """The next step of every wait of *case*, earliest first; an open case has one at least."""
    found = [one for one in (_next(case, wait) for wait in waits(case)) if one]
    if case.is_open and all(one.timer is Timer.consent_end for one in found):
        since = max(case.stage_since, case.news_at, case.held_since or case.opened_at)
        idle = _next(case, Waiting(Timer.next_step, IDLE, since, case.coordinator_id or _CO))
        found += [idle] if idle else []
    return tuple(sorted(found, key=lambda one: (one.due_at, one.timer, one.subject)))


def first_due(case: Case, now: datetime) -> Deadline | None:
    """The earliest deadline that has passed at *now*, if any."""
    for deadline in deadlines(case):
        return deadline if deadline.due_at <= now else None
    return None

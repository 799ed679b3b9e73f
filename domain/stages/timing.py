"""What a timer does when it falls due: remind, escalate, or end the wait (`domain.md` section 6d)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from domain.envelope import SYSTEM, Command, CommandData, Event, EventData, made_id
from domain.law import Ask, View, decides, evolves
from domain.records import Instant, Line
from domain.stages.agreement import AgreementExpired
from domain.stages.assignment import AssignmentExpired
from domain.stages.closing import CaseClosed, CaseHeld, open_work
from domain.stages.research import MilestoneMissed
from domain.state import Case, Wait
from domain.terms import Disposition, Role, Timer
from domain.timers import Act, Deadline, deadlines, wait_key


class ReminderSent(EventData):
    """Somebody was reminded that it is their turn."""

    timer: Timer
    to_role: Role
    level: int
    subject: Line
    since: Instant


class CaseEscalated(EventData):
    """Somebody higher was told that it waits too long."""

    timer: Timer
    to_role: Role
    level: int
    subject: Line
    since: Instant


class FallDue(CommandData):
    """The clock's command: one step of one wait has fallen due."""

    example: ClassVar[Mapping[str, Any]] = {
        "timer": "offer",
        "subject": "a1",
        "since": "2026-04-12T00:00:00Z",
        "level": 1,
    }
    timer: Timer
    subject: Line
    since: Instant
    level: int


def due_command(case: Case, deadline: Deadline) -> Command:
    """The command for *deadline*; the same step always has the same command id."""
    data = FallDue(timer=deadline.timer, subject=deadline.subject, since=deadline.since, level=deadline.level)
    key = f"{case.case_id}:{deadline.timer}:{deadline.subject}:{deadline.since.isoformat()}:{deadline.level}"
    return Command(command_id=made_id("due", key), case_id=case.case_id, name="FallDue", data=data, actor=SYSTEM)


def _expired_close(case: Case, deadline: Deadline) -> EventData:
    if open_work(case):
        return _told(CaseEscalated, deadline)
    return CaseClosed(disposition=Disposition.expired)


def _closed_as(disposition: Disposition) -> Callable[[Case, Deadline], EventData]:
    return lambda case, deadline: CaseClosed(disposition=disposition)


ENDS: Final[Mapping[Timer, Callable[[Case, Deadline], EventData]]] = {
    Timer.offer: lambda case, deadline: AssignmentExpired(assignment_id=deadline.subject),
    Timer.information: _expired_close,
    Timer.next_step: _closed_as(Disposition.declined),
    Timer.search_national: _closed_as(Disposition.no_researcher),
    Timer.held: _closed_as(Disposition.consent_withdrawn),
    Timer.consent_end: lambda case, deadline: CaseHeld(),
    Timer.agreement_end: lambda case, deadline: AgreementExpired(agreement_id=deadline.subject),
    Timer.milestone: lambda case, deadline: MilestoneMissed(milestone_id=deadline.subject),
}
"""What ends a wait by itself."""


@decides(FallDue, by={Role.system}, when_closed=True, without_consent=True)
def fall_due(case: Case, data: FallDue, ask: Ask) -> Iterable[EventData]:
    """The step's fact, if it is still the next one of its wait and its time has come; otherwise nothing."""
    for one in deadlines(case):
        same = (one.timer, one.subject, one.since, one.level) == (data.timer, data.subject, data.since, data.level)
        if same and one.due_at <= ask.now:
            return [_fact(case, one)]
    return []


def _fact(case: Case, one: Deadline) -> EventData:
    if one.act is Act.end:
        return ENDS[one.timer](case, one)
    return _told(ReminderSent if one.act is Act.remind else CaseEscalated, one)


def _told(kind: type[ReminderSent | CaseEscalated], one: Deadline) -> EventData:
    return kind(timer=one.timer, to_role=one.to_role, level=one.level, subject=one.subject, since=one.since)


def _counted(case: Case, fact: ReminderSent | CaseEscalated) -> Case:
    key = wait_key(fact.timer, fact.subject)
    return case.but(waits={**case.waits, key: Wait(since=fact.since, level=fact.level)})


@evolves(ReminderSent, bank=View.summary)
def reminder_sent(case: Case, fact: ReminderSent, event: Event) -> Case:
    """The wait is one step further."""
    return _counted(case, fact)


@evolves(CaseEscalated, bank=View.summary)
def case_escalated(case: Case, fact: CaseEscalated, event: Event) -> Case:
    """The wait is one step further."""
    return _counted(case, fact)

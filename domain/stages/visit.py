"""S4 visit 企業訪問: coordinator and researcher go together; the company confirms the report (invariants 12, 13)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field

from domain.calendar import japanese_day
from domain.consents import TRADE_SECRET, active_consent, require_recipient
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Instant, Key, Line, Record, Text, Trl
from domain.state import Attendee, Case, Visit, VisitReport, changed
from domain.terms import Feasibility, Role


class Participant(Record):
    """Who takes part, by role and organization."""

    role: Role
    org: Key | None = None
    person: Key | None = None


def _participant(value: Any) -> Any:
    return {"role": value} if isinstance(value, str) else value


Participants = Annotated[tuple[Annotated[Participant, BeforeValidator(_participant)], ...], Field(max_length=30)]


class VisitScheduled(EventData):
    """The day of the visit is fixed."""

    visit_id: Key
    at: Instant
    place: Line | None = None
    attendees: tuple[Participant, ...]
    bank_attends: bool = False
    shows_trade_secrets: bool = False


class VisitRescheduled(EventData):
    """The visit moves to another time."""

    visit_id: Key
    new_at: Instant


class VisitCancelled(EventData):
    """The visit will not take place."""

    visit_id: Key
    cancelled_by: Role


class VisitHeld(EventData):
    """The visit took place."""

    happens: ClassVar[str] = "at"
    visit_id: Key
    at: Instant
    attended: tuple[Participant, ...]
    absent: tuple[Participant, ...] = ()


class VisitReportFiled(EventData):
    """The visitors wrote down what they found."""

    carries: ClassVar[Mapping[str, str]] = {"findings": TRADE_SECRET, "proposed_step": TRADE_SECRET}
    report_id: Key
    visit_id: Key
    version: int
    findings: Text
    feasibility: Feasibility
    proposed_step: Line | None = None
    trl_seen: Trl | None = None


class VisitReportConfirmed(EventData):
    """The company confirmed the report, with what it wants hidden."""

    carries: ClassVar[Mapping[str, str]] = {"redactions": TRADE_SECRET}
    report_id: Key
    version: int
    redactions: tuple[Text, ...] = ()


class ScheduleVisit(CommandData):
    """Fix the day of a joint visit."""

    creates: ClassVar[Mapping[str, str]] = {"visit_id": "visit"}
    example: ClassVar[Mapping[str, Any]] = {
        "at": "2026-05-01T04:00:00Z",
        "place": "有明陶業 本社工場",
        "attendees": [{"role": "coordinator", "org": "center"}, {"role": "researcher", "org": "kyudai"}],
        "bank_attends": True,
    }
    visit_id: Key | None = None
    at: Instant
    place: Line | None = None
    attendees: Participants = ()
    bank_attends: bool = False
    shows_trade_secrets: bool | None = None


class RescheduleVisit(CommandData):
    """Move a visit to another time."""

    example: ClassVar[Mapping[str, Any]] = {"new_at": "2026-05-08T04:00:00Z"}
    visit_id: Key | None = None
    new_at: Instant = Field(validation_alias=AliasChoices("new_at", "at"))


class CancelVisit(CommandData):
    """Call a visit off."""

    example: ClassVar[Mapping[str, Any]] = {}
    visit_id: Key | None = None


class RecordVisitHeld(CommandData):
    """Record that the visit took place and who was there."""

    example: ClassVar[Mapping[str, Any]] = {}
    visit_id: Key | None = None
    at: Instant | None = None
    attended: Participants = ()
    absent: Participants = ()


class FileVisitReport(CommandData):
    """File the visit report, or a newer version of it."""

    creates: ClassVar[Mapping[str, str]] = {"report_id": "report"}
    example: ClassVar[Mapping[str, Any]] = {
        "findings": "電気窯の温度分布は均一で、焼結試験に使える。",
        "feasibility": "feasible_with_conditions",
        "proposed_step": "学術指導による予備試験",
        "trl_seen": 2,
    }
    report_id: Key | None = None
    visit_id: Key | None = None
    findings: Text
    feasibility: Feasibility
    proposed_step: Line | None = None
    trl_seen: Trl | None = None


class ConfirmVisitReport(CommandData):
    """Confirm the report for the company; passages named in `redactions` stay hidden from others."""

    example: ClassVar[Mapping[str, Any]] = {"redactions": ["釉薬の配合"]}
    report_id: Key | None = None
    version: int | None = None
    redactions: tuple[Text, ...] = Field((), max_length=100)


def _visit(case: Case, visit_id: str | None) -> Visit:
    visit = case.visits.get(visit_id) if visit_id else next(reversed(case.visits.values()), None)
    if visit is None:
        refuse("invalid_field", "/data/visit_id", problem="there is no such visit")
    return visit


def _planned(case: Case, visit_id: str | None) -> Visit:
    visit = _visit(case, visit_id)
    require(visit.held_at is None, "already_done", "/data/visit_id", fact=f"{visit.visit_id}: VisitHeld")
    require(not visit.cancelled, "already_done", "/data/visit_id", fact=f"{visit.visit_id}: VisitCancelled")
    return visit


_COORDINATORS = frozenset({Role.coordinator, Role.senior_coordinator})


def _require_joint(case: Case, going: Iterable[Participant], pointer: str) -> None:
    """A coordinator and a researcher of the case go together (invariant 12)."""
    going = list(going)
    coordinated = any(one.role in _COORDINATORS for one in going)
    require(coordinated, "joint_visit_required", pointer, fact="coordinator")
    researchers = [one for one in going if one.role is Role.researcher]
    require(researchers, "joint_visit_required", pointer, fact="researcher")
    known = [one for one in case.assignments.values() if one.assigned_at]
    assigned = any(
        goes.person in (None, one.researcher_id) and goes.org in (None, one.institution_id)
        for goes in researchers
        for one in known
    )
    require(assigned, "joint_visit_required", pointer, fact="ResearcherAssigned")


def _require_recipients(case: Case, going: Iterable[Participant], ask: Ask) -> None:
    """What is shown at the company goes to the institutions whose researchers come (invariants 2, 12)."""
    known = ask.directory.organizations
    own = {one.institution_id for one in case.assigned}
    for one in going:
        named = {one.org} if one.org else own
        for institution in (known[org] for org in named if one.role is Role.researcher and org in known):
            require_recipient(case, institution, ask.now, "/data/attendees")


@decides(ScheduleVisit, by={Role.coordinator}, coordinated=True)
def schedule_visit(case: Case, data: ScheduleVisit, ask: Ask) -> Iterable[EventData]:
    """A joint visit, with secrets protected first (invariant 12)."""
    if case.need is not None:
        require(any(case.assigned), "joint_visit_required", fact="ResearcherAssigned")
        _require_joint(case, data.attendees, "/data/attendees")
        _require_recipients(case, data.attendees, ask)
    consent = active_consent(case, ask.now)
    secrets = data.shows_trade_secrets
    if secrets is None:
        secrets = consent is not None and TRADE_SECRET in consent.data_classes
    if secrets:
        _require_nda(case, data.at, "/data/at")
    visit_id = data.visit_id or ask.new_id("visit")
    require(visit_id not in case.visits, "already_done", "/data/visit_id", fact=visit_id)
    return [
        VisitScheduled(
            visit_id=visit_id,
            at=data.at,
            place=data.place,
            attendees=data.attendees,
            bank_attends=data.bank_attends,
            shows_trade_secrets=bool(secrets),
        )
    ]


def _require_nda(case: Case, at: datetime, pointer: str) -> None:
    require(case.nda_until and case.nda_until >= japanese_day(at), "nda_required", pointer)


@decides(RescheduleVisit, by={Role.coordinator, Role.company_representative, Role.researcher})
def reschedule_visit(case: Case, data: RescheduleVisit, ask: Ask) -> Iterable[EventData]:
    """A visit that has not been held may move."""
    visit = _planned(case, data.visit_id)
    if visit.shows_trade_secrets:
        _require_nda(case, data.new_at, "/data/new_at")
    return [VisitRescheduled(visit_id=visit.visit_id, new_at=data.new_at)]


@decides(CancelVisit, by={Role.coordinator, Role.company_representative, Role.researcher}, reason=True)
def cancel_visit(case: Case, data: CancelVisit, ask: Ask) -> Iterable[EventData]:
    """A visit that has not been held may be called off, with a reason."""
    visit = _planned(case, data.visit_id)
    return [VisitCancelled(visit_id=visit.visit_id, cancelled_by=ask.actor.role)]


@decides(RecordVisitHeld, by={Role.coordinator}, coordinated=True)
def record_visit_held(case: Case, data: RecordVisitHeld, ask: Ask) -> Iterable[EventData]:
    """What lies ahead has not been held (invariant 13)."""
    visit = _planned(case, data.visit_id)
    at = data.at or ask.command.occurred_at or visit.at
    require(at <= ask.now, "not_yet_happened", "/data/at", at=at.isoformat())
    attended = data.attended or tuple(Participant(**one.model_dump()) for one in visit.attendees)
    if case.need is not None:
        require(any(case.assigned), "joint_visit_required", fact="ResearcherAssigned")
        _require_joint(case, attended, "/data/attended")
    return [VisitHeld(visit_id=visit.visit_id, at=at, attended=attended, absent=data.absent)]


@decides(FileVisitReport, by={Role.coordinator, Role.researcher})
def file_visit_report(case: Case, data: FileVisitReport, ask: Ask) -> Iterable[EventData]:
    """A report belongs to a visit that was held."""
    visit = _visit(case, data.visit_id)
    if visit.held_at is None:
        refuse("not_yet_happened", "/data/visit_id", at=visit.at.isoformat())
    old = visit.report
    if old is not None and old.confirmed_at is not None:
        refuse("already_done", "/data/report_id", fact=f"{old.report_id}: VisitReportConfirmed")
    report_id = data.report_id or (old.report_id if old else ask.new_id("report"))
    return [
        VisitReportFiled(
            report_id=report_id,
            visit_id=visit.visit_id,
            version=old.version + 1 if old else 1,
            findings=data.findings,
            feasibility=data.feasibility,
            proposed_step=data.proposed_step,
            trl_seen=data.trl_seen,
        )
    ]


@decides(ConfirmVisitReport, by={Role.company_representative})
def confirm_visit_report(case: Case, data: ConfirmVisitReport, ask: Ask) -> Iterable[EventData]:
    """The company confirms the version it has read."""
    reports = [one.report for one in case.visits.values() if one.report]
    if data.report_id:
        reports = [one for one in reports if one.report_id == data.report_id]
    waiting = [one for one in reports if one.confirmed_at is None]
    if not reports:
        refuse("invalid_field", "/data/report_id", problem="there is no such report")
    require(waiting, "already_done", "/data/report_id", fact=reports[-1].report_id)
    report = waiting[0]
    current = data.version in (None, report.version)
    require(current, "invalid_field", "/data/version", problem=f"the report is at version {report.version}")
    return [VisitReportConfirmed(report_id=report.report_id, version=report.version, redactions=data.redactions)]


def _attendees(people: Iterable[Participant]) -> tuple[Attendee, ...]:
    return tuple(Attendee(**one.model_dump()) for one in people)


@evolves(VisitScheduled, bank=View.full)
def visit_scheduled(case: Case, fact: VisitScheduled, event: Event) -> Case:
    """A visit lies ahead."""
    visit = Visit(
        visit_id=fact.visit_id,
        at=fact.at,
        place=fact.place,
        attendees=_attendees(fact.attendees),
        bank_attends=fact.bank_attends,
        scheduled_at=event.recorded_at,
        shows_trade_secrets=fact.shows_trade_secrets,
    )
    return case.with_("visits", fact.visit_id, visit)


@evolves(VisitRescheduled, bank=View.full)
def visit_rescheduled(case: Case, fact: VisitRescheduled, event: Event) -> Case:
    """The visit has a new time."""
    return case.with_("visits", fact.visit_id, _moved(case.visits[fact.visit_id], fact, event))


def _moved(visit: Visit, fact: VisitRescheduled, event: Event) -> Visit:
    return visit.model_copy(update={"at": fact.new_at, "scheduled_at": event.recorded_at})


@evolves(VisitCancelled, bank=View.full)
def visit_cancelled(case: Case, fact: VisitCancelled, event: Event) -> Case:
    """The visit is off."""
    return case.with_("visits", fact.visit_id, changed(case.visits[fact.visit_id], cancelled=True))


@evolves(VisitHeld, bank=View.full)
def visit_held(case: Case, fact: VisitHeld, event: Event) -> Case:
    """The visit is done; its report is awaited."""
    visit = changed(
        case.visits[fact.visit_id],
        held_at=event.recorded_at,
        at=fact.at,
        attended=_attendees(fact.attended),
        absent=_attendees(fact.absent),
    )
    return case.with_("visits", fact.visit_id, visit)


@evolves(VisitReportFiled, bank=View.summary)
def visit_report_filed(case: Case, fact: VisitReportFiled, event: Event) -> Case:
    """The report awaits the company."""
    report = VisitReport(
        filed_at=event.recorded_at, filed_by=event.actor.person, **fact.model_dump(exclude={"visit_id"})
    )
    return case.with_("visits", fact.visit_id, changed(case.visits[fact.visit_id], report=report))


@evolves(VisitReportConfirmed, bank=View.full)
def visit_report_confirmed(case: Case, fact: VisitReportConfirmed, event: Event) -> Case:
    """Others may read the report as redacted."""
    visit = next(one for one in case.visits.values() if one.report and one.report.report_id == fact.report_id)
    report = changed(visit.report, confirmed_at=event.recorded_at, redactions=fact.redactions)
    return case.with_("visits", visit.visit_id, changed(visit, report=report))


REDACTED = "■■■"


def redacted(findings: str, redactions: Iterable[str]) -> str:
    """*findings* without the passages of *redactions*; what cannot be found in the text hides all of it."""
    for passage in redactions:
        if passage not in findings:
            return REDACTED
        findings = findings.replace(passage, REDACTED)
    return findings

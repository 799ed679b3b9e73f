"""Holding, closing, reopening, notes and follow-up: what may happen at any stage (invariants 22, 23)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from domain.calendar import after_months
from domain.consents import NEED_DETAIL
from domain.dispositions import FOUNDATIONS, RECALLED
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, Day, Key, Text
from domain.state import Case, changed
from domain.terms import AssignmentState, Band, Disposition, Role, Status

REOPEN_MONTHS: Final = 36


class CaseHeld(EventData):
    """The case waits; its timers pause."""

    until: Day | None = None


class CaseResumed(EventData):
    """The case goes on."""


class CaseClosed(EventData):
    """The case ended, with an explicit disposition."""

    carries: ClassVar[Mapping[str, str]] = {"outcome_summary": NEED_DETAIL}
    disposition: Disposition
    outcome_summary: Text | None = None


class CaseReopened(EventData):
    """A closed case goes on."""

    separated_from: Key | None = None
    """The case it had been merged into by mistake."""


class NoteRecorded(EventData):
    """Somebody wrote a note for the center."""

    carries: ClassVar[Mapping[str, str]] = {"text": NEED_DETAIL}
    text: Text
    note_class: Code = Field("internal", alias="class")


class FollowUpRecorded(EventData):
    """What became of it afterwards, as reported."""

    carries: ClassVar[Mapping[str, str]] = {"jobs": NEED_DETAIL, "sales_band": NEED_DETAIL, "continued": NEED_DETAIL}
    jobs: int | None = None
    sales_band: Band | None = None
    continued: bool | None = None


class HoldCase(CommandData):
    """Hold the case, with a reason."""

    example: ClassVar[Mapping[str, Any]] = {"until": "2026-09-30"}
    until: Day | None = None


class ResumeCase(CommandData):
    """Go on with a held case."""

    example: ClassVar[Mapping[str, Any]] = {}


class CloseCase(CommandData):
    """Close the case, with a disposition that the facts support."""

    example: ClassVar[Mapping[str, Any]] = {"disposition": "transferred", "outcome_summary": "独占的実施許諾に至った。"}
    disposition: Disposition
    outcome_summary: Text | None = None


class ReopenCase(CommandData):
    """Reopen a closed case within three years, with a reason; one that was merged by mistake, by two persons."""

    example: ClassVar[Mapping[str, Any]] = {}


class AddNote(CommandData):
    """Write a note for the center."""

    example: ClassVar[Mapping[str, Any]] = {"text": "次回は冷却条件を確認する。", "class": "internal"}
    text: Text
    note_class: Code = Field("internal", alias="class")


class RecordFollowUp(CommandData):
    """Record what became of it afterwards."""

    example: ClassVar[Mapping[str, Any]] = {"jobs": 2, "sales_band": "3m_10m", "continued": True}
    jobs: int | None = Field(None, ge=0, le=1_000_000, strict=True)
    sales_band: Band | None = None
    continued: bool | None = None


def open_work(case: Case) -> list[str]:
    """What must end before the case closes (invariant 22)."""
    offers = [one.assignment_id for one in case.assignments.values() if one.is_pending]
    visits = [one.visit_id for one in case.visits.values() if one.held_at is None and not one.cancelled]
    drafts = [one.agreement_id for one in case.agreements.values() if one.is_negotiated]
    return offers + visits + drafts


def recalled(case: Case) -> Case:
    """*case* without open offers, visits that lie ahead, and texts under negotiation."""
    return case.but(
        agreements={
            key: changed(one, ended=RECALLED) if one.is_negotiated else one for key, one in case.agreements.items()
        },
        assignments={
            key: changed(one, state=AssignmentState.recalled) if one.is_pending else one
            for key, one in case.assignments.items()
        },
        visits={key: changed(one, cancelled=True) if one.held_at is None else one for key, one in case.visits.items()},
    )


@decides(HoldCase, by={Role.coordinator}, coordinated=True, without_consent=True, reason=True)
def hold_case(case: Case, data: HoldCase, ask: Ask) -> Iterable[EventData]:
    """A case is held once at a time."""
    require(case.status is not Status.held, "already_done", fact="CaseHeld")
    return [CaseHeld(until=data.until)]


@decides(ResumeCase, by={Role.coordinator}, coordinated=True)
def resume_case(case: Case, data: ResumeCase, ask: Ask) -> Iterable[EventData]:
    """Only a held case goes on."""
    require(case.status is Status.held, "already_done", fact=case.status)
    return [CaseResumed()]


@decides(CloseCase, by={Role.coordinator}, coordinated=True, without_consent=True)
def close_case(case: Case, data: CloseCase, ask: Ask) -> Iterable[EventData]:
    """Nothing is left open, and the disposition rests on a fact (invariant 22)."""
    work = open_work(case)
    require(not work, "work_open", work=", ".join(work))
    if data.disposition is Disposition.cancelled_by_bank:
        refuse("cancellation_unconfirmed", "/data/disposition", fact="ConfirmCancellation")
    foundation = FOUNDATIONS.get(data.disposition)
    founded = foundation is None or foundation(case)
    require(founded, "disposition_unfounded", "/data/disposition", disposition=data.disposition)
    if foundation is None:
        require(ask.reason or data.outcome_summary, "reason_required", "/reason")
    return [CaseClosed(disposition=data.disposition, outcome_summary=data.outcome_summary)]


@decides(
    ReopenCase,
    by={Role.coordinator},
    confirmed_by=frozenset({Role.senior_coordinator}),
    confirmed_in=lambda case: case.merged_into is not None,
    when_closed=True,
    reason=True,
)
def reopen_case(case: Case, data: ReopenCase, ask: Ask) -> Iterable[EventData]:
    """Within three years after the end; out of the case it was merged into, which goes on without it."""
    if case.closed_at is None:
        refuse("already_done", fact=case.status)
    late = ask.now > after_months(case.closed_at, REOPEN_MONTHS)
    require(not late, "case_closed", day=case.closed_at.date())
    return [CaseReopened(separated_from=case.merged_into)]


@decides(AddNote, by={Role.coordinator, Role.researcher}, when_closed=True)
def add_note(case: Case, data: AddNote, ask: Ask) -> Iterable[EventData]:
    """A note is for the center only."""
    return [NoteRecorded.model_validate({"text": data.text, "class": data.note_class})]


@decides(
    RecordFollowUp,
    by={Role.company_representative, Role.bank_officer, Role.coordinator},
    when_closed=True,
)
def record_follow_up(case: Case, data: RecordFollowUp, ask: Ask) -> Iterable[EventData]:
    """Jobs and sales as the company or the bank reports them."""
    return [FollowUpRecorded(**data.model_dump())]


@evolves(CaseHeld, bank=View.full)
def case_held(case: Case, fact: CaseHeld, event: Event) -> Case:
    """Timers pause."""
    return case.but(
        status=Status.held,
        held_since=event.recorded_at,
        held_until=fact.until,
        reason=event.reason or case.reason,
    )


@evolves(CaseResumed, bank=View.full)
def case_resumed(case: Case, fact: CaseResumed, event: Event) -> Case:
    """Timers run on, later by the time the case was held."""
    pauses = (*case.pauses, (case.held_since, event.recorded_at)) if case.held_since else case.pauses
    return case.but(status=Status.open, held_since=None, held_until=None, pauses=pauses)


@evolves(CaseClosed, bank=View.full)
def case_closed(case: Case, fact: CaseClosed, event: Event) -> Case:
    """The case keeps its stage and gets its disposition; what is still open falls with it (invariant 22)."""
    return recalled(case).but(
        status=Status.closed,
        disposition=fact.disposition,
        closed_at=event.recorded_at,
        held_since=None,
        held_until=None,
        proposals={},
        reason=event.reason or case.reason,
    )


@evolves(CaseReopened, bank=View.full)
def case_reopened(case: Case, fact: CaseReopened, event: Event) -> Case:
    """The case goes on where it stood."""
    pauses = (*case.pauses, (case.closed_at, event.recorded_at)) if case.closed_at else case.pauses
    return case.but(
        status=Status.open,
        disposition=None,
        closed_at=None,
        merged_into=None,
        declined_at=None,
        information=None,
        searches={key: one.model_copy(update={"concluded": False}) for key, one in case.searches.items()},
        pauses=pauses,
        reason=event.reason or case.reason,
    )


@evolves(NoteRecorded, bank=View.hidden)
def note_recorded(case: Case, fact: NoteRecorded, event: Event) -> Case:
    """Notes change nothing."""
    return case


@evolves(FollowUpRecorded, bank=View.full)
def follow_up_recorded(case: Case, fact: FollowUpRecorded, event: Event) -> Case:
    """The follow-up question is answered."""
    return case

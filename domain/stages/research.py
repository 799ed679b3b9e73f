"""S7 research 共同研究の実施: payment, start, milestones, readiness, completion (invariants 17, 18, 21)."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, Final

from pydantic import AliasChoices, Field

from domain.consents import NEED_DETAIL, TRADE_SECRET
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Day, Key, Line, Text, Trl
from domain.stages.agreement import find
from domain.state import Agreement, Case, Milestone, Readiness, changed
from domain.terms import RESEARCH_KINDS, Band, MilestoneResult, ReadinessScale, ResearchOutcome, Role, Stage

BACKGROUND: Final = "background"
"""What belongs to no agreement: work or inventions from before."""
LARGEST_JUMP: Final = 2


class PaymentConfirmed(EventData):
    """The institution has the money."""

    happens: ClassVar[str] = "received_on"
    agreement_id: Key
    amount_band: Band | None = None
    received_on: Day


class ResearchStarted(EventData):
    """Research under an agreement began."""

    agreement_id: Key


class ResearchCompleted(EventData):
    """Research under an agreement ended."""

    agreement_id: Key
    outcome: ResearchOutcome
    final_report: Key | None = None


class ResearchSuspended(EventData):
    """Research pauses."""

    agreement_id: Key
    expected_resume_on: Day | None = None


class ResearchResumed(EventData):
    """Research goes on."""

    agreement_id: Key


class MilestonePlanned(EventData):
    """A step with a criterion and a day."""

    milestone_id: Key
    title: Line
    criterion: Text | None = None
    due_on: Day
    agreement_id: Key
    secret: bool = False
    """Whether title and criterion tell a trade secret; a bank does not read them then."""

    def classes(self) -> Mapping[str, str]:
        """Its words are the company's as far as they tell its secrets."""
        return dict.fromkeys(("title", "criterion"), TRADE_SECRET) if self.secret else {}


class MilestoneReached(EventData):
    """The criterion is met."""

    milestone_id: Key
    evidence: tuple[Key, ...] = ()


class MilestoneMissed(EventData):
    """The day passed, or the criterion was not met."""

    milestone_id: Key
    evidence: tuple[Key, ...] = ()
    new_due_on: Day | None = None


class MilestoneDropped(EventData):
    """The step is no longer wanted."""

    milestone_id: Key


class ReadinessAssessed(EventData):
    """Somebody assessed the technology's readiness, on evidence."""

    carries: ClassVar[Mapping[str, str]] = {"basis": NEED_DETAIL}
    scale: ReadinessScale
    level: Trl
    assessor_ref: Line
    basis: Text | None = None
    evidence: tuple[Key, ...] = ()
    second_assessor_ref: Line | None = None


class ProgressReported(EventData):
    """The researcher told how far the work has come."""

    carries: ClassVar[Mapping[str, str]] = {"summary": NEED_DETAIL}
    agreement_id: Key
    summary: Text | None = None
    document_id: Key | None = None


class ConfirmPayment(CommandData):
    """Confirm that the company's money has arrived."""

    example: ClassVar[Mapping[str, Any]] = {"amount_band": "1m_3m", "received_on": "2026-11-20"}
    agreement_id: Key | None = None
    amount_band: Band | None = None
    received_on: Day | None = None


class StartResearch(CommandData):
    """Begin the research of an agreement in force."""

    example: ClassVar[Mapping[str, Any]] = {}
    agreement_id: Key | None = None


class CompleteResearch(CommandData):
    """End the research of an agreement, with its outcome."""

    example: ClassVar[Mapping[str, Any]] = {"outcome": "achieved"}
    agreement_id: Key | None = None
    outcome: ResearchOutcome
    final_report: Key | None = None


class SuspendResearch(CommandData):
    """Pause the research, with a reason."""

    example: ClassVar[Mapping[str, Any]] = {"expected_resume_on": "2027-12-01"}
    agreement_id: Key | None = None
    expected_resume_on: Day | None = None


class ResumeResearch(CommandData):
    """Go on with the research."""

    example: ClassVar[Mapping[str, Any]] = {}
    agreement_id: Key | None = None


class PlanMilestone(CommandData):
    """Plan a step of the research."""

    creates: ClassVar[Mapping[str, str]] = {"milestone_id": "milestone"}
    example: ClassVar[Mapping[str, Any]] = {
        "title": "相対密度 99 % 超",
        "criterion": "アルキメデス法で 99 % を超えること。",
        "due_on": "2027-02-25",
    }
    milestone_id: Key | None = None
    title: Line
    criterion: Text | None = None
    due_on: Day
    secret: bool = False
    """Whether title and criterion tell a trade secret, which a bank does not read then."""
    agreement_id: Key | None = Field(None, validation_alias=AliasChoices("agreement_id", "related_agreement"))


class RecordMilestone(CommandData):
    """Record what became of a milestone: reached, missed or dropped."""

    example: ClassVar[Mapping[str, Any]] = {"result": "reached"}
    milestone_id: Key | None = None
    result: MilestoneResult
    evidence: tuple[Key, ...] = ()
    new_due_on: Day | None = None


class AssessReadiness(CommandData):
    """Assess the technology's readiness, with evidence."""

    example: ClassVar[Mapping[str, Any]] = {"scale": "eu_annex_g", "level": 4, "basis": "研究室での測定"}
    scale: ReadinessScale = ReadinessScale.eu_annex_g
    level: Trl
    assessor_ref: Line | None = None
    basis: Text | None = None
    evidence: tuple[Key, ...] = ()
    second_assessor_ref: Line | None = Field(
        None, validation_alias=AliasChoices("second_assessor_ref", "second_assessor")
    )


class ReportProgress(CommandData):
    """Report how far the work has come; the quarterly question begins anew."""

    example: ClassVar[Mapping[str, Any]] = {"summary": "昇温条件を二通りに絞った。"}
    agreement_id: Key | None = None
    summary: Text | None = None
    document_id: Key | None = None


def _in_force(case: Case, agreement_id: str | None, day: date) -> Agreement:
    one = find(case, agreement_id, signed=True)
    if not one.is_in_force(day):
        refuse("agreement_not_effective", "/data/agreement_id", fact=f"{one.agreement_id}: {_why(one)}")
    return one


def _why(one: Agreement) -> str:
    return one.ended or (f"{one.effective_on} - {one.ends_on}" if one.is_signed else "SignAgreement")


@decides(ConfirmPayment, by={Role.university_liaison})
def confirm_payment(case: Case, data: ConfirmPayment, ask: Ask) -> Iterable[EventData]:
    """A payment belongs to a signed agreement."""
    one = find(case, data.agreement_id, signed=True)
    require(one.is_signed, "agreement_not_effective", "/data/agreement_id", fact=f"{one.agreement_id}: {_why(one)}")
    received_on = data.received_on or ask.day
    require(received_on <= ask.today, "occurred_after_recorded", "/data/received_on", at=received_on)
    return [PaymentConfirmed(agreement_id=one.agreement_id, amount_band=data.amount_band, received_on=received_on)]


@decides(StartResearch, by={Role.researcher, Role.university_liaison})
def start_research(case: Case, data: StartResearch, ask: Ask) -> Iterable[EventData]:
    """An agreement in force, and the money where the institution wants it first (invariant 17)."""
    one = _in_force(case, data.agreement_id, ask.today)
    require(one.kind in RESEARCH_KINDS, "agreement_not_effective", "/data/agreement_id", fact=f"kind: {one.kind}")
    require(one.research is None, "already_done", "/data/agreement_id", fact=f"{one.agreement_id}: {one.research}")
    require(one.paid or not one.owes_payment, "payment_required", "/data/agreement_id", agreement=one.agreement_id)
    return [ResearchStarted(agreement_id=one.agreement_id)]


def _running(case: Case, agreement_id: str | None, *states: str) -> Agreement:
    one = find(case, agreement_id, signed=True)
    if one.research not in states:
        fact = f"{one.agreement_id}: research {one.research or 'not started'}"
        refuse("already_done" if one.research == "completed" else "agreement_not_effective", fact=fact)
    return one


@decides(CompleteResearch, by={Role.researcher, Role.university_liaison})
def complete_research(case: Case, data: CompleteResearch, ask: Ask) -> Iterable[EventData]:
    """Research that began may end."""
    one = _running(case, data.agreement_id, "started", "suspended")
    return [ResearchCompleted(agreement_id=one.agreement_id, outcome=data.outcome, final_report=data.final_report)]


@decides(ReportProgress, by={Role.researcher})
def report_progress(case: Case, data: ReportProgress, ask: Ask) -> Iterable[EventData]:
    """Only research that runs has progress to report."""
    one = _running(case, data.agreement_id, "started")
    return [ProgressReported(agreement_id=one.agreement_id, summary=data.summary, document_id=data.document_id)]


_BOTH_SIDES: Final = frozenset({Role.university_liaison, Role.company_representative})


@decides(SuspendResearch, by=_BOTH_SIDES, reason=True)
def suspend_research(case: Case, data: SuspendResearch, ask: Ask) -> Iterable[EventData]:
    """Research that runs may pause, with a reason."""
    one = _running(case, data.agreement_id, "started")
    return [ResearchSuspended(agreement_id=one.agreement_id, expected_resume_on=data.expected_resume_on)]


@decides(ResumeResearch, by=_BOTH_SIDES)
def resume_research(case: Case, data: ResumeResearch, ask: Ask) -> Iterable[EventData]:
    """Research that pauses may go on."""
    return [ResearchResumed(agreement_id=_running(case, data.agreement_id, "suspended").agreement_id)]


@decides(PlanMilestone, by={Role.researcher, Role.coordinator})
def plan_milestone(case: Case, data: PlanMilestone, ask: Ask) -> Iterable[EventData]:
    """A milestone belongs to an agreement of the case, or to the background (invariant 18)."""
    background = data.agreement_id == BACKGROUND
    agreement_id = BACKGROUND if background else find(case, data.agreement_id, signed=True).agreement_id
    milestone_id = data.milestone_id or ask.new_id("milestone")
    require(milestone_id not in case.milestones, "already_done", "/data/milestone_id", fact=milestone_id)
    return [
        MilestonePlanned(
            milestone_id=milestone_id,
            title=data.title,
            criterion=data.criterion,
            due_on=data.due_on,
            agreement_id=agreement_id,
            secret=data.secret,
        )
    ]


@decides(RecordMilestone, by={Role.researcher})
def record_milestone(case: Case, data: RecordMilestone, ask: Ask) -> Iterable[EventData]:
    """A missed milestone may still be reached; a reached or dropped one is settled."""
    settled = {MilestoneResult.reached, MilestoneResult.dropped}
    open_ones = [one for one in case.milestones.values() if one.result not in settled]
    key = data.milestone_id or (open_ones[0].milestone_id if open_ones else None)
    found = case.milestones.get(key or "")
    if found is None:
        refuse("invalid_field", "/data/milestone_id", problem="there is no such milestone")
    require(found.result not in settled, "already_done", "/data/milestone_id", fact=f"{key}: {found.result}")
    if data.result is MilestoneResult.reached:
        return [MilestoneReached(milestone_id=found.milestone_id, evidence=data.evidence)]
    if data.result is MilestoneResult.missed:
        return [MilestoneMissed(milestone_id=found.milestone_id, evidence=data.evidence, new_due_on=data.new_due_on)]
    return [MilestoneDropped(milestone_id=found.milestone_id)]


@decides(AssessReadiness, by={Role.researcher, Role.expert, Role.coordinator})
def assess_readiness(case: Case, data: AssessReadiness, ask: Ask) -> Iterable[EventData]:
    """No level without assessor and evidence; a large jump wants a second assessor (invariant 21)."""
    require(data.evidence or ask.command.evidence, "evidence_required", "/evidence", fact=f"TRL {data.level}")
    assessor = data.assessor_ref or ask.actor.person
    first = case.triage.initial_trl if case.triage else None
    old = case.readiness[-1].level if case.readiness else first
    if old is not None:
        second = data.second_assessor_ref
        if abs(data.level - old) > LARGEST_JUMP and second in (None, assessor):
            refuse("second_assessor_required", "/data/second_assessor_ref", old=old, new=data.level)
    return [
        ReadinessAssessed(
            scale=data.scale,
            level=data.level,
            assessor_ref=assessor,
            basis=data.basis,
            evidence=data.evidence or ask.command.evidence,
            second_assessor_ref=data.second_assessor_ref,
        )
    ]


def _with(case: Case, agreement_id: str, **changes: Any) -> Case:
    return case.with_("agreements", agreement_id, changed(case.agreements[agreement_id], **changes))


@evolves(PaymentConfirmed, bank=View.summary)
def payment_confirmed(case: Case, fact: PaymentConfirmed, event: Event) -> Case:
    """The money is there."""
    return _with(case, fact.agreement_id, paid=True)


@evolves(ResearchStarted, bank=View.full, enters=Stage.research)
def research_started(case: Case, fact: ResearchStarted, event: Event) -> Case:
    """Research is under way."""
    return _with(case, fact.agreement_id, research="started", progress_at=event.recorded_at)


@evolves(ResearchCompleted, bank=View.full)
def research_completed(case: Case, fact: ResearchCompleted, event: Event) -> Case:
    """The outcome is on record."""
    return _with(case, fact.agreement_id, research="completed", outcome=fact.outcome)


@evolves(ResearchSuspended, bank=View.full)
def research_suspended(case: Case, fact: ResearchSuspended, event: Event) -> Case:
    """The research pauses."""
    return _with(case, fact.agreement_id, research="suspended").but(reason=event.reason or case.reason)


@evolves(ResearchResumed, bank=View.full)
def research_resumed(case: Case, fact: ResearchResumed, event: Event) -> Case:
    """The research goes on."""
    return _with(case, fact.agreement_id, research="started", progress_at=event.recorded_at)


@evolves(MilestonePlanned, bank=View.full)
def milestone_planned(case: Case, fact: MilestonePlanned, event: Event) -> Case:
    """A step lies ahead."""
    one = Milestone(
        milestone_id=fact.milestone_id,
        title=fact.title,
        due_on=fact.due_on,
        agreement_id=fact.agreement_id,
        planned_at=event.recorded_at,
        secret=fact.secret,
    )
    return case.with_("milestones", fact.milestone_id, one)


def _milestone(case: Case, milestone_id: str, **changes: Any) -> Case:
    return case.with_("milestones", milestone_id, changed(case.milestones[milestone_id], **changes))


def _progressed(case: Case, event: Event) -> Case:
    """Research that runs has shown progress."""
    agreements = {
        key: changed(one, progress_at=event.recorded_at) if one.research == "started" else one
        for key, one in case.agreements.items()
    }
    return case.but(agreements=agreements)


@evolves(MilestoneReached, bank=View.full)
def milestone_reached(case: Case, fact: MilestoneReached, event: Event) -> Case:
    """The step is done."""
    return _progressed(_milestone(case, fact.milestone_id, result=MilestoneResult.reached), event)


@evolves(MilestoneMissed, bank=View.full)
def milestone_missed(case: Case, fact: MilestoneMissed, event: Event) -> Case:
    """With a new day the step lies ahead again."""
    if fact.new_due_on:
        changes = {"due_on": fact.new_due_on, "planned_at": event.recorded_at}
        return _milestone(case, fact.milestone_id, result=None, **changes)
    return _milestone(case, fact.milestone_id, result=MilestoneResult.missed)


@evolves(MilestoneDropped, bank=View.full)
def milestone_dropped(case: Case, fact: MilestoneDropped, event: Event) -> Case:
    """The step is off."""
    return _milestone(case, fact.milestone_id, result=MilestoneResult.dropped)


@evolves(ProgressReported, bank=View.summary)
def progress_reported(case: Case, fact: ProgressReported, event: Event) -> Case:
    """The next report is due a quarter later."""
    return _with(case, fact.agreement_id, progress_at=event.recorded_at)


@evolves(ReadinessAssessed, bank=View.full)
def readiness_assessed(case: Case, fact: ReadinessAssessed, event: Event) -> Case:
    """One more point on the readiness line; it may fall."""
    one = Readiness(level=fact.level, scale=fact.scale, assessor_ref=fact.assessor_ref, assessed_at=event.recorded_at)
    return _progressed(case.but(readiness=(*case.readiness, one)), event)

"""S5 consultation 技術相談・学術指導・予備検討: lighter help before or instead of research."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Amount, Day, Key, Line, Rate, Record
from domain.state import Case, Consultation, changed
from domain.terms import ConsultationKind, ConsultationOutcome, Role, Stage


class Period(Record):
    """A span of days, both included."""

    starts_on: Day = Field(validation_alias=AliasChoices("starts_on", "from"))
    ends_on: Day = Field(validation_alias=AliasChoices("ends_on", "to", "until"))


class ConsultationStarted(EventData):
    """A consultation began."""

    consultation_id: Key
    kind: ConsultationKind
    period: Period | Line | None = None
    fee: Amount | None = None
    indirect_rate: Rate | None = None


class ConsultationConcluded(EventData):
    """A consultation ended with an outcome."""

    consultation_id: Key
    outcome: ConsultationOutcome
    report: Key | None = None


class StartConsultation(CommandData):
    """Begin a consultation, academic guidance or a feasibility study."""

    creates: ClassVar[Mapping[str, str]] = {"consultation_id": "consultation"}
    example: ClassVar[Mapping[str, Any]] = {
        "kind": "academic_guidance",
        "period": {"starts_on": "2026-05-20", "ends_on": "2026-08-20"},
        "fee": "300000",
        "indirect_rate": "0.30",
    }
    consultation_id: Key | None = None
    kind: ConsultationKind
    period: Period | Line | None = None
    fee: Amount | None = None
    indirect_rate: Rate | None = None


class ConcludeConsultation(CommandData):
    """End a consultation with its outcome."""

    example: ClassVar[Mapping[str, Any]] = {"outcome": "proceed"}
    consultation_id: Key | None = None
    outcome: ConsultationOutcome
    report: Key | None = None


@decides(StartConsultation, by={Role.university_liaison, Role.coordinator}, coordinated=True)
def start_consultation(case: Case, data: StartConsultation, ask: Ask) -> Iterable[EventData]:
    """Help begins with a researcher of the case."""
    if case.need is not None:
        require(any(case.assigned), "assignment_incomplete", missing="ResearcherAssigned")
    consultation_id = data.consultation_id or ask.new_id("consultation")
    require(consultation_id not in case.consultations, "already_done", fact=consultation_id)
    return [ConsultationStarted(**{**dict(data), "consultation_id": consultation_id})]


@decides(ConcludeConsultation, by={Role.researcher, Role.coordinator})
def conclude_consultation(case: Case, data: ConcludeConsultation, ask: Ask) -> Iterable[EventData]:
    """A consultation ends once."""
    key = data.consultation_id
    found = case.consultations.get(key) if key else next(reversed(case.consultations.values()), None)
    if found is None:
        refuse("invalid_field", "/data/consultation_id", problem="there is no such consultation")
    require(found.outcome is None, "already_done", "/data/consultation_id", fact=found.consultation_id)
    return [ConsultationConcluded(consultation_id=found.consultation_id, outcome=data.outcome, report=data.report)]


@evolves(ConsultationStarted, bank=View.full, enters=Stage.consultation)
def consultation_started(case: Case, fact: ConsultationStarted, event: Event) -> Case:
    """A consultation is under way."""
    one = Consultation(consultation_id=fact.consultation_id, kind=fact.kind, started_at=event.recorded_at)
    return case.with_("consultations", fact.consultation_id, one)


@evolves(ConsultationConcluded, bank=View.full)
def consultation_concluded(case: Case, fact: ConsultationConcluded, event: Event) -> Case:
    """The outcome is on record."""
    one = changed(case.consultations[fact.consultation_id], outcome=fact.outcome)
    return case.with_("consultations", fact.consultation_id, one)

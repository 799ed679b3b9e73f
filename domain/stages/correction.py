"""Corrections and longer deadlines: what is on record stays, and something is added to it (invariant 26)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from domain.calendar import close_of
from domain.consents import BANK_RELATION, NEED_DETAIL
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Day, Instant, Key, Line, Plain
from domain.state import Case, Correction, Extension
from domain.terms import Role, Timer
from domain.timers import deadlines, wait_key


class CorrectionRecorded(EventData):
    """One event said something wrong; this is right."""

    carries: ClassVar[Mapping[str, str]] = {"right_value": NEED_DETAIL}
    corrects_event_id: Key
    right_value: Plain
    corrects_type: Line = "-"
    """The type of the corrected event: who sees one sees the other."""


class DeadlineExtended(EventData):
    """One wait may take longer."""

    timer: Timer
    to: Instant
    subject: Line


class BankOfficerAssigned(EventData):
    """Another officer of the bank follows the case."""

    carries: ClassVar[Mapping[str, str]] = {"officer_id": BANK_RELATION, "previous_id": BANK_RELATION}
    officer_id: Key
    previous_id: Key | None = None


class CorrectEvent(CommandData):
    """Correct one event of the case; a senior coordinator confirms."""

    example: ClassVar[Mapping[str, Any]] = {
        "corrects_event_id": "019d4000-0000-7000-8000-000000000000",
        "right_value": {"order_band": "3m_10m"},
    }
    corrects_event_id: Key
    right_value: Plain


class ExtendDeadline(CommandData):
    """Give a wait more time, with a reason."""

    example: ClassVar[Mapping[str, Any]] = {"timer": "agreement", "to": "2026-12-25"}
    timer: Timer
    to: Instant | Day = Field(union_mode="left_to_right")
    subject: Line | None = None


class AssignBankOfficer(CommandData):
    """Name the officer of the bank who follows the case from now on."""

    example: ClassVar[Mapping[str, Any]] = {"officer_id": "sato"}
    officer_id: Key


@decides(
    CorrectEvent,
    by={Role.data_steward},
    confirmed_by=frozenset({Role.senior_coordinator}),
    when_closed=True,
    without_consent=True,
    reason=True,
)
def correct_event(case: Case, data: CorrectEvent, ask: Ask) -> Iterable[EventData]:
    """A correction refers to one event of this case, and never to another correction's text."""
    kind = case.event_types.get(data.corrects_event_id)
    if kind is None:
        refuse("event_immutable", "/data/corrects_event_id", fact=f"{data.corrects_event_id} is no event of this case")
    require(kind != "CorrectionRecorded", "event_immutable", "/data/corrects_event_id", fact=kind)
    return [
        CorrectionRecorded(corrects_event_id=data.corrects_event_id, right_value=data.right_value, corrects_type=kind)
    ]


@decides(ExtendDeadline, by={Role.coordinator}, coordinated=True, reason=True)
def extend_deadline(case: Case, data: ExtendDeadline, ask: Ask) -> Iterable[EventData]:
    """Only what runs can be given more time, and only into the future."""
    to = data.to if isinstance(data.to, datetime) else close_of(data.to)
    require(to > ask.now, "invalid_field", "/data/to", problem=f"{to.isoformat()} is past")
    running = [one for one in deadlines(case) if one.timer is data.timer and data.subject in (None, one.subject)]
    if not running:
        refuse("invalid_field", "/data/timer", problem=f"the case has no running timer {data.timer}")
    return [DeadlineExtended(timer=data.timer, to=to, subject=running[0].subject)]


@decides(AssignBankOfficer, by={Role.bank_officer})
def assign_bank_officer(case: Case, data: AssignBankOfficer, ask: Ask) -> Iterable[EventData]:
    """The new officer belongs to the same bank."""
    person = ask.directory.people.get(data.officer_id)
    if person is None or person.role is not Role.bank_officer or person.org_id != ask.actor.org_id:
        refuse("invalid_field", "/data/officer_id", problem=f"{data.officer_id} is no officer of this bank")
    previous = case.officers.get(ask.actor.org_id)
    require(previous != data.officer_id, "already_done", "/data/officer_id", fact=data.officer_id)
    return [BankOfficerAssigned(officer_id=data.officer_id, previous_id=previous)]


@evolves(CorrectionRecorded, bank=View.full)
def correction_recorded(case: Case, fact: CorrectionRecorded, event: Event) -> Case:
    """What was said stays; beside it stands what is right."""
    one = Correction(corrects_event_id=fact.corrects_event_id, right_value=fact.right_value, at=event.recorded_at)
    return case.but(corrections=(*case.corrections, one))


@evolves(DeadlineExtended, bank=View.summary)
def deadline_extended(case: Case, fact: DeadlineExtended, event: Event) -> Case:
    """The wait's next step comes at the new time, and the later ones keep their distance from it."""
    same = (one for one in deadlines(case) if (one.timer, one.subject) == (fact.timer, fact.subject))
    one = next(same, None)
    if one is None:  # today's schedule knows no such wait: there is nothing to put off
        return case
    key = wait_key(fact.timer, fact.subject)
    known = case.extensions.get(key)
    before = known.by if known and known.since == one.since else timedelta()
    longer = Extension(since=one.since, by=before + max(fact.to - one.due_at, timedelta()))
    return case.but(extensions={**case.extensions, key: longer})


@evolves(BankOfficerAssigned, bank=View.full)
def bank_officer_assigned(case: Case, fact: BankOfficerAssigned, event: Event) -> Case:
    """The bank has another officer on the case."""
    return case.but(officers={**case.officers, event.actor.org_id: fact.officer_id})

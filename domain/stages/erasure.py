"""Erasure of personal data and trade secrets, on a legal basis: asked, decided by another person, carried out.

What is erased are keys; the events stay, and every proof over them holds (`domain.md` 6a, invariant 3).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final

from domain.envelope import SYSTEM, Command, CommandData, Event, EventData, made_id
from domain.law import Ask, decides, evolves, refuse, require
from domain.records import Key, Line
from domain.secrecy import without_secrets
from domain.state import Case, Erasure, changed
from domain.terms import Role

CASE_TEXTS: Final = "case"
"""The subject of all confidential texts of one case; other subjects are people, by their ids."""


class ErasureDecision(StrEnum):
    """What was decided on a request."""

    approved = "approved"
    rejected = "rejected"


class ErasureRequested(EventData):
    """Somebody asks, on a legal basis, that a subject's data be erased."""

    erasure_id: Key
    subject: Key
    basis: Line


class ErasureDecided(EventData):
    """Another person decided."""

    erasure_id: Key
    decision: ErasureDecision


class ErasureExecuted(EventData):
    """The subject's keys are destroyed; nobody can read what was under them."""

    erasure_id: Key
    subject: Key
    keys_destroyed: int
    basis: Line | None = None
    """The legal basis of the request."""


class RequestErasure(CommandData):
    """Ask that a subject's data be erased: `case` for the case's confidential texts, or a person's id."""

    creates: ClassVar[Mapping[str, str]] = {"erasure_id": "erasure"}
    example: ClassVar[Mapping[str, Any]] = {"subject": "case", "basis": "個人情報保護法第35条"}
    erasure_id: Key | None = None
    subject: Key = CASE_TEXTS
    basis: Line


class DecideErasure(CommandData):
    """Decide on a request, as another person than the one who made it."""

    example: ClassVar[Mapping[str, Any]] = {"decision": "approved"}
    erasure_id: Key | None = None
    decision: ErasureDecision


class ExecuteErasure(CommandData):
    """The system's command once the keys are destroyed."""

    example: ClassVar[Mapping[str, Any]] = {"erasure_id": "e1", "keys_destroyed": 1}
    erasure_id: Key
    keys_destroyed: int


def _open(case: Case, erasure_id: str | None, decision: str | None) -> Erasure:
    found = [one for one in case.erasures.values() if erasure_id in (None, one.erasure_id)]
    if not found:
        refuse("invalid_field", "/data/erasure_id", problem="there is no such request")
    fits = [one for one in found if one.decision == decision and not one.executed]
    require(fits, "already_done", "/data/erasure_id", fact=found[-1].erasure_id)
    return fits[-1]


@decides(
    RequestErasure,
    by={Role.company_representative, Role.data_steward},
    when_closed=True,
    without_consent=True,
)
def request_erasure(case: Case, data: RequestErasure, ask: Ask) -> Iterable[EventData]:
    """A company asks for the texts of its own case; a data steward for anybody's data in it."""
    own = ask.actor.role is Role.data_steward or data.subject in {CASE_TEXTS, ask.actor.person}
    require(own, "not_permitted", role=ask.actor.role, command=ask.command.name)
    erasure_id = data.erasure_id or ask.new_id("erasure")
    require(erasure_id not in case.erasures, "already_done", "/data/erasure_id", fact=erasure_id)
    return [ErasureRequested(erasure_id=erasure_id, subject=data.subject, basis=data.basis)]


@decides(DecideErasure, by={Role.data_steward}, when_closed=True, without_consent=True)
def decide_erasure(case: Case, data: DecideErasure, ask: Ask) -> Iterable[EventData]:
    """Two persons; a rejection says why."""
    one = _open(case, data.erasure_id, None)
    require(one.requested_by != ask.actor.person, "four_eyes_required", person=one.requested_by)
    require(data.decision is ErasureDecision.approved or ask.reason, "reason_required", "/reason")
    return [ErasureDecided(erasure_id=one.erasure_id, decision=data.decision)]


@decides(ExecuteErasure, by={Role.system}, when_closed=True, without_consent=True)
def execute_erasure(case: Case, data: ExecuteErasure, ask: Ask) -> Iterable[EventData]:
    """Only what was approved; a second time it changes nothing."""
    one = case.erasures.get(data.erasure_id)
    if one is None or one.decision != ErasureDecision.approved or one.executed:
        return []
    done = {"erasure_id": one.erasure_id, "subject": one.subject, "basis": one.basis}
    return [ErasureExecuted(keys_destroyed=data.keys_destroyed, **done)]


def executing(case_id: str, erasure_id: str, keys_destroyed: int) -> Command:
    """The system's command that tells an erasure as done; the same erasure has the same command."""
    data = ExecuteErasure(erasure_id=erasure_id, keys_destroyed=keys_destroyed)
    command_id = made_id("erasure", f"{case_id}:{erasure_id}")
    return Command(command_id=command_id, case_id=case_id, name="ExecuteErasure", data=data, actor=SYSTEM)


@evolves(ErasureRequested)
def erasure_requested(case: Case, fact: ErasureRequested, event: Event) -> Case:
    """Another person is to decide."""
    one = Erasure(requested_by=event.actor.person, at=event.recorded_at, **fact.model_dump())
    return case.with_("erasures", fact.erasure_id, one)


def _with(case: Case, erasure_id: str, **changes: Any) -> Case:
    return case.with_("erasures", erasure_id, changed(case.erasures[erasure_id], **changes))


@evolves(ErasureDecided)
def erasure_decided(case: Case, fact: ErasureDecided, event: Event) -> Case:
    """What was approved is to be carried out."""
    return _with(case, fact.erasure_id, decision=fact.decision.value)


@evolves(ErasureExecuted)
def erasure_executed(case: Case, fact: ErasureExecuted, event: Event) -> Case:
    """Done, and not to be undone: the state forgets what nobody can read any more."""
    if fact.subject == CASE_TEXTS:
        case = without_secrets(case)
    return _with(case, fact.erasure_id, executed=True)

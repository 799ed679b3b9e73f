"""A case by dispatch: `decide` answers a command, `evolve` takes an event into the state, `record` makes events.

This module knows no rule of its own beyond those that hold for every command (`domain.md` section 6c: 1, 3, 5, 23,
28, 29); the rules of each stage lie in `domain.stages`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import is_not
from typing import Any, Final

from domain import catalogue
from domain.calendar import close_of, fiscal_year, japanese_day
from domain.consents import require_consent
from domain.documents import documents_in, documents_of
from domain.envelope import Command, Context, Event, EventData, Evidence, Reason, event_id
from domain.law import FACTS, RULES, Ask, Refused, Rule, View, refuse, require
from domain.reasons import ReasonKind, is_known
from domain.refusals import Refusal
from domain.stages.decisions import proposal_behind, propose
from domain.state import Case, Referral
from domain.terms import Role
from domain.timers import TIMER_EVENTS
from domain.tracks import owes_reason, with_begun
from domain.visibility import bank_view, is_party, referral_of, seen_version, takes_part

__all__ = ["UnknownCommand", "UnknownEvent", "catalogue", "decide", "event_type", "evolve", "fold", "record", "rule_of"]

_BACK_DATED: Final = timedelta(days=30)


class UnknownEvent(Exception):
    """The store holds an event type or version this code does not know; folding stops, nothing is skipped."""


class UnknownCommand(Exception):
    """No command of the catalogue has this name."""


def rule_of(name: str) -> Rule:
    """The rule of the command *name*. Raises UnknownCommand."""
    try:
        return RULES[name]
    except KeyError as error:
        raise UnknownCommand(name) from error


def event_type(name: str, version: int = 1) -> type[EventData]:
    """The record of the event *name* in schema *version*. Raises UnknownEvent."""
    fact = FACTS.get(name)
    if fact is None or version not in fact.versions:
        raise UnknownEvent(f"{name} version {version} is not known to this code")
    return fact.versions[version]


def decide(case: Case | None, command: Command, context: Context) -> tuple[EventData, ...] | Refusal:
    """The facts that *command* causes in *case*, or the rule that refuses it."""
    rule = rule_of(command.name)
    ask = Ask(command, context)
    try:
        _check(case, rule, ask)
        facts = tuple(rule.decide(case, command.data, ask))
        for fact in facts:
            check_happened(fact, ask)
            _check_stage(case, fact, ask)
        return propose(rule, command, facts) if _wants_two(rule, command, case) else facts
    except Refused as no:
        return no.refusal


def _wants_two(rule: Rule, command: Command, case: Case | None) -> bool:
    return bool(rule.confirmed_by) and rule.confirmed_when(command.data) and rule.confirmed_in(case)


def _check(case: Case | None, rule: Rule, ask: Ask) -> None:
    if case is None:
        require(rule.opens, "unknown_case")
        require(ask.actor.role in rule.by, "not_permitted", role=ask.actor.role, command=rule.name)
    else:
        require(is_party(case, ask.actor, ask.now), "unknown_case")
        require(ask.actor.role in rule.by, "not_permitted", role=ask.actor.role, command=rule.name)
        _check_case(case, rule, ask)
    check_reason(rule, ask)
    check_time(ask)


def _check_case(case: Case, rule: Rule, ask: Ask) -> None:
    referral = referral_of(case, ask.actor.org_id) if ask.actor.role is Role.bank_officer else None
    if referral is not None and referral.until is not None:
        refuse("case_closed", day=japanese_day(case.updated_at))
    expected = ask.command.expected_version
    current = seen_version(case, ask.actor)
    require(expected in (None, current), "version_stale", current=current)
    if not case.is_open and not rule.when_closed:
        refuse("case_closed", day=japanese_day(case.closed_at or case.updated_at))
    _check_actor(case, rule, ask)
    if not rule.without_consent:
        require_consent(case, ask.now)
    if rule.coordinated:
        require(case.coordinator_id, "coordinator_required", fact="AssignCoordinator")


_OF_AN_ASSIGNMENT: Final = frozenset({"AcceptAssignment", "DeclineAssignment", "DeclareInterests", "ReleaseResearcher"})
_BEFORE_AN_ASSIGNMENT: Final = _OF_AN_ASSIGNMENT | {"DecideConflict", "RecordComplianceCheck", "RecordNda"}
"""What a liaison office does for a researcher who is only asked."""


_WITH_AN_INTEREST: Final = frozenset({"AssignCoordinator", "DeclareInterests", "AddNote"})
"""What somebody of the center, or an expert, still does in a case they have an interest in: hand it over."""


def _check_actor(case: Case, rule: Rule, ask: Ask) -> None:
    """Whoever left the case, or has an interest in it, does no work on it (invariants 11, 29)."""
    person, role = ask.actor.person, ask.actor.role
    require(person not in case.interested or rule.name in _WITH_AN_INTEREST, "own_interest", person=person)
    if role is Role.researcher and rule.name not in _OF_AN_ASSIGNMENT:
        require(takes_part(case, ask.actor), "not_permitted", role=role, command=rule.name)
    if role is Role.university_liaison and rule.name not in _BEFORE_AN_ASSIGNMENT:
        require(takes_part(case, ask.actor), "not_permitted", role=role, command=rule.name)


def check_reason(rule: Rule, ask: Ask) -> None:
    """Refuse a command without the reason it needs, or with one of another kind (invariant 23)."""
    if rule.reason:
        require(ask.reason, "reason_required", "/reason")
    if isinstance(rule.reason, ReasonKind) and ask.reason and not is_known(rule.reason, ask.reason.code):
        refuse("invalid_field", "/reason/code", problem=f"{ask.reason.code} is no reason of kind {rule.reason}")


def check_time(ask: Ask) -> None:
    """Refuse facts of the future, and old ones without a document (invariant 28)."""
    for pointer, document_id in documents_of(ask.command):
        known = document_id in ask.directory.documents
        require(known, "invalid_field", pointer, problem=f"{document_id} is no known document")
    if ask.command.occurred_at is not None:
        _check_moment(ask.command.occurred_at, "/occurred_at", ask)


def check_happened(fact: EventData, ask: Ask) -> None:
    """The same for a fact that itself tells when it became true."""
    happened = happened_at(fact, ask.now)
    if happened is not None:
        _check_moment(happened, f"/data/{fact.happens}", ask, documents_in(fact))


def _check_moment(moment: datetime, pointer: str, ask: Ask, documents: tuple[str, ...] = ()) -> None:
    require(moment <= ask.now, "occurred_after_recorded", pointer, at=moment.isoformat())
    if ask.now - moment > _BACK_DATED:
        known = documents or documents_of(ask.command)
        require(known, "document_required", "/evidence", at=moment.isoformat())


def happened_at(fact: EventData, now: datetime) -> datetime | None:
    """When *fact* says that it became true; a day stands for its close of business, today's for *now* before that."""
    told = fact.happened()
    if told is None or isinstance(told, datetime):
        return told
    return min(close_of(told), now) if told <= japanese_day(now) else close_of(told)


def _check_stage(case: Case | None, fact: EventData, ask: Ask) -> None:
    """Refuse to take a case back to an earlier stage without a reason (invariant 23)."""
    begun = FACTS[type(fact).__name__].enters
    if case is not None and begun is not None:
        require(not owes_reason(case, begun, ask.reason), "reason_required", "/reason")


def record(
    case: Case | None, command: Command, facts: Iterable[EventData], context: Context
) -> tuple[tuple[Event, ...], Case]:
    """The events of *facts*, ready to be kept, and the state after them."""
    events = []
    for data in facts:
        version = case.version + 1 if case else 1
        event = event_of((f"case-{command.case_id}", version), case, command, data, context)
        case = evolve(case, event)
        events.append(event)
    if case is None:
        raise ValueError("a decision without facts opens no case")
    return tuple(events), case


def event_of(place: tuple[str, int], case: Case | None, command: Command, data: EventData, context: Context) -> Event:
    """The event of one fact *data* that *command* causes at *place*: a stream and the version in it."""
    stream, version = place
    name = type(data).__name__
    proposal = proposal_behind(case, command, data)
    occurred = happened_at(data, context.now) or command.occurred_at or context.now
    papers = dict.fromkeys((*command.evidence, *documents_in(data)))
    known = context.directory.documents
    return Event(
        event_id=event_id(context.now, stream, version, command.command_id),
        stream=stream,
        version=version,
        type=name,
        schema_version=data.schema_version,
        occurred_at=occurred,
        recorded_at=context.now,
        actor=command.actor,
        on_behalf_of=command.on_behalf_of,
        command_id=command.command_id,
        causation_id=proposal.proposal_id if proposal else command.command_id,
        correlation_id=command.case_id,
        reason=proposal.reason if proposal and command.name == "ConfirmDecision" else command.reason,
        data_classes=tuple(sorted(set(data.classes().values()))),
        evidence=tuple(Evidence(document_id=one, sha256=known[one]) for one in papers if one in known),
        fiscal_year=fiscal_year(occurred),
        data=data,
    )


def evolve(case: Case | None, event: Event) -> Case:
    """The state after *event*. Raises UnknownEvent, and ValueError where a version is missing or doubled."""
    if event.version != (case.version + 1 if case else 1):
        raise ValueError(f"{event.stream} has {event.type} at version {event.version} after {case and case.version}")
    fact = FACTS.get(event.type)
    if fact is None or not isinstance(event.data, fact.data):
        raise UnknownEvent(f"{event.type} version {event.schema_version} is not known to this code")
    after: Case = fact.evolve(case, event.data, event)
    if case is not None and fact.enters is not None:
        after = with_begun(case, after, fact.enters, event.reason)
    changes = _told_of_every_event(case, after, event, fact.bank)
    return after.but(**changes) if after is case else after.completed(changes)


def _told_of_every_event(case: Case | None, after: Case, event: Event, bank: View) -> dict[str, Any]:
    """What *event* changes whatever its type is, beside what has led from *case* to *after*."""
    changes: dict[str, Any] = {
        "version": event.version,
        "updated_at": event.recorded_at,
        "event_types": {**after.event_types, event.event_id: event.type},
        "recent": (*after.recent[-2:], event.type),
    }
    if case is None or after.stage is not case.stage:
        changes["stage_since"] = event.recorded_at
        changes["entered"] = (*after.entered, (after.stage, event.recorded_at))
    if event.reason is not None and after.reason is event.reason and not _by_one_of_two_banks(after, event):
        changes["bank_reason"] = event.reason if bank is View.full else Reason(code=event.reason.code)
    if event.causation_id in after.proposals:
        changes["proposals"] = {key: one for key, one in after.proposals.items() if key != event.causation_id}
    referrals = tuple([_counted(one, event) for one in after.referrals])
    if any(map(is_not, referrals, after.referrals)):
        changes["referrals"] = referrals
        if event.type not in TIMER_EVENTS:
            changes["news_at"] = event.recorded_at
    return changes


def _by_one_of_two_banks(case: Case, event: Event) -> bool:
    return event.actor.role is Role.bank_officer and len(case.referrals) > 1


def _counted(referral: Referral, event: Event) -> Referral:
    if bank_view(event, referral) is None:
        return referral
    return referral.model_copy(update={"seen": referral.seen + 1, "seen_at": event.recorded_at})


def fold(events: Sequence[Event], case: Case | None = None) -> Case | None:
    """The state after *events*, from *case* on."""
    for event in events:
        case = evolve(case, event)
    return case

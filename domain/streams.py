"""Cases and entries of the catalogue behind one face: what goes to which stream, decided, recorded and folded alike."""

from collections.abc import Iterable
from typing import TypeAlias

from domain import case as cases
from domain.catalogue.entry import Entry
from domain.envelope import Command, Context, Event, EventData
from domain.law import FACTS, Ask, Refused, Rule, require
from domain.refusals import Refusal
from domain.state import Case

State: TypeAlias = Case | Entry
"""What the events of one stream add up to."""

CASE: str = "case"


def stream_of(command: Command) -> str:
    """The stream that *command* goes to."""
    return f"{cases.rule_of(command.name).stream}-{command.case_id}"


def decide(state: State | None, command: Command, context: Context) -> tuple[EventData, ...] | Refusal:
    """The facts that *command* causes, or the rule that refuses it."""
    rule = cases.rule_of(command.name)
    if rule.stream == CASE:
        assert not isinstance(state, Entry)
        return cases.decide(state, command, context)
    ask = Ask(command, context)
    try:
        _check(state, rule, ask)
        return tuple(rule.decide(state, command.data, ask))
    except Refused as no:
        return no.refusal


def _check(state: State | None, rule: Rule, ask: Ask) -> None:
    require(ask.actor.role in rule.by, "not_permitted", role=ask.actor.role, command=rule.name)
    require(state is not None or rule.opens, "unknown_entry")
    if isinstance(state, Entry):
        require(state.exists_for(ask), "unknown_entry")
        current = state.version
        require(ask.command.expected_version in (None, current), "version_stale", current=current)
    cases.check_reason(rule, ask)
    cases.check_time(ask)


def record(
    state: State | None, command: Command, facts: Iterable[EventData], context: Context
) -> tuple[tuple[Event, ...], State]:
    """The events of *facts*, ready to be kept, and the state after them. Raises ValueError without facts."""
    stream = stream_of(command)
    events = []
    for data in facts:
        proposal_case = state if isinstance(state, Case) else None
        version = state.version + 1 if state else 1
        event = cases.event_of((stream, version), proposal_case, command, data, context)
        state = evolve(state, event)
        events.append(event)
    if state is None:
        raise ValueError("a decision without facts begins no stream")
    return tuple(events), state


def evolve(state: State | None, event: Event) -> State:
    """The state after *event*. Raises UnknownEvent, and ValueError where a version is missing or doubled."""
    fact = FACTS.get(event.type)
    if fact is None or fact.stream == CASE:
        assert not isinstance(state, Entry)
        return cases.evolve(state, event)
    if event.version != (state.version + 1 if state else 1):
        raise ValueError(f"{event.stream} has {event.type} at version {event.version} after {state and state.version}")
    after: Entry = fact.evolve(state, event.data, event)
    return after.but(version=event.version, updated_at=event.recorded_at)


def fold(events: Iterable[Event], state: State | None = None) -> State | None:
    """The state after *events*, from *state* on."""
    for event in events:
        state = evolve(state, event)
    return state

"""Real cases and entries for the tests of the ledger: random walks through the law, appended command by command."""

import sys
from itertools import groupby
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1] / "rules"))

from random_walk import STARTS, Walk
from rules_story import ACTORS, START
from rules_wishes import wish

from domain.envelope import Command, Context, Event
from domain.law import RULES
from domain.refusals import Refusal
from domain.stages.intake import NeedReferred
from domain.streams import decide, evolve, record
from store.append import Append, Appended, NaturalKey
from store.connect import Store
from store.projections import PROJECTIONS, Projection


def walked(case_id: str, seed: int, commands: int = 30) -> list[Event]:
    """The events of a case that begins somewhere and goes on at random."""
    rng = Random(seed)
    story = Walk(case_id=case_id)
    getattr(story, rng.choice(STARTS))()
    for _ in range(commands):
        asked = wish(story, rng.getrandbits(32))
        story.do(asked.person, asked.name, asked.data, **asked.around)
        story.pass_time(story.now)
    return [_referred_as(case_id, event) for event in story.events]


def _referred_as(reference: str, event: Event) -> Event:
    """*event*, a need under a reference of its own."""
    if not isinstance(event.data, NeedReferred):
        return event
    return event.model_copy(update={"data": event.data.model_copy(update={"bank_reference": reference})})


def entries() -> list[list[Event]]:
    """The first events of every kind of entry that a command of its own begins."""
    found = []
    for number, rule in enumerate(one for one in RULES.values() if one.stream != "case" and one.opens):
        actor = next(one for one in ACTORS.values() if one.role in rule.by)
        data = rule.data.model_validate(getattr(rule.data, "example", {}))
        command = Command(command_id=f"e{number}", case_id=f"entry-{number}", name=rule.name, data=data, actor=actor)
        context = Context(now=START)
        facts = decide(None, command, context)
        if not isinstance(facts, Refusal):
            found.append(list(record(None, command, facts, context)[0]))
    return found


async def append_all(store: Store, streams: list[list[Event]]) -> None:
    """Append the events of *streams* as they would have come: a command of each in turn, at its own time."""
    pending = [_commands(events) for events in streams]
    states: dict[str, object] = {}
    while any(pending):
        for commands in pending:
            if commands:
                await _append(store, commands.pop(0), states)


def _commands(events: list[Event]) -> list[list[Event]]:
    return [list(many) for _, many in groupby(events, lambda one: one.command_id)]


async def _append(store: Store, events: list[Event], states: dict[str, object]) -> None:
    stream, state = events[0].stream, states.get(events[0].stream)
    for event in events:
        state = evolve(state, event)  # type: ignore[arg-type]
    states[stream] = state
    row = next(one for one in map(lambda projection: _row(projection, stream, state), PROJECTIONS.values()) if one)
    key = next((_key(one) for one in events if isinstance(one.data, NeedReferred)), None)
    wanted = Append(stream, events[0].version - 1, events[0].command_id, tuple(events), overview=row, referral=key)
    await store.clock.move(events[0].recorded_at)
    assert isinstance(await store.ledger.append(wanted), Appended)


def _key(event: Event) -> NaturalKey | None:
    fact = event.data
    assert isinstance(fact, NeedReferred)
    if fact.bank_id != event.actor.org_id or fact.bank_reference is None:
        return None
    return NaturalKey(fact.bank_id, fact.bank_reference, event.correlation_id, b"fingerprint")


def _row(projection: Projection, stream: str, state: object) -> object:
    return projection.row(stream, state) if projection.is_inline else None  # type: ignore[arg-type]

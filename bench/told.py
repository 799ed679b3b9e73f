"""A whole case on the pure core, and a ledger filled with as many of its kind as are wanted.

The case is the script `ceramics`, its accepted commands in order. The others are the same with ids of their own;
their events come interleaved, as those of cases that run side by side do.
"""

import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import psycopg

from bench.acts import Act, acts_of, end_of
from bench.turns import NotAccepted
from domain.documents import documents_of
from domain.envelope import CENTER, Actor, Command, Context, Directory, Event, Organization, Person, event_id
from domain.law import RULES
from domain.refusals import Refusal
from domain.stages.closing import AddNote
from domain.streams import State, decide, fold, record
from domain.terms import OrganizationKind, Role
from store.codec import encode
from store.pool import connect_arguments
from workers.play.script import Script, load

_SIDE_BY_SIDE: Final = 500
"""Cases whose events are interleaved, at most."""
_COPY: Final = """
COPY hashi.events (position, stream, version, event_id, command_id, recorded_at, body) FROM STDIN
"""


@dataclass(frozen=True)
class Pattern:
    """One event of the case, ready to be repeated for another case under another event id."""

    event: Event
    body: bytes

    def row(self, position: int, case_id: str, event_id: str) -> tuple[Any, ...]:
        """The columns of the event."""
        body = self.body.replace(self.event.correlation_id.encode(), case_id.encode())
        body = body.replace(self.event.event_id.encode(), event_id.encode())
        one = self.event
        stream, command_id = f"case-{case_id}", one.command_id.replace(one.correlation_id, case_id)
        kept = (UUID(event_id), command_id, one.recorded_at, body)
        return (position, stream, one.version, *kept)


def told_case(case_id: str = "0" * 32) -> list[Event]:
    """The events of the script's case. Raises NotAccepted where one of its commands is refused."""
    script = load("ceramics")
    now, acts = end_of(script), acts_of(script)
    commands = [_command(script, act, case_id, f"{case_id}-{number:03d}") for number, act in enumerate(acts)]
    directory = _directory(script, commands)
    state: State | None = None
    events: list[Event] = []
    for command in commands:
        context = Context(now=now, case_no="K2026-000001", directory=directory)
        facts = decide(state, command, context)
        if isinstance(facts, Refusal):
            raise NotAccepted(f"{command.name} is refused: {facts}")
        new, state = record(state, command, facts, context)
        events += new
    return events


def long_case(count: int) -> list[Pattern]:
    """The events of the same case with so many notes at its end that they are *count* in all."""
    events = told_case()
    state = fold(events)
    like = events[-1]
    context = Context(now=like.recorded_at)
    while len(events) < count:
        assert state is not None
        data = AddNote(text=f"{len(events)} 回目の打合せの記録です。次回までに焼成条件を見直します。")
        command = Command(
            command_id=f"{like.correlation_id}-{len(events)}",
            case_id=like.correlation_id,
            name="AddNote",
            data=data,
            actor=Actor(role=Role.coordinator, org_id=CENTER, person="tanaka"),
        )
        facts = decide(state, command, context)
        if isinstance(facts, Refusal):
            raise NotAccepted(f"AddNote is refused: {facts}")
        new, state = record(state, command, facts, context)
        events += new
    return [Pattern(event, encode(event)) for event in events]


def _directory(script: Script, commands: Sequence[Command]) -> Directory:
    orgs = {CENTER: Organization(org_id=CENTER, kind=OrganizationKind.center, name=CENTER)}
    for name, one in script.orgs.items():
        orgs[name] = Organization(org_id=name, kind=one.kind, name=name, prefecture=one.prefecture)
    people = {
        name: Person(person_id=name, role=one.role, org_id=one.org, name=name) for name, one in script.people.items()
    }
    files = {name: sha256(name.encode()).hexdigest() for one in commands for _, name in documents_of(one)}
    return Directory(organizations=orgs, people=people, documents=files)


def _command(script: Script, act: Act, case_id: str, command_id: str) -> Command:
    person = script.people[act.person]
    data = dict(act.body["data"])
    if "company" in data:
        data = {**data, "company": None, "company_id": "ariake", "bank_reference": case_id}
    return Command(
        command_id=command_id,
        case_id=case_id,
        name=act.command,
        data=RULES[act.command].data.model_validate(data),
        actor=Actor(role=person.role, org_id=person.org, person=act.person),
        **{name: act.body[name] for name in ("reason", "evidence") if name in act.body},
    )


def event_at(like: Event, stream: str, version: int, command_id: str, now: datetime) -> Event:
    """The event *like*, at another place and time."""
    return like.model_copy(
        update={
            "event_id": event_id(now, stream, version, command_id),
            "stream": stream,
            "version": version,
            "occurred_at": now,
            "recorded_at": now,
            "command_id": command_id,
            "causation_id": command_id,
            "correlation_id": stream.partition("-")[2],
        }
    )


def patterns() -> list[Pattern]:
    """The events of the case."""
    return [Pattern(event, encode(event)) for event in told_case()]


def typical() -> Pattern:
    """The event of the case whose bytes are as many as those of its events on average."""
    made_of = patterns()
    mean = sum(len(one.body) for one in made_of) / len(made_of)
    return min(made_of, key=lambda one: abs(len(one.body) - mean))


def rows(count: int, made_of: Sequence[Pattern]) -> Iterator[tuple[Any, ...]]:
    """The columns of *count* events, or as many more as it takes for whole cases."""
    position, together = 0, min(_SIDE_BY_SIDE, -(-count // len(made_of)))
    while position < count:
        cases = [os.urandom(16).hex() for _ in range(together)]
        for pattern, case_id in itertools.product(made_of, cases):
            position += 1
            yield pattern.row(position, case_id, _event_id(position))


def _event_id(number: int) -> str:
    """A UUIDv7 of this moment."""
    text = f"{time.time_ns() // 1_000_000:012x}7{number % 4096:03x}8{os.urandom(8).hex()[1:]}"
    return str(UUID(text))


def fill(url: str, count: int, made_of: Sequence[Pattern]) -> int:
    """Put some *count* events into the empty ledger at *url*, as its owner; returns how many."""
    return _copy(url, rows(count, made_of))


def fill_one(url: str, case_id: str, made_of: Sequence[Pattern]) -> int:
    """Add the events of one more case, as the owner."""
    with psycopg.connect(**connect_arguments(url, role=None)) as connection:
        [(last,)] = connection.execute("SELECT max(position) FROM hashi.events").fetchall()
    return _copy(url, (one.row(last + n, case_id, _event_id(last + n)) for n, one in enumerate(made_of, 1)))


def _copy(url: str, given: Iterable[tuple[Any, ...]]) -> int:
    with psycopg.connect(**connect_arguments(url, role=None)) as connection:
        connection.autocommit = True
        connection.execute("SET statement_timeout = 0")
        with connection.cursor().copy(_COPY) as copy:
            copy.set_types(["int8", "text", "int4", "uuid", "text", "timestamptz", "bytea"])
            position = 0
            for row in given:
                copy.write_row(row)
                position = row[0]
        connection.execute("VACUUM ANALYZE hashi.events")
    return position

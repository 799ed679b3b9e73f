"""One entry of the catalogue as people and the clock make it, on the pure core."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Self

from rules_story import ACTORS, ORGS, PEOPLE, START, TOLD, Story, remember

from domain.envelope import Command, Context, Directory, Event, Paper, Reason
from domain.law import RULES
from domain.mentions import mentioned, other_streams
from domain.refusals import Refusal
from domain.streams import decide, fold, record, stream_of

REACHED: Final[set[str]] = set()
"""The commands that entries accepted in this run, and the events they had."""


def example(name: str) -> Mapping[str, Any]:
    """The example body of a command."""
    found: Mapping[str, Any] = RULES[name].data.example  # type: ignore[attr-defined]
    return found


class Register:
    """One entry of the catalogue as people make it."""

    def __init__(self, entry_id: str) -> None:
        self.entry_id = entry_id
        self.now = START
        self.entry: Any = None
        self.events: list[Event] = []
        self.about: Story | None = None
        """The case that a dossier is about."""
        self.paper: Paper | None = None

    def do(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Any:
        """Somebody gives a command now: the events it caused, or its Refusal."""
        body = RULES[name].data.model_validate_json(json.dumps(data or {}))
        if isinstance(around.get("reason"), str):
            around["reason"] = Reason(code=around["reason"])
        command_id = f"{self.entry_id}-{len(self.events)}-{name}"
        command = Command(
            command_id=command_id, case_id=self.entry_id, name=name, data=body, actor=ACTORS[person], **around
        )
        ids = mentioned(self.entry, command)
        named = {key: one for key, one in ORGS.items() if ids & {key, one.corporate_number}}
        successors = {one.successor_id for one in named.values()}
        directory = Directory(organizations={key: one for key, one in ORGS.items() if key in {*named, *successors}})
        known = {f"case-{self.about.case_id}": self.about.state} if self.about else {}
        others = {key: known[key] for key in other_streams(self.entry, command) if key in known}
        people = {key: one for key, one in PEOPLE.items() if key in ids}
        directory = directory.model_copy(update={"people": people})
        context = Context(now=self.now, directory=directory, others=others, paper=self.paper)
        facts = decide(self.entry, command, context)
        if isinstance(facts, Refusal):
            TOLD.codes.add(facts.code)
            return facts
        events, self.entry = record(self.entry, command, facts, context)
        assert {one.stream for one in events} <= {stream_of(command)}
        self.events.extend(events)
        remember(command, events)
        REACHED.update((name, *(one.type for one in events)))
        return events

    def says(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> list[str] | str:
        """The types of the events that a command caused, or the code of its refusal."""
        outcome = self.do(person, name, data, **around)
        return outcome.code if isinstance(outcome, Refusal) else [one.type for one in outcome]

    def must(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Self:
        """Somebody gives a command that is accepted."""
        assert isinstance(self.says(person, name, data, **around), list)
        return self

    @property
    def stands(self) -> str:
        """Where the entry stands, in one word; the fold of its events says the same."""
        assert fold(self.events) == self.entry
        return str(self.entry.standing)


def pass_time(entry: Register, to: str) -> list[str]:
    """Let the clock act on *entry* until *to*, each step at its own moment; the types of the events it caused."""
    before, until = len(entry.events), datetime.fromisoformat(to)
    while (due := entry.entry.due()) is not None and due.at <= until:
        entry.now = due.at - timedelta(seconds=1)
        assert entry.says("system", due.command) == []
        entry.now = due.at
        entry.must("system", due.command)
    entry.now = until
    return [one.type for one in entry.events[before:]]

"""A case as it was known at one moment, and as it was true at one: both times of every event.

*Known at K* is the case after its events before the first one recorded later than K. *True at T* is the fold, in the
order of the stream, of those of the known events that had come about by T. A fact came about when it occurred, but
never before what it rests on: the opening of its case, and the beginning of each thing it names, such as the agreement
of a signature. A correction came about with what it corrects. Where two facts contradict each other the one recorded
later prevails, as it does in the stream; so at the end of time the truth is what is known.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import takewhile

from domain.case import evolve
from domain.envelope import Event
from domain.law import RULES
from domain.state import Case
from domain.visibility import told


def known_at(events: Iterable[Event], moment: datetime) -> list[Event]:
    """Those of a case's *events*, all of them in order, that were on record at *moment*."""
    return list(takewhile(lambda event: event.recorded_at <= moment, events))


def true_at(events: Iterable[Event], moment: datetime) -> list[Event]:
    """Those of a case's *events*, from the first on in order, that had come about by *moment*."""
    return [event for event, since in came_about(events) if since <= moment]


def came_about(events: Iterable[Event]) -> Iterator[tuple[Event, datetime]]:
    """Each of a case's *events*, from the first on in order, with the moment at which it came about."""
    begun: dict[tuple[str, str], datetime] = {}
    for event in events:
        corrected = begun.get(("event", told(event, "corrects_event_id")))
        named = [("case", event.stream), *_things(event)]
        since = max([corrected or event.occurred_at, *(begun[one] for one in named if one in begun)])
        for one in (*named, ("event", event.event_id)):
            begun.setdefault(one, since)
        yield event, since


def fold_true(events: Iterable[Event]) -> Case | None:
    """The state after *events*, some of a case's in order as `true_at` picks them, under their own versions."""
    case: Case | None = None
    for event in events:
        before = case.but(version=event.version - 1) if case else None
        case = evolve(before, event)
    return case


def _things(event: Event) -> Iterator[tuple[str, str]]:
    """The things of the case that *event* names, by field and id."""
    names = _names_of_things()
    for name, value in event.data.__dict__.items():
        if name in names:
            yield name, value
        elif name.endswith("_ids") and name[:-1] in names:
            yield from ((name[:-1], one) for one in value)


@cache
def _names_of_things() -> frozenset[str]:
    """The fields by which the facts of a case name its things: those in which a command begins one."""
    return frozenset(name for rule in RULES.values() if rule.stream == "case" for name in rule.data.creates)

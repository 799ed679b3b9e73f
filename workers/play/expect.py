"""What a script expects of a step, held against what was seen; every difference is one sentence."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from workers.play.script import EventLike, Expect

_ABSENT: Final = object()
_PLAIN: Final = ("stage", "furthest_stage", "status", "disposition", "coordinator")


class Happened(NamedTuple):
    """An event as the observer saw it."""

    kind: str
    data: Mapping[str, Any]
    by_itself: bool = False
    """Whether the system did it, not a person."""


@dataclass
class Seen:
    """What a step brought about, as its actor and as an observer of the whole case saw it."""

    answer: Mapping[str, Any] = field(default_factory=dict)
    rejected: str | None = None
    same_case: bool | None = None
    shown: Mapping[str, Any] | None = None
    count: int | None = None
    events: tuple[Happened, ...] = ()
    case: Mapping[str, Any] = field(default_factory=dict)
    feeds: Mapping[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)
    """By lender: the types that the step brought to its feed, and all types that the feed shows of the case."""
    acted: bool = False
    """Whether a person did something, rather than time or a look."""

    def has(self, path: str) -> bool:
        """Whether the answer holds something at the dotted *path*."""
        return value_at(self.answer, path) is not _ABSENT

    def at(self, path: str) -> Any:
        """The value at the dotted *path* of the answer, None where there is none."""
        found = value_at(self.answer, path)
        return None if found is _ABSENT else found


_INDEX: Final = re.compile(r"\[(\d*)\]")


def value_at(value: Any, path: str) -> Any:
    """The value at a dotted *path*, of lists the item at an index or the first that has the rest; else a sentinel."""
    parts = [part for part in _INDEX.sub(r".\1", path).split(".") if part]
    return _at(value, parts)


def _at(value: Any, parts: Sequence[str]) -> Any:
    if not parts:
        return value
    part, rest = parts[0], parts[1:]
    if isinstance(value, Mapping):
        return _at(value[part], rest) if part in value else _ABSENT
    if not isinstance(value, Sequence) or isinstance(value, str):
        return _ABSENT
    if part.isdigit():
        return _at(value[int(part)], rest) if int(part) < len(value) else _ABSENT
    found = (_at(item, parts) for item in value)
    return next((one for one in found if one is not _ABSENT), _ABSENT)


def faults(expect: Expect | None, seen: Seen) -> Iterable[str]:
    """Everything in which *seen* differs from *expect*; without an expectation a rejection is a fault."""
    expected = expect or Expect()
    yield from _rejection(expected, seen)
    yield from _events(expected, seen)
    for name in _PLAIN:
        wanted = getattr(expected, name)
        if wanted is not None and seen.case.get(name) != wanted:
            yield f"{name}: expected {wanted}, seen {seen.case.get(name)}"
    yield from _sight(expected, seen)
    yield from _rest(expected, seen)


def _rejection(expected: Expect, seen: Seen) -> Iterable[str]:
    if seen.rejected == expected.rejected:
        if seen.rejected and seen.events:
            yield f"rejected: {seen.rejected}, yet {', '.join(one.kind for one in seen.events)} was appended"
    elif expected.rejected is None:
        yield f"rejected: expected no rejection, seen {seen.rejected} ({seen.answer.get('detail', '')})"
    else:
        yield f"rejected: expected {expected.rejected}, seen {seen.rejected or 'an accepted step'}"


def _fits(wanted: str | EventLike, event: Happened) -> bool:
    if isinstance(wanted, str):
        return wanted == event.kind
    return wanted.type == event.kind and _holds(event.data, wanted.data)


def _are(wanted: Sequence[str | EventLike], seen: Seen) -> bool:
    """Whether the events are those wanted; what the system adds to a person's act may be left out."""
    meant = [one for one in seen.events if not (seen.acted and one.by_itself)]
    return any(len(wanted) == len(events) and all(map(_fits, wanted, events)) for events in (seen.events, meant))


def _holds(data: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(data, Mapping) and all(
            key in data and _holds(data[key], item) for key, item in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return isinstance(data, list) and len(data) == len(wanted) and all(map(_holds, data, wanted))
    return bool(data == wanted) or str(data) == str(wanted)


def _events(expected: Expect, seen: Seen) -> Iterable[str]:
    if expected.events is not None and not _are(expected.events, seen):
        yield f"events: expected {_list(expected.events)}, seen {_list(seen.events)}"
    for wanted in expected.events_include or ():
        if not any(_fits(wanted, event) for event in seen.events):
            yield f"events_include: expected {_list([wanted])}, seen {_list(seen.events)}"


def _list(events: Iterable[Any]) -> str:
    names = []
    for one in events:
        if isinstance(one, EventLike):
            names.append(f"{one.type} {dict(one.data)}" if one.data else one.type)
        else:
            names.append(one if isinstance(one, str) else one.kind)
    return f"[{', '.join(names)}]"


def _sight(expected: Expect, seen: Seen) -> Iterable[str]:
    shown = seen.shown if seen.shown is not None else seen.case
    for path in expected.visible or ():
        if value_at(shown, path) is _ABSENT:
            yield f"visible: {path} is not there"
    for path in expected.hidden or ():
        found = value_at(shown, path)
        if found is not _ABSENT:
            yield f"hidden: {path} is there: {found}"


def _rest(expected: Expect, seen: Seen) -> Iterable[str]:
    if expected.same_case is not None and bool(seen.same_case) != expected.same_case:
        yield f"same_case: expected {expected.same_case}, seen {bool(seen.same_case)}"
    if expected.timers is not None:
        names = sorted({one["timer"] for one in seen.case.get("deadlines", ())})
        if sorted(set(expected.timers)) != names:
            yield f"timers: expected {sorted(set(expected.timers))}, seen {names}"
    for lender, wanted in (expected.lender_feed or {}).items():
        brought, shown = seen.feeds.get(lender, ((), ()))
        if list(wanted) not in (list(brought), list(shown)):
            told = f"brought [{', '.join(brought)}]; of this case it shows [{', '.join(shown)}]"
            yield f"lender_feed: {lender}: expected [{', '.join(wanted)}], the step {told}"
    if expected.count is not None and seen.count != expected.count:
        yield f"count: expected {expected.count}, seen {seen.count}"

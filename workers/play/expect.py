"""What a script expects of a step, held against what was seen; every difference is one sentence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from workers.play.script import EventLike, Expect

_ABSENT: Final = object()
_PLAIN: Final = ("stage", "furthest_stage", "status", "disposition", "coordinator")


@dataclass
class Seen:
    """What a step brought about, as its actor and as an observer of the whole case saw it."""

    answer: Mapping[str, Any] = field(default_factory=dict)
    rejected: str | None = None
    same_case: bool | None = None
    shown: Mapping[str, Any] | None = None
    count: int | None = None
    events: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    case: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: bool = False
    """Whether the events belong to an entry of the catalogue, not to the case."""

    def at(self, path: str) -> Any:
        """The value at the dotted *path* of the answer, None where there is none."""
        found = value_at(self.answer, path)
        return None if found is _ABSENT else found

    @property
    def opened(self) -> bool:
        """Whether this step opened the case that is looked at now."""
        return self.same_case is False and self.rejected is None and "case_id" in self.answer


def value_at(value: Any, path: str) -> Any:
    """The value at a dotted *path*, lists by index; a sentinel where there is none."""
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _ABSENT
    return value


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
            yield f"rejected: {seen.rejected}, yet {', '.join(kind for kind, _ in seen.events)} was appended"
    elif expected.rejected is None:
        yield f"rejected: expected no rejection, seen {seen.rejected} ({seen.answer.get('detail', '')})"
    else:
        yield f"rejected: expected {expected.rejected}, seen {seen.rejected or 'an accepted step'}"


def _fits(wanted: str | EventLike, event: tuple[str, Mapping[str, Any]]) -> bool:
    kind, data = event
    if isinstance(wanted, str):
        return wanted == kind
    return wanted.type == kind and _holds(data, wanted.data)


def _holds(data: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(data, Mapping) and all(
            key in data and _holds(data[key], item) for key, item in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return isinstance(data, list) and len(data) == len(wanted) and all(map(_holds, data, wanted))
    return bool(data == wanted) or str(data) == str(wanted)


def _events(expected: Expect, seen: Seen) -> Iterable[str]:
    if expected.events is not None:
        same = len(expected.events) == len(seen.events) and all(map(_fits, expected.events, seen.events))
        if not same:
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
            names.append(one if isinstance(one, str) else one[0])
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
    if expected.count is not None and seen.count != expected.count:
        yield f"count: expected {expected.count}, seen {seen.count}"

"""Events as canonical bytes (RFC 8785) and back: the bytes are what is kept, hashed and proved.

Field values that are None are left out, so a field that may be None has None as its default. Instants are written in
UTC with `Z`, with six digits of fraction or none when it is zero.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NotRequired, TypeAlias, cast

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from domain.case import UnknownEvent, event_type
from domain.envelope import Actor, Event, EventData, Evidence, Reason
from domain.upcasting import UPCASTERS, Upcasters, upcast
from store.veil import NO_VEIL, Veil

EventTypes: TypeAlias = Callable[[str, int], type[EventData]]
"""The record of an event by name and schema version; raises UnknownEvent."""

__all__ = ["EventTypes", "NotCanonical", "UnknownEvent", "canonical", "decode", "encode"]


class _Envelope(TypedDict):
    """An event as it is kept: the fields of `domain.envelope.Event`, read without a call back into Python."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=False)  # type: ignore[misc]

    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    actor: Actor
    on_behalf_of: NotRequired[str]
    command_id: str
    causation_id: str
    correlation_id: str
    reason: NotRequired[dict[str, Any]]
    data_classes: NotRequired[tuple[str, ...]]
    evidence: NotRequired[tuple[Evidence, ...]]
    fiscal_year: int
    sealed_by: NotRequired[str]
    data: dict[str, Any]


_ENVELOPE: Final = TypeAdapter(_Envelope)
_WRITER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""Writes what `_plain` has put into order; in C, so at a seventh of what the library rfc8785 takes."""
_EXACT: Final = 2**53 - 1
"""The largest integer that a JSON number tells exactly (RFC 8785, 3.2.2.3)."""


class NotCanonical(ValueError):
    """A value has no canonical form, for instance a float, or text that is not NFC: an error in the code."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{place or '/'} {problem}")
        self._problem: Final = problem
        self._place: Final = place

    def under(self, key: object) -> "NotCanonical":
        """The same, seen from what holds it under *key*."""
        return NotCanonical(self._problem, f"/{key}{self._place}")


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of *value*: strings, integers below 2^53, booleans, dates, aware instants, lists, mappings.

    Raises NotCanonical, naming the place as a JSON pointer.
    """
    try:
        return _WRITER.encode(_plain(value)).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("holds non-UTF-8 text: half of a surrogate pair") from error


def encode(event: Event, veil: Veil = NO_VEIL) -> bytes:
    """The canonical bytes of the whole *event*, its secrets under *veil*. Raises NotCanonical."""
    told = event.model_dump(by_alias=True, exclude_none=True, warnings=False)  # unfit values: NotCanonical
    return canonical(veil.cover(told))


def decode(
    body: bytes, event_types: EventTypes = event_type, upcasters: Upcasters = UPCASTERS, *, veil: Veil = NO_VEIL
) -> Event:
    """The event that `encode` wrote as *body*, its data in the newest shape, opened with *veil*.

    Raises UnknownEvent for a type or version that *event_types* does not know, and for bytes that do not fit the type.
    """
    try:
        told = _ENVELOPE.validate_json(body)
    except ValidationError as error:
        raise UnknownEvent(f"these bytes are no event: {error}") from error
    read = veil.uncover(cast("dict[str, Any]", told))
    data, version = upcast(read["type"], read["schema_version"], read["data"], upcasters)
    kind = event_types(read["type"], version)
    try:
        read["data"] = kind.model_validate(data)
        if "reason" in read:
            read["reason"] = Reason.model_validate(read["reason"])
    except ValidationError as error:
        raise UnknownEvent(f"event {read['event_id']} is no {read['type']} this code knows: {error}") from error
    read["schema_version"] = version
    return Event.trusted(read)


def _plain(value: Any) -> Any:
    """*value* as strings, integers, booleans, lists and dictionaries, the keys in the order of RFC 8785."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | Mapping):
        return _mapping(value)
    if isinstance(value, int):
        return value if isinstance(value, bool) else _integer(value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return _list(value)
    raise NotCanonical(f"holds a {type(value).__name__}, which has no canonical form")


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    keys = _keys(value)
    try:
        for key in keys:
            told[key] = _plain(value[key])
    except NotCanonical as error:
        raise error.under(keys[len(told)]) from error
    return told


def _list(value: Iterable[Any]) -> list[Any]:
    told: list[Any] = []  # its length tells where it went wrong
    try:
        for one in value:
            told.append(_plain(one))
    except NotCanonical as error:
        raise error.under(len(told)) from error
    return told


def _keys(mapping: Mapping[Any, Any]) -> list[str]:
    """The keys by their UTF-16 units, which is the order of code points unless some lie beyond U+FFFF."""
    try:
        joined = "".join(mapping)
    except TypeError:
        odd = next(key for key in mapping if not isinstance(key, str))
        raise NotCanonical(f"has a {type(odd).__name__} as a key") from None
    if joined.isascii() and "\0" not in joined:
        return sorted(mapping)
    return sorted(map(_text, mapping), key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _text(text: str) -> str:
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        raise NotCanonical("holds text that is not in Unicode's normal form C")
    if "\0" in text:
        raise NotCanonical("holds U+0000, which PostgreSQL cannot keep")
    return text


def _integer(number: int) -> int:
    if not -_EXACT <= number <= _EXACT:
        raise NotCanonical(f"holds {number}, which exceeds what JSON numbers tell exactly")
    return number


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise NotCanonical("holds an instant without a time zone")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

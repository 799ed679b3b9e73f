"""Events as canonical bytes (RFC 8785) and back: the bytes are what is kept, hashed and proved.

Field values that are None are left out, so a field that may be None has None as its default. Instants are written in
UTC with `Z`, with six digits of fraction or none when it is zero.
"""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NotRequired, TypeAlias, cast

import rfc8785
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
        return rfc8785.dumps(_plain(value))
    except rfc8785.CanonicalizationError as error:
        raise NotCanonical(str(error)) from error


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
    told = cast("_Envelope", veil.uncover(cast("dict[str, Any]", told)))
    data, version = upcast(told["type"], told["schema_version"], told["data"], upcasters)
    kind = event_types(told["type"], version)
    try:
        fact = kind.model_validate(data)
    except ValidationError as error:
        raise UnknownEvent(f"event {told['event_id']} is no {told['type']} this code knows: {error}") from error
    reason = {"reason": Reason.model_validate(told["reason"])} if "reason" in told else {}
    return Event.trusted({**told, **reason, "schema_version": version, "data": fact})


def _plain(value: Any) -> Any:
    """*value* as strings, integers, booleans, lists and dictionaries."""
    match value:
        case str():
            return _text(value)
        case Mapping():
            return {_key(key): _under(key, value[key]) for key in value}
        case bool() | int():
            return value
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return [_under(number, one) for number, one in enumerate(value)]
    raise NotCanonical(f"holds a {type(value).__name__}, which has no canonical form")


def _under(key: object, value: Any) -> Any:
    try:
        return _plain(value)
    except NotCanonical as error:
        raise error.under(key) from error


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise NotCanonical(f"has a {type(key).__name__} as a key")
    return _text(key)


def _text(text: str) -> str:
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        raise NotCanonical("holds text that is not in Unicode's normal form C")
    if "\0" in text:
        raise NotCanonical("holds U+0000, which PostgreSQL cannot keep")
    return text


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise NotCanonical("holds an instant without a time zone")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

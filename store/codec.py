"""Events as canonical bytes (RFC 8785) and back: the bytes are what is kept, hashed and proved.

Field values that are None are left out, so a field that may be None has None as its default. Instants are written in
UTC with `Z`, with six digits of fraction or none when it is zero.
"""

from collections.abc import Callable
from typing import Any, Final, NotRequired, TypeAlias, cast

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from domain.canonical import canonical
from domain.case import UnknownEvent, event_type
from domain.envelope import Actor, Event, EventData, Evidence, Reason
from domain.upcasting import UPCASTERS, Upcasters, upcast
from store.veil import NO_VEIL, Veil

EventTypes: TypeAlias = Callable[[str, int], type[EventData]]
"""The record of an event by name and schema version; raises UnknownEvent."""

__all__ = ["EventTypes", "UnknownEvent", "decode", "encode"]


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

"""An event as everybody outside sees it: a CloudEvent 1.0 in structured JSON (`contract.md` section 3)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.envelope import Event
from domain.terms import Role

_OUTSIDE: Final = frozenset({Role.bank_officer, Role.lender_officer})
"""Who is told of their own acts alone, since another's may be another bank's (invariant 24)."""
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Reader(NamedTuple):
    """For whom an event is told."""

    role: Role
    org_id: str
    name: str
    """What the reader calls the case."""


def cloud_event(number: int, event: Event, data: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """*event* with the *data* that *reader* sees under *number*."""
    told: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.event_id,
        "type": cloud_type(event.type, event.schema_version),
        "source": f"/cases/{reader.name}",
        "time": instant(event.occurred_at),
        "recordedtime": instant(event.recorded_at),
        "datacontenttype": "application/json",
        "dataschema": f"/v1/schemas/events/{event.type}/v{event.schema_version}",
        "partitionkey": reader.name,
        "sequence": sequence(number),
    }
    if reader.role not in _OUTSIDE or event.actor.org_id == reader.org_id:
        told["actorrole"] = event.actor.role.value
    return {**told, "data": dict(data)}


def cloud_type(name: str, version: int) -> str:
    """The `type` of events that the domain calls *name*."""
    return f"jp.hashi.referral.{_WORD.sub('_', name).lower()}.v{version}"


def sequence(number: int) -> str:
    """A reader's *number* as text that sorts."""
    return f"{number:020d}"


def instant(moment: datetime) -> str:
    """*moment*, in UTC, by RFC 3339."""
    return moment.isoformat().replace("+00:00", "Z")

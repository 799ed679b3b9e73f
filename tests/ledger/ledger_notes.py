"""Tiny events for the tests of the ledger, and appends that hold them."""

import os
from datetime import UTC, date, datetime
from typing import Any

from domain.case import UnknownEvent
from domain.envelope import SYSTEM, Event, EventData, event_id
from domain.records import Amount, Day, Line, Text
from domain.terms import Origin, Stage, Status
from store.append import Append
from store.overview import Overview


class NoteWritten(EventData):
    """A note: enough of every kind of field for the codec to show what it does."""

    text: Text | None = None
    title: Line = "a note"
    price: Amount | None = None
    day: Day | None = None
    marks: tuple[str, ...] = ()
    count: int = 0


def note_types(name: str, version: int) -> type[EventData]:
    """The only event there is."""
    if (name, version) != ("NoteWritten", 1):
        raise UnknownEvent(name)
    return NoteWritten


def note(stream: str, version: int, command_id: str, at: datetime | None = None, **fields: Any) -> Event:
    """An event at *version* of *stream*."""
    moment = at or datetime.now(UTC)
    return Event(
        event_id=event_id(moment, stream, version, command_id),
        stream=stream,
        version=version,
        type="NoteWritten",
        schema_version=1,
        occurred_at=moment,
        recorded_at=moment,
        actor=SYSTEM,
        command_id=command_id,
        causation_id=command_id,
        correlation_id=stream,
        fiscal_year=2026,
        data=NoteWritten(**{"day": date(2026, 4, 1), **fields}),
    )


def new_stream() -> str:
    """A stream nobody has written to."""
    return f"case-{os.urandom(16).hex()}"


def notes(stream: str, expected: int, command_id: str, count: int = 1, **beside: Any) -> Append:
    """An append of *count* notes."""
    at = beside.pop("at", None)
    events = tuple(note(stream, expected + place, command_id, at) for place in range(1, count + 1))
    return Append(stream, expected, command_id, events, **beside)


def overview(case_id: str, **fields: Any) -> Overview:
    """An overview row that says little."""
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    given = {
        "case_no": "R2026-1",
        "stage": Stage.intake,
        "furthest_stage": Stage.intake,
        "status": Status.open,
        "origin": Origin.need,
        "readers": ("bank:b1",),
        "opened_at": moment,
        "updated_at": moment,
    }
    return Overview(case_id=case_id, **{**given, **fields})

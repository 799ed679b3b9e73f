"""What does not fit, said so that the place can be found: an event, a row, or the span between two checkpoints."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Fault:
    """One thing that does not fit, in both languages, with what is known of the place."""

    kind: str
    """`event`, `missing`, `leaf`, `tile`, `checkpoint`, `span`, `column`, `fold` or `row`."""
    en: str
    ja: str
    position: int | None = None
    event_id: str | None = None
    stream: str | None = None
    version: int | None = None
    after: int | None = None
    """The last position that is known to fit, where a span is all that is known."""
    until: int | None = None
    """The last position of that span."""
    table: str | None = None
    key: str | None = None

    def told(self) -> dict[str, Any]:
        """The fault as JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Unfit(Exception):
    """The first fault that was found."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.en)
        self.fault: Final = fault


def of_event(kind: str, position: int, body: bytes, why: tuple[str, str]) -> Unfit:
    """The event at *position* is at fault; *why* is said in English and Japanese."""
    told = fields_of(body)
    what = (
        f"{told.get('type', '?')} {told.get('event_id', '?')} ({told.get('stream', '?')}, {told.get('version', '?')})"
    )
    version = told.get("version")
    return Unfit(
        Fault(
            kind,
            f"position {position}, {what}: {why[0]}",
            f"位置 {position}、{what}: {why[1]}",
            position=position,
            event_id=str(told["event_id"]) if "event_id" in told else None,
            stream=str(told["stream"]) if "stream" in told else None,
            version=version if isinstance(version, int) else None,
        )
    )


def missing(position: int) -> Unfit:
    """There is no event at *position*, though there was one."""
    en, ja = f"the event at position {position} is missing", f"位置 {position} のイベントがありません"
    return Unfit(Fault("missing", en, ja, position=position))


def of_span(kind: str, after: int, until: int, why: tuple[str, str]) -> Unfit:
    """Something between two positions is at fault."""
    place = f"events {after + 1} to {until}"
    return Unfit(
        Fault(kind, f"{place}: {why[0]}", f"{after + 1} から {until} まで: {why[1]}", after=after, until=until)
    )


def of_row(table: str, key: str, why: tuple[str, str]) -> Unfit:
    """A derived row is at fault."""
    return Unfit(Fault("row", f"{table} {key}: {why[0]}", f"{table} {key}: {why[1]}", table=table, key=key))


def fields_of(body: bytes) -> dict[str, Any]:
    """What *body* says, as far as it can be read."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}

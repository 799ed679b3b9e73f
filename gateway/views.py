"""What one reader sees of a case, as JSON: answers to commands, rows of lists, CloudEvents."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from domain.catalogue.entry import Entry
from domain.envelope import Actor, Event
from domain.state import Case
from domain.terms import Role
from domain.views import event_view
from domain.visibility import CENTER_ROLES, seen_version
from gateway.conditions import is_known
from store.overview import Overview

_ROW: Final[tuple[str, ...]] = (
    *("case_id", "case_no", "version", "stage", "furthest_stage", "status", "disposition", "origin"),
    *("company_id", "coordinator", "opened_at", "updated_at"),
)
UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "It is still what If-None-Match names"}}
"""What a route says that answers by `read`."""


class Reference(Protocol):
    """An event by reference."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def type(self) -> str:
        """Its type."""

    @property
    def version(self) -> int:
        """Its version in the case's own count."""


def answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """*content* as JSON, for nobody's cache."""
    return Response(written(content), status, {"Cache-Control": "private, no-cache", **(headers or {})}, media_type)


def written(content: Any) -> bytes:
    """*content* as JSON."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def read(request: Request, content: Any, tag: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """*content* as JSON with an ETag, *tag* or one of its own; 304 to who has it already."""
    whole = answer(content)
    tag = tag or f'"{hashlib.sha256(whole.body).hexdigest()[:32]}"'
    told = {"ETag": tag, "Cache-Control": whole.headers["cache-control"], **(headers or {})}
    if is_known(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=told)
    whole.headers.update(told)
    return whole


def receipt(
    case: Case, actor: Actor, references: Sequence[Reference], *, name: str | None = None, before: int = 0
) -> dict[str, Any]:
    """The answer to a command that caused the last events of *case*, of which *references* are those to show.

    The actor knows the case as *name*, and had counted *before* elsewhere.
    """
    last = before + seen_version(case, actor)
    numbers = [one.version for one in references]
    if actor.role is Role.bank_officer:
        numbers = list(range(last - len(references) + 1, last + 1))
    return {
        "case_id": name or case.case_id,
        "version": last,
        "stage": case.stage.value,
        "status": case.status.value,
        "events": [
            {"id": one.id, "type": one.type, "version": number} for one, number in zip(references, numbers, strict=True)
        ],
    }


def entry_receipt(entry: Entry, references: Sequence[Reference]) -> dict[str, Any]:
    """The answer to a command to an *entry* of the catalogue."""
    return {
        "id": entry.entry_id,
        "version": entry.version,
        "status": entry.standing,
        "events": [{"id": one.id, "type": one.type, "version": one.version} for one in references],
    }


def sees_all(actor: Actor) -> bool:
    """Whether every event of a case exists for *actor*."""
    return actor.role in CENTER_ROLES


def row(view: Mapping[str, Any]) -> dict[str, Any]:
    """A case as one may see it, as a row of a list."""
    shown = {name: view[name] for name in _ROW if name in view}
    title = view.get("need", {}).get("title")
    return {**shown, "title": title} if title else shown


def row_of_overview(overview: Overview) -> dict[str, Any]:
    """A case in a list for the center, which needs no state."""
    told = overview.model_dump(
        mode="json", exclude_none=True, exclude={"readers", "position", "coordinator_id", "lending"}
    )
    return told | ({"coordinator": overview.coordinator_id} if overview.coordinator_id else {})


def shown_events(events: Sequence[Event], actor: Actor, case: Case) -> list[Event]:
    """Those of *events* that exist for *actor*; *case* is the state after them."""
    return [event for event in events if event_view(event, actor, case, event.recorded_at) is not None]

"""`hashi audit replay`: the state of a case as today's code folds it from the kept bytes."""

from typing import Any

from audit.faults import of_event
from domain.state import Case
from domain.streams import State, evolve
from store.codec import decode
from store.pool import Pool, fetch

_OF_STREAM = "SELECT position, body FROM hashi.events WHERE stream = %s ORDER BY version"


class UnknownStream(LookupError):
    """There are no such events."""


async def replay_case(pool: Pool, case_id: str) -> dict[str, Any]:
    """Fold the case event by event; returns what it comes to. Raises Unfit, UnknownStream, StoreUnreachable."""
    state: State | None = None
    found = await fetch(pool, _OF_STREAM, [f"case-{case_id}"])
    for position, body in found:
        try:
            state = evolve(state, decode(body))
        except Exception as error:  # whatever it is: today's code does not take this event
            why = f"today's code does not take it: {type(error).__name__}: {error}"
            raise of_event("fold", position, body, (why, "現在のコードでは再現できません")) from error
    if not isinstance(state, Case):
        raise UnknownStream(case_id)
    return {
        "events": len(found),
        "case_no": state.case_no,
        "version": state.version,
        "stage": str(state.stage),
        "furthest_stage": str(state.furthest_stage),
        "status": str(state.status),
        "disposition": str(state.disposition) if state.disposition else None,
    }

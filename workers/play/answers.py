"""What came back over HTTP, as a script reads it."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from workers.play.script import BadScript

_REFUSED: Final = 400


def told(answer: httpx.Response) -> dict[str, Any]:
    """The body of *answer*; what is no JSON object is wrapped into one."""
    try:
        body = answer.json()
    except ValueError:
        return {"status": answer.status_code, "body": answer.text[:200]}
    return body if isinstance(body, dict) else {"items": body}


def code_of(answer: httpx.Response) -> str | None:
    """The code with which *answer* refuses, or its status where it has none; None for what was accepted."""
    return str(told(answer).get("code", answer.status_code)) if answer.status_code >= _REFUSED else None


def require(answer: httpx.Response, what: str) -> dict[str, Any]:
    """The body of *answer*. Raises BadScript, naming *what* was asked for, where it was refused."""
    body = told(answer)
    if code_of(answer) is not None:
        faults = [one["detail"] for one in body.get("errors", ()) if isinstance(one, Mapping) and "detail" in one]
        words = "; ".join(map(str, faults)) or body.get("detail") or body.get("title") or answer.status_code
        raise BadScript(f"{what}: {words}")
    return body

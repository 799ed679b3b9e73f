"""The access log: what lenders and auditors are answered is written down first, or they are not answered."""

from collections.abc import Iterable
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.envelope import Actor
from domain.terms import Role
from gateway.parts import gateway_of
from gateway.problems import database_unavailable
from store.pool import StoreUnreachable, reading_as

_READERS: Final = frozenset({Role.auditor, Role.lender_officer})
_READER: Final = "reader"
_CASES: Final = "cases_read"
_READING: Final = frozenset({"GET", "HEAD"})


def note_reader(request: Request, actor: Actor) -> None:
    """*actor* is who sent *request*."""
    setattr(request.state, _READER, actor)


def note_cases(request: Request, case_ids: Iterable[str]) -> None:
    """The answer to *request* tells of these cases; needed only where the address does not name the case."""
    setattr(request.state, _CASES, sorted(set(case_ids)))


class Recorded:
    """The application *app* with an access log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; one by a lender or an auditor only once it is on record."""
        with reading_as(None):  # until it is known who asks; and nobody's rights outlive the request
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _READING:
            await self._app(scope, receive, send)
            return
        is_refused = False

        async def told(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] < 400:
                try:
                    await _record(scope)
                except StoreUnreachable:
                    is_refused = True
                    await database_unavailable().response(Headers(scope=scope))(scope, receive, send)
            if not is_refused:
                await send(message)

        await self._app(scope, receive, told)


async def _record(scope: Scope) -> None:
    state: dict[str, Any] = scope.get("state", {})
    actor: Actor | None = state.get(_READER)
    if actor is None or actor.role not in _READERS:
        return
    named = scope.get("path_params", {}).get("case_id")
    cases = state.get(_CASES, [named] if named else [])
    await gateway_of(Request(scope)).store.desk.log_read(actor, scope["path"], cases)

"""Around every request: its id, a line in the log, and no fault of ours that gets out as it is."""

import re
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import internal_error

log = structlog.get_logger("gateway")
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HEADERS: Final = "headers"


def note_headers(request: Request, headers: Mapping[str, str]) -> None:
    """The answer to *request*, whichever it is, has these *headers*."""
    setattr(request.state, _HEADERS, headers)


class Traced:
    """The application *app* with request ids (`X-Request-Id`, the sender's own where it is fit) and a log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, headers = time.perf_counter(), Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        request_id = request_id if _ID.fullmatch(request_id) else str(uuid4())
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(scope.get("state", {}).get(_HEADERS, {}))
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception as fault:
            log.error(  # noqa: TRY400 - a traceback may hold what nobody may read
                "request_failed", request_id=request_id, route=_route(scope), error=type(fault).__qualname__
            )
            if status:
                raise
            await internal_error().response(headers, request_id)(scope, receive, told)
        log.info(
            "request_answered",
            request_id=request_id,
            method=scope["method"],
            route=_route(scope),
            status=status,
            took=round(time.perf_counter() - began, 4),
        )


def _route(scope: MutableMapping[str, Any]) -> str:
    return getattr(scope.get("route"), "path", "")

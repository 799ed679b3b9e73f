"""A lender's receiver on this machine: verifies with the official library, and misbehaves when it is told to."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from serving import served
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answers = Callable[[dict[str, Any]], Response | None]


@dataclass
class Receiver:
    """What came, in order."""

    url: str = ""
    secret: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    """What was taken."""
    tried: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    misbehaves: Answers = lambda _: None
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        event = json.loads(body)
        self.headers.append(headers)
        if self.secret:
            Webhook(self.secret).verify(body.decode(), headers)  # a wrong signature is a 500 of this receiver
        self.tried[event["id"]] += 1
        self.came.set()
        if event["type"].startswith("jp.hashi.feed.endpoint_verification"):
            return JSONResponse({"challenge": event["data"]["challenge"]})
        if (bad := self.misbehaves(event)) is not None:
            return bad
        self.events.append(event)
        return Response(status_code=204)

    async def until(self, reached: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until *reached*, looking each time something came."""
        async with asyncio.timeout(seconds):
            while not reached():
                self.came.clear()
                try:
                    async with asyncio.timeout(0.1):
                        await self.came.wait()
                except TimeoutError:
                    continue


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    async with served(app) as address:
        receiver.url = f"{address}/hook"
        yield receiver

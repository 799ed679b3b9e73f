"""The feed of a lender: what its clients' consents open to it, to be pulled in batches, as a stream, or one by one.

The cursor is the last number one has had. Each reading is on record for the company before it goes out; what a consent
no longer covers is `{"sequence": …, "withheld": true}`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from domain.envelope import Actor, Organization
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.terms import Role
from gateway.auth import actor_of, admit
from gateway.cases import require_known_parameters
from gateway.parts import Gateway, gateway_of
from gateway.problems import Fault, Problem, refused, unfit
from gateway.recorded import note_cases
from gateway.views import answer, written
from store.feed import Fed
from store.pool import StoreUnreachable

router: Final = APIRouter(tags=["lender"])
BATCH: Final = "application/cloudevents-batch+json"
EVENT: Final = "application/cloudevents+json"
_PAGE: Final = 100
_BEAT: Final = 15.0
"""Seconds of silence in a stream before a comment shows that it lives."""
_RETRY: Final = 3_000
"""Milliseconds after which a client of a stream that was cut comes again."""
_After = Annotated[int, Query(ge=0, le=2**63 - 1, description="The last number one has had.")]
_Limit = Annotated[int, Query(ge=1, le=1000)]
_NO_CURSOR: Final = Wording("これは番号ではありません。", "This is no number of the feed.")


@dataclass(frozen=True)
class _Reader:
    """A lender's officer who reads the lender's feed."""

    gateway: Gateway
    actor: Actor
    lender: Organization

    async def wait(self, after: int, limit: int, seconds: float) -> list[Fed]:
        """The next entries; when there are none, those that come within *seconds*."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            hearing = self.gateway.store.hearing
            ring = hearing.next(self.lender.org_id)
            found = await self.gateway.store.feeds.read(self.lender, after, limit)
            left = end - loop.time()
            if found or left <= 0 or hearing.is_over:
                return found
            await hearing.wait(ring, left)

    async def told(self, one: Fed) -> dict[str, Any]:
        """*one* as the lender sees it."""
        return await self.gateway.store.feeds.told(self.lender, one)


@router.get("/v1/feed", openapi_extra={"x-answer": "Feed"})
async def read_feed(
    request: Request,
    after: _After = 0,
    limit: _Limit = _PAGE,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for the first when there is none.")] = 0,
) -> Response:
    """The lender's events after a number, in order; `next`, the last number of the answer, goes into `after`.

    With `Accept: application/cloudevents-batch+json` the events alone, without what is withheld; `Link` has the next.
    """
    require_known_parameters(request, "after", "limit", "wait")
    reader = await _reader(request)
    found = await reader.wait(after, limit, wait)
    note_cases(request, _shown(found))
    items = [await reader.told(one) for one in found]
    following = found[-1].number if found else after
    url = request.url.include_query_params(after=following)
    link = {"Link": f'<{url.path}?{url.query}>; rel="next"'}
    if BATCH in request.headers.get("accept", ""):
        events = [one for one in items if "withheld" not in one]
        return answer(events, headers=link, media_type=BATCH)
    return answer({"items": items, "next": str(following)}, headers=link)


@router.get("/v1/feed/stream", include_in_schema=False)
async def stream_feed(request: Request, after: _After = 0) -> Response:
    """The feed as server-sent events: `id` is the number, so `Last-Event-ID` goes on where one was cut."""
    require_known_parameters(request, "after")
    last = request.headers.get("last-event-id")
    if last is not None and not (last.isascii() and last.isdigit() and len(last) < 20):
        raise unfit(Fault("Last-Event-ID", _NO_CURSOR, in_query=True))
    reader = await _reader(request)
    note_cases(request, [])
    lines = _stream(request, reader, int(last) if last else after)
    return StreamingResponse(lines, headers={"Cache-Control": "no-cache"}, media_type="text/event-stream")


@router.get("/v1/feed/events/{event_id}", openapi_extra={"x-content": EVENT})
async def read_fed_event(request: Request, event_id: str) -> Response:
    """One event of the feed, as a CloudEvent; 410 when the company's consent no longer covers it."""
    require_known_parameters(request)
    reader = await _reader(request)
    try:
        found = await reader.gateway.store.feeds.one(reader.lender, str(UUID(event_id)))
    except ValueError:
        found = None
    if found is None:
        raise Problem("unknown_event", Wording("このイベントはありません。", "There is no such event."))
    if found.event is None:
        text = Wording("企業の同意が及ばなくなりました。", "The company's consent no longer covers this event.")
        raise Problem("withheld", text)
    note_cases(request, [found.case_id])
    return answer(await reader.told(found), media_type=EVENT)


async def _reader(request: Request) -> _Reader:
    gateway, actor = gateway_of(request), await actor_of(request)
    if actor.role is not Role.lender_officer:
        raise refused(Refusal.of("not_permitted", role=actor.role, command="ReadFeed"))
    lender = await gateway.store.directory.organization(actor.org_id)
    assert lender is not None
    return _Reader(gateway, actor, lender)


async def _stream(request: Request, reader: _Reader, after: int) -> AsyncIterator[str]:
    yield f"retry: {_RETRY}\n\n"
    while not (reader.gateway.store.hearing.is_over or await request.is_disconnected()):
        try:
            found = await reader.wait(after, _PAGE, _BEAT)
            await admit(request)
            if shown := _shown(found):
                await reader.gateway.store.desk.log_read(reader.actor, request.url.path, shown)
        except (StoreUnreachable, Problem):  # an outage, or a key that has ended
            return  # the client comes again by itself, goes on where it was, and hears why it may not
        for one in found:
            yield f"id: {one.number}\nevent: referral\ndata: {written(await reader.told(one)).decode()}\n\n"
            after = one.number
        if not found:
            yield ": nothing new\n\n"


def _shown(found: Iterable[Fed]) -> list[str]:
    """The cases of which *found* tells something."""
    return sorted({one.case_id for one in found if one.event is not None})

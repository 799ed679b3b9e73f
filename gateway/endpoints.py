"""Webhooks of a lender: added, verified by a challenge, looked after, replayed, their secrets rotated.

A lender looks after its own; an administrator sees all of them, without secrets, and may remove or replay one.
"""

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from activities.webhooks import public_key, shared_secret
from domain.cloud_events import instant
from domain.reasons import Wording
from domain.records import Record
from domain.refusals import Refusal
from domain.terms import Role
from domain.webhooks import unfit_url
from gateway.auth import actor_of
from gateway.bodies import fitted
from gateway.cases import require_known_parameters
from gateway.conditions import idempotency_key
from gateway.parts import Gateway, gateway_of
from gateway.problems import Fault, Problem, key_reused, refused, unfit
from gateway.views import answer
from store.deliveries import Delivered, Fate, Numbers
from store.endpoints import Endpoint, Payload, Secret

router: Final = APIRouter(tags=["lender"])
_DAY: Final = 24 * 3600
_MOST: Final = 20
"""Endpoints that one lender may have."""
_NUMBER: Final = 2**63 - 1


class EndpointBody(Record):
    """Where a lender wants its events pushed to, and what of them."""

    url: str = Field(max_length=2_000)
    payload: Payload = Payload.thin
    after: int = Field(0, ge=0, le=_NUMBER)
    """The number of the feed after which it begins; 0: with the first."""


class ReplayBody(Record):
    """What is pushed again: from one number to another, or these event ids; else what is dead."""

    since: int | None = Field(None, alias="from", ge=1, le=_NUMBER)
    to: int | None = Field(None, ge=1, le=_NUMBER)
    ids: tuple[UUID, ...] = Field((), max_length=1_000)


class SecretBody(Record):
    """How many seconds the old secret signs beside the new one."""

    overlap: int = Field(_DAY, ge=0, le=30 * _DAY)


@router.post(
    "/v1/feed/endpoints", status_code=201, openapi_extra={"x-body": EndpointBody.__name__, "x-answer": "NewEndpoint"}
)
async def add_endpoint(request: Request) -> Response:
    """A new endpoint, with its secret, shown this once; a signed challenge follows at once, then the events."""
    gateway, actor = gateway_of(request), await actor_of(request)
    if actor.role is not Role.lender_officer:
        raise refused(Refusal.of("not_permitted", role=actor.role, command="AddEndpoint"))
    body = await fitted(request, EndpointBody, gateway.settings.body_limit)
    if (fault := unfit_url(body.url, loopback=gateway.settings.webhooks_to_loopback)) is not None:
        raise unfit(Fault("/url", fault))
    endpoints = gateway.store.endpoints
    if len(await endpoints.listed(actor.org_id)) >= _MOST:
        text = Wording(f"エンドポイントは {_MOST} 件までです。", f"There are {_MOST} endpoints: remove one first.")
        raise Problem("too_many_endpoints", text)
    key = idempotency_key(request.headers.getlist("idempotency-key")) or str(uuid4())
    made, secret = await endpoints.add(key, actor.org_id, body.url, body.payload, body.after)
    if (made.url, made.payload) != (body.url, body.payload):
        raise key_reused()
    await gateway.engine.deliver(made.endpoint_id)
    place = f"/v1/feed/endpoints/{made.endpoint_id}"
    return answer(_told(made) | _secret(secret), 201, headers={"Location": place})


@router.get("/v1/feed/endpoints", openapi_extra={"x-answer": "Endpoints"})
async def list_endpoints(request: Request) -> Response:
    """The lender's endpoints, the oldest first; for an administrator those of all lenders."""
    require_known_parameters(request)
    gateway, actor = gateway_of(request), await actor_of(request)
    _require_lender_or_operator(actor.role, "ListEndpoints")
    whose = None if actor.role is Role.administrator else actor.org_id
    found = await gateway.store.endpoints.listed(whose)
    return answer({"items": [_told(one) for one in found], "next": None})


@router.get("/v1/feed/endpoints/{endpoint_id}", openapi_extra={"x-answer": "Endpoint"})
async def read_endpoint(request: Request, endpoint_id: str) -> Response:
    """How an endpoint stands, and how many of its events are waiting, sent, withheld or dead."""
    require_known_parameters(request)
    gateway, endpoint = await _own(request, endpoint_id)
    return answer(_told(endpoint) | {"deliveries": await gateway.store.deliveries.counts(endpoint.endpoint_id)})


@router.get("/v1/feed/endpoints/{endpoint_id}/deliveries", openapi_extra={"x-answer": "Deliveries"})
async def list_deliveries(
    request: Request,
    endpoint_id: str,
    status: Fate | None = None,
    after: Annotated[int, Query(ge=0, le=_NUMBER)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What became of each event, by its number in the feed; `next` goes into `after`."""
    require_known_parameters(request, "status", "after", "limit")
    gateway, endpoint = await _own(request, endpoint_id)
    found = await gateway.store.deliveries.listed(endpoint.endpoint_id, fate=status, after=after, limit=limit + 1)
    following = str(found[limit - 1].number) if len(found) > limit else None
    return answer({"items": [_delivered(one) for one in found[:limit]], "next": following})


@router.post(
    "/v1/feed/endpoints/{endpoint_id}/replay", openapi_extra={"x-body": ReplayBody.__name__, "x-answer": "Replayed"}
)
async def replay(request: Request, endpoint_id: str) -> Response:
    """Push events again, those that are dead unless others are named; an endpoint that was stopped goes on."""
    gateway, endpoint = await _own(request, endpoint_id)
    which = _which(await fitted(request, ReplayBody, gateway.settings.body_limit))
    numbers = await gateway.store.deliveries.again(endpoint, which)
    await gateway.store.endpoints.go_on(endpoint.endpoint_id)
    await gateway.engine.deliver(endpoint.endpoint_id)
    return answer({"endpoint_id": endpoint.endpoint_id, "replayed": len(numbers)})


@router.post(
    "/v1/feed/endpoints/{endpoint_id}/rotate", openapi_extra={"x-body": SecretBody.__name__, "x-answer": "NewEndpoint"}
)
async def rotate(request: Request, endpoint_id: str) -> Response:
    """A new secret, shown this once; the old one signs beside it for a while, at most two sign at once."""
    gateway, endpoint = await _own(request, endpoint_id, operator_too=False)
    body = await fitted(request, SecretBody, gateway.settings.body_limit)
    secret = await gateway.store.endpoints.rotate(endpoint, timedelta(seconds=body.overlap))
    return answer(_told(endpoint) | _secret(secret))


@router.delete("/v1/feed/endpoints/{endpoint_id}", status_code=204)
async def remove_endpoint(request: Request, endpoint_id: str) -> Response:
    """Push nothing more to an endpoint, and forget it with its deliveries; the feed stays."""
    gateway, endpoint = await _own(request, endpoint_id)
    await gateway.store.endpoints.remove(endpoint.endpoint_id)
    return Response(status_code=204)


async def _own(request: Request, endpoint_id: str, *, operator_too: bool = True) -> tuple[Gateway, Endpoint]:
    """The endpoint, if whoever asks may look after it. Raises Problem."""
    gateway, actor = gateway_of(request), await actor_of(request)
    _require_lender_or_operator(actor.role, "ManageEndpoint")
    found = await gateway.store.endpoints.find(endpoint_id) if endpoint_id.isprintable() else None
    is_own = found is not None and actor.role is Role.lender_officer and found.lender_id == actor.org_id
    if found is None or not (is_own or (operator_too and actor.role is Role.administrator)):
        raise Problem("unknown_endpoint", Wording("このエンドポイントはありません。", "There is no such endpoint."))
    return gateway, found


def _require_lender_or_operator(role: Role, what: str) -> None:
    if role not in {Role.lender_officer, Role.administrator}:
        raise refused(Refusal.of("not_permitted", role=role, command=what))


def _which(body: ReplayBody) -> Numbers | list[str] | None:
    text = Wording("from と to、または ids のどちらかを指定してください。", "Name either from and to, or ids.")
    if body.ids:
        if body.since is not None or body.to is not None:
            raise unfit(Fault("/ids", text))
        return [str(one) for one in body.ids]
    if body.since is None and body.to is None:
        return None
    first, last = body.since or 1, body.to or _NUMBER
    if last < first:
        raise unfit(Fault("/to", text))
    return first, last


def _told(one: Endpoint) -> dict[str, Any]:
    times = {"created_at": one.created_at, "verified_at": one.verified_at, "failing_since": one.failing_since}
    told = {
        "endpoint_id": one.endpoint_id,
        "lender_id": one.lender_id,
        "url": one.url,
        "payload": one.payload.value,
        "status": one.status.value,
        "taken_over": one.cursor,
        "failure": one.failure,
        **{name: instant(at) if at else None for name, at in times.items()},
    }
    return {name: value for name, value in told.items() if value is not None}


def _secret(secret: Secret) -> dict[str, str]:
    return {"secret": shared_secret(secret), "public_key": public_key(secret)}


def _delivered(one: Delivered) -> dict[str, Any]:
    is_waiting = one.status == Fate.waiting
    told = {
        "sequence": f"{one.number:020d}",
        "case_id": one.case_id,
        "status": one.status,
        "attempts": one.attempts,
        "failure": one.failure,
        "next_at": instant(one.next_at) if is_waiting else None,
        "ended_at": instant(one.ended_at) if one.ended_at else None,
    }
    return {name: value for name, value in told.items() if value is not None}

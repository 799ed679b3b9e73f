"""API keys: an administrator issues and rotates them; their owner sees and ends them too."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import psycopg.errors
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from domain.cloud_events import instant
from domain.reasons import Wording
from domain.records import Instant, Line, Record
from domain.scopes import Scope
from domain.terms import Role
from gateway.auth import caller_of, require_administrator
from gateway.bodies import fitted
from gateway.parts import gateway_of
from gateway.problems import Problem
from gateway.registry import fit_id
from gateway.views import answer
from store.keys import AlreadyRotated, Key

router: Final = APIRouter(tags=["keys"])
WEEK: Final = 7 * 24 * 3600
_NOBODY: Final = Wording("この利用者は登録されていません。", "There is no such person.")
_UNKNOWN: Final = Wording(
    "このキーはないか、既に失効しています。", "There is no such key, or it has ended: issue a new one instead."
)


class KeyBody(Record):
    """What a new key is called, what it is for, and when it ends."""

    label: Line = Field("key", max_length=100)
    expires_at: Instant | None = None
    scopes: tuple[Scope, ...] = Field((Scope.all,), min_length=1, max_length=len(Scope))


class RotationBody(Record):
    """How many seconds the old key goes on beside the new one."""

    overlap: int = Field(WEEK, ge=0, le=90 * 24 * 3600)


@router.get("/v1/keys", openapi_extra={"x-answer": "Keys"})
async def list_keys(
    request: Request,
    person_id: Annotated[str | None, Query(max_length=128)] = None,
    ended: bool = False,
    after: Annotated[str, Query(max_length=128)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Response:
    """Keys by id, with their last use to the minute: one's own, for an administrator anybody's."""
    person = (await caller_of(request)).person
    whose = person_id if person.role is Role.administrator else person.person_id
    if person_id not in {None, whose}:
        await require_administrator(request, "ListKeys")
    gateway = gateway_of(request)
    found = await gateway.store.keys.listed(whose, ended=ended, after=after, limit=limit + 1)
    now = await gateway.store.clock.now()
    following = found[limit - 1].key_id if len(found) > limit else None
    return answer({"items": [_told(one, now) for one in found[:limit]], "next": following})


@router.post(
    "/v1/people/{person_id}/keys", status_code=201, openapi_extra={"x-body": KeyBody.__name__, "x-answer": "NewKey"}
)
async def issue_key(request: Request, person_id: str) -> Response:
    """A new key for a person, shown this once."""
    await require_administrator(request, "IssueKey")
    gateway = gateway_of(request)
    body = await fitted(request, KeyBody, gateway.settings.body_limit)
    try:
        token = await gateway.store.keys.issue(fit_id(person_id), body.label, body.expires_at, body.scopes)
    except psycopg.errors.ForeignKeyViolation as error:
        raise Problem("unknown_person", _NOBODY) from error
    return await _issued(request, token)


@router.post(
    "/v1/keys/{key_id}/rotate", status_code=201, openapi_extra={"x-body": RotationBody.__name__, "x-answer": "NewKey"}
)
async def rotate_key(request: Request, key_id: str) -> Response:
    """A new key in place of one, which goes on for a while: at most two of a line are live."""
    await require_administrator(request, "RotateKey")
    gateway = gateway_of(request)
    body = await fitted(request, RotationBody, gateway.settings.body_limit)
    try:
        token = await gateway.store.keys.rotate(fit_id(key_id), timedelta(seconds=body.overlap))
    except AlreadyRotated as error:
        text = Wording(
            f"二つのキーが有効です。先に {error.key_id} を取り消してください。",
            f"Two keys are live already: end {error.key_id} first, then rotate.",
        )
        raise Problem("already_rotated", text, facts={"key_id": error.key_id}) from error
    if token is None:
        raise Problem("unknown_key", _UNKNOWN)
    return await _issued(request, token)


@router.delete("/v1/keys/{key_id}", status_code=204)
async def revoke_key(request: Request, key_id: str) -> Response:
    """End a key, one's own or, for an administrator, anybody's: the next request with it is refused everywhere."""
    person, keys = (await caller_of(request)).person, gateway_of(request).store.keys
    found = await keys.find(fit_id(key_id))
    if found is None or (person.role is not Role.administrator and found.person_id != person.person_id):
        raise Problem("unknown_key", _UNKNOWN)
    await keys.revoke(key_id)
    return Response(status_code=204)


async def _issued(request: Request, token: str) -> Response:
    store = gateway_of(request).store
    made = await store.keys.find(token.split("_")[1])
    assert made is not None
    return answer({"key": token, **_told(made, await store.clock.now())}, 201)


def _told(key: Key, now: datetime) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    is_over = key.expires_at is not None and key.expires_at <= now
    told = {
        "key_id": key.key_id,
        "person_id": key.person_id,
        "label": key.label,
        "scopes": list(key.scopes),
        "status": "revoked" if key.revoked_at else "expired" if is_over else "live",
        "replaces": key.replaces,
        **{name: instant(at) if at else None for name, at in times.items()},
    }
    return {name: value for name, value in told.items() if value is not None}

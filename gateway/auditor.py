"""The transparency log as it is handed out: checkpoints, and proofs against them (C2SP forms, plain text)."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from audit.log import NotInLog, Sealed, last_sealed, position_of, prove_consistency, prove_inclusion, sealed_at
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.terms import Role
from gateway.auth import actor_of
from gateway.parts import gateway_of
from gateway.problems import Problem, refused

router: Final = APIRouter(tags=["audit"])
_WITNESSES: Final = frozenset({Role.auditor, Role.lender_officer})
"""Who keeps copies of checkpoints, so that the log cannot be rewritten unseen."""
_PLAIN: Final = {"x-content": "text/plain; charset=utf-8"}
_Size = Annotated[int, Query(ge=1, le=2**63 - 1)]


@router.get("/v1/audit/checkpoint", openapi_extra=_PLAIN)
async def read_checkpoint(request: Request) -> Response:
    """The newest signed checkpoint of the log (C2SP tlog-checkpoint): keep it, later ones must go on from it."""
    await _require(request, _WITNESSES, "ReadCheckpoint")
    return _text((await _newest(request)).note)


@router.get("/v1/audit/proof/{event_id}", openapi_extra=_PLAIN)
async def prove_event(request: Request, event_id: str) -> Response:
    """That an event is in the log of the newest checkpoint (C2SP tlog-proof)."""
    await _require(request, {Role.auditor}, "ProveEvent")
    pool, sealed = gateway_of(request).store.pool, await _newest(request)
    try:
        position = await position_of(pool, str(UUID(event_id)))
    except (ValueError, NotInLog) as error:
        text = Wording("このイベントはありません。", "There is no such event.")
        raise Problem("unknown_event", text) from error
    try:
        return _text(await prove_inclusion(pool, position, sealed))
    except NotInLog as error:
        raise _not_sealed() from error


@router.get("/v1/audit/consistency", openapi_extra=_PLAIN)
async def prove_growth(
    request: Request, since: Annotated[int, Query(alias="from", ge=1, le=2**63 - 1)], to: _Size | None = None
) -> Response:
    """That the log of the checkpoint `to`, else of the newest, begins with that of `from` (as C2SP tlog-witness)."""
    await _require(request, {Role.auditor}, "ProveConsistency")
    pool = gateway_of(request).store.pool
    try:
        sealed = await _newest(request) if to is None else await sealed_at(pool, to)
        return _text(await prove_consistency(pool, since, sealed))
    except NotInLog as error:
        text = Wording("この大きさのチェックポイントはありません。", "There is no checkpoint of this size.")
        raise Problem("unknown_checkpoint", text) from error


async def _require(request: Request, roles: frozenset[Role] | set[Role], what: str) -> None:
    actor = await actor_of(request)
    if actor.role not in roles:
        raise refused(Refusal.of("not_permitted", role=actor.role, command=what))


async def _newest(request: Request) -> Sealed:
    sealed = await last_sealed(gateway_of(request).store.pool)
    if sealed is None:
        raise _not_sealed()
    return sealed


def _not_sealed() -> Problem:
    text = Wording("まだ封印されていません。一秒後にもう一度お試しください。", "Not sealed yet: ask again in a second.")
    return Problem("not_sealed", text, headers={"Retry-After": "1"})


def _text(content: bytes) -> Response:
    return Response(content, 200, {"Cache-Control": "no-store"}, "text/plain; charset=utf-8")

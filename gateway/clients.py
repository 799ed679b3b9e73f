"""OAuth clients: an administrator binds a program's keys, or a subject of another issuer, to the person it acts as."""

import warnings
from typing import Annotated, Any, Final

import psycopg.errors
from fastapi import APIRouter, Query, Request, Response
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from pydantic import Field, model_validator

from domain.cloud_events import instant
from domain.reasons import Wording
from domain.records import Line, Record
from domain.scopes import Scope
from gateway.auth import require_administrator
from gateway.bodies import fitted
from gateway.parts import gateway_of
from gateway.problems import Fault, Problem, unfit
from gateway.registry import fit_id
from gateway.views import answer
from store.clients import Client

router: Final = APIRouter(tags=["keys"])
_SHORTEST_RSA: Final = 2048
_MOST_KEYS: Final = 5
_NOBODY: Final = Wording("この利用者は登録されていません。", "There is no such person.")
_UNKNOWN: Final = Wording("このクライアントはないか、既に終了しています。", "There is no such client, or it has ended.")
_TAKEN: Final = Wording(
    "この主体は別のクライアントに結び付いています。",
    "This subject of this issuer is bound already: end that client first.",
)
_NOT_TRUSTED: Final = Wording(
    "この発行者は HASHI_OAUTH_ISSUERS にありません。",
    "This issuer is not among HASHI_OAUTH_ISSUERS, so no token of it counts.",
)
_KEYS: Final = Wording(
    "公開鍵の JWK Set(1〜5 個、EC P-256・Ed25519・RSA 2048 ビット以上)です。",
    "A JWK Set of 1 to 5 public keys: EC P-256, Ed25519, or RSA of 2048 bits or more; no private or shared secret.",
)


class ClientBody(Record):
    """A program's own public keys, or whom another issuer calls it; and what it may do."""

    label: Line = Field("client", max_length=100)
    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=len(Scope))
    jwks: dict[str, Any] | None = None
    issuer: Line | None = None
    subject: Line | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "ClientBody":
        vouched = self.issuer is not None and self.subject is not None
        if vouched == (self.jwks is not None) or (self.issuer is None) != (self.subject is None):
            raise ValueError("jwks: either jwks, or issuer and subject together")
        return self


class ClientKeysBody(Record):
    """The public keys of a client, in place of those it had; for a rotation both the old and the new one."""

    jwks: dict[str, Any]


@router.get("/v1/clients", openapi_extra={"x-answer": "Clients"})
async def list_clients(
    request: Request,
    person_id: Annotated[str | None, Query(max_length=128)] = None,
    ended: bool = False,
    after: Annotated[str, Query(max_length=128)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Response:
    """OAuth clients by id, with their last use to the minute."""
    await require_administrator(request, "ListClients")
    clients = gateway_of(request).store.clients
    found = await clients.listed(person_id, ended=ended, after=after, limit=limit + 1)
    following = found[limit - 1].client_id if len(found) > limit else None
    return answer({"items": [_told(one) for one in found[:limit]], "next": following})


@router.post(
    "/v1/people/{person_id}/clients",
    status_code=201,
    openapi_extra={"x-body": ClientBody.__name__, "x-answer": "Client"},
)
async def register_client(request: Request, person_id: str) -> Response:
    """An OAuth client that acts as this person."""
    await require_administrator(request, "RegisterClient")
    gateway = gateway_of(request)
    body = await fitted(request, ClientBody, gateway.settings.body_limit)
    vouched = (body.issuer, body.subject) if body.issuer and body.subject else None
    if vouched and vouched[0] not in gateway.issuers:
        raise unfit(Fault("/issuer", _NOT_TRUSTED))
    jwks = None if body.jwks is None else _public(body.jwks)
    try:
        made = await gateway.store.clients.register(
            fit_id(person_id), body.label, body.scopes, jwks=jwks, vouched=vouched
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise Problem("unknown_person", _NOBODY) from error
    except psycopg.errors.UniqueViolation as error:
        raise Problem("subject_taken", _TAKEN, pointer="/subject") from error
    return answer(_told(made), 201)


@router.put("/v1/clients/{client_id}/keys", openapi_extra={"x-body": ClientKeysBody.__name__, "x-answer": "Client"})
async def put_client_keys(request: Request, client_id: str) -> Response:
    """Change the public keys of a client, which rotates them."""
    await require_administrator(request, "PutClientKeys")
    gateway = gateway_of(request)
    body = await fitted(request, ClientKeysBody, gateway.settings.body_limit)
    jwks = _public(body.jwks)
    found = await gateway.store.clients.find(fit_id(client_id))
    if found is None or found.jwks is None or found.revoked_at is not None:
        raise Problem("unknown_client", _UNKNOWN)
    await gateway.store.clients.change_keys(client_id, jwks)
    changed = await gateway.store.clients.find(client_id)
    assert changed is not None
    return answer(_told(changed))


@router.delete("/v1/clients/{client_id}", status_code=204)
async def revoke_client(request: Request, client_id: str) -> Response:
    """End a client: its tokens open nothing from the next request on."""
    await require_administrator(request, "RevokeClient")
    clients = gateway_of(request).store.clients
    if await clients.find(fit_id(client_id)) is None:
        raise Problem("unknown_client", _UNKNOWN)
    await clients.revoke(client_id)
    return Response(status_code=204)


def _public(jwks: dict[str, Any]) -> dict[str, Any]:
    """*jwks* as it is kept: public keys that are strong enough, each with an id. Raises Problem."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # said better below
            keys = list(KeySet.import_key_set(jwks))  # type: ignore[arg-type]
    except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise unfit(Fault("/jwks", _KEYS)) from error
    ids = {one.kid for one in keys}
    if len(ids) < len(keys) or len(keys) > _MOST_KEYS or not all(_is_strong(one) for one in keys):
        raise unfit(Fault("/jwks", _KEYS))
    return {"keys": [one.as_dict(private=False) for one in keys]}


def _is_strong(key: object) -> bool:
    match key:
        case RSAKey():
            return not key.is_private and key.public_key.key_size >= _SHORTEST_RSA
        case ECKey():
            return not key.is_private and key.curve_name == "P-256"
        case OKPKey():
            return not key.is_private and key.curve_name == "Ed25519"
        case _:
            return False


def _told(client: Client) -> dict[str, Any]:
    times = {name: getattr(client, name) for name in ("created_at", "revoked_at", "last_used_at")}
    told = {
        "client_id": client.client_id,
        "person_id": client.person_id,
        "label": client.label,
        "scopes": list(client.scopes),
        "status": "revoked" if client.revoked_at else "live",
        "issuer": client.issuer,
        "subject": client.subject if client.issuer else None,
        "jwks": client.jwks,
        **{name: instant(at) if at else None for name, at in times.items()},
    }
    return {name: value for name, value in told.items() if value is not None}

"""Our own token endpoint, for clients that have no authorization server: client credentials with private_key_jwt.

RFC 6749 (section 4.4), RFC 7523, RFC 8414. A fault is a problem as everywhere, with `error` and `error_description`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response
from joserfc.jwk import KeySet

from domain.reasons import Wording
from domain.scopes import Scope
from gateway.bodies import bounded
from gateway.parts import Gateway, gateway_of
from gateway.problems import Problem
from gateway.tokens import ALGORITHMS, LEEWAY, LIFETIME, TokenUnfit, check, unverified, verified
from gateway.views import answer
from store.clients import Client

router: Final = APIRouter(tags=["oauth"])
log = structlog.get_logger("gateway")
TOKENS: Final = "/v1/oauth/token"
KEYS: Final = "/.well-known/jwks.json"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST: Final = 300
"""Seconds for which an assertion may be good."""
_MOST_BYTES: Final = 32 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_FIELDS: Final = {
    "grant_type": {"const": "client_credentials"},
    "client_assertion_type": {"const": _ASSERTION},
    "client_assertion": {"type": "string", "description": "A JWT signed with the client's key (RFC 7523)."},
    "scope": {"type": "string", "description": "Fewer scopes than the client has, divided by spaces."},
}
_REQUIRED: Final = ["grant_type", "client_assertion_type", "client_assertion"]
_TOKEN_FORM: Final = {
    "required": True,
    "content": {_FORM: {"schema": {"type": "object", "required": _REQUIRED, "properties": _FIELDS}}},
}


@router.get("/.well-known/oauth-authorization-server", openapi_extra={"x-answer": "ServerMetadata"})
async def read_metadata(request: Request) -> Response:
    """Where tokens are got and how (RFC 8414)."""
    issuer = gateway_of(request).signing.issuer
    told = {
        "issuer": issuer,
        "token_endpoint": issuer + TOKENS,
        "jwks_uri": issuer + KEYS,
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [one.value for one in Scope if one is not Scope.all],
    }
    return answer(told, headers={"Cache-Control": "public, max-age=300"})


@router.get(KEYS, openapi_extra={"x-answer": "KeySet"})
async def read_keys(request: Request) -> Response:
    """The public keys that our access tokens are signed with (RFC 7517)."""
    return answer(gateway_of(request).signing.jwks(), headers={"Cache-Control": "public, max-age=300"})


@router.post(TOKENS, openapi_extra={"requestBody": _TOKEN_FORM, "x-answer": "AccessToken"})
async def give_token(request: Request) -> Response:
    """An access token for a client that proves itself with a signed assertion."""
    gateway, form = gateway_of(request), await _fields_of(request)
    if form.get("grant_type") != "client_credentials":
        _refuse(
            "unsupported_grant_type", "grant_type は client_credentials です。", "The grant_type is client_credentials."
        )
    client = await _authenticated(gateway, form)
    scope = _scope(client, form.get("scope"))
    token = gateway.signing.token(client.client_id, scope, await gateway.store.clock.now())
    log.info("token_issued", client_id=client.client_id)
    told = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME, "scope": scope}
    return answer(told, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


async def _fields_of(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        _refuse("invalid_request", f"Content-Type は {_FORM} です。", f"The Content-Type is {_FORM}.")
    body = await Request(request.scope, bounded(request, _MOST_BYTES)).body()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        _refuse("invalid_request", "フォームとして読めません。", "The body is no form.")
    form = dict(pairs)
    if len(form) < len(pairs):
        _refuse("invalid_request", "同じ項目が二度あります。", "A field stands twice in the form.")
    return form


async def _authenticated(gateway: Gateway, form: Mapping[str, str]) -> Client:
    """The client whose assertion *form* holds. Raises Problem."""
    if form.get("client_assertion_type") != _ASSERTION:
        _unknown(f"client_assertion_type is {_ASSERTION}")
    assertion = form.get("client_assertion", "")
    try:
        _, told = unverified(assertion)
        client = await gateway.store.clients.find(str(told.get("sub")))
        claims = verified(assertion, _keys(client))
        now = await gateway.store.clock.now()
        expires_at = _checked(claims, gateway.signing.issuer, now)
    except TokenUnfit as error:
        log.info("token_refused", client_id=_told_id(assertion), error=str(error).partition(":")[0])
        _unknown(str(error))
    assert client is not None
    if form.get("client_id", client.client_id) != client.client_id:
        _unknown("client_id is another one than the assertion's")
    if not await gateway.store.clients.use(client.client_id, claims["jti"], expires_at):
        log.warning("assertion_replayed", client_id=client.client_id)
        _unknown("jti: this assertion was used before; sign a new one for each request")
    return client


def _keys(client: Client | None) -> KeySet:
    """The public keys of *client*. Raises TokenUnfit."""
    if client is None or client.jwks is None or client.revoked_at is not None:
        raise TokenUnfit("sub: no client of this id has keys here")
    return KeySet.import_key_set(client.jwks)  # type: ignore[arg-type]


def _checked(claims: Mapping[str, Any], issuer: str, now: datetime) -> datetime:
    """When the assertion *claims* ends, which is meant for us and for one use. Raises TokenUnfit."""
    check(claims, now, iss=str(claims.get("sub")))
    if claims.get("aud") not in (issuer, [issuer]):
        raise TokenUnfit(f"aud is {issuer} and nothing else")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 200:
        raise TokenUnfit("jti: 1 to 200 characters, new for each assertion")
    if claims["exp"] > now.timestamp() + _LONGEST + LEEWAY:
        raise TokenUnfit(f"exp: at most {_LONGEST} seconds ahead")
    return datetime.fromtimestamp(claims["exp"] + 2 * LEEWAY, UTC)


def _scope(client: Client, asked: str | None) -> str:
    """The scopes of a token: those that are *asked* for, else all of *client*. Raises Problem."""
    has = [one.value for one in Scope] if Scope.all in client.scopes else list(client.scopes)
    wanted = asked.split() if asked else list(client.scopes)
    if not wanted or not set(wanted) <= set(has):
        names = ", ".join(has)
        _refuse("invalid_scope", f"使えるスコープ: {names}", f"This client's scopes are: {names}.")
    return " ".join(sorted(set(wanted)))


def _told_id(assertion: str) -> str:
    """The client id that *assertion* claims, if it has the form of one."""
    try:
        told = str(unverified(assertion)[1].get("sub"))
    except TokenUnfit:
        return ""
    return told if told.startswith("hc_") and len(told) == 19 and told[3:].isalnum() else ""


def _unknown(why: str) -> NoReturn:
    _refuse("invalid_client", f"クライアントを確認できません: {why}", f"The client is not who it says: {why}.")


def _refuse(code: str, ja: str, en: str) -> NoReturn:
    raise Problem(code, Wording(ja, en), extra={"error": code, "error_description": en})

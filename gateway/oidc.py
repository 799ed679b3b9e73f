"""People sign in at an identity provider: OpenID Connect, authorization code with PKCE.

Whoever the issuer says they are is a person here only if an administrator bound that subject; names and addresses in
the token count for nothing.
"""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import quote_plus

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import APIRouter, Query, Request, Response

from domain.reasons import Wording
from gateway.cookies import SIGNING_IN, put_cookie, sealed, unsealed
from gateway.keysets import IssuerUnreachable, is_safe
from gateway.parts import Gateway, gateway_of
from gateway.problems import Problem
from gateway.sessions import begun
from gateway.settings import Provider
from gateway.tokens import ALGORITHMS, TokenUnfit, check, unverified, verified

router: Final = APIRouter(tags=["sessions"])
log = structlog.get_logger("gateway")
_BACK: Final = "/v1/sign-in/oidc/callback"
_PATIENCE: Final = 600
"""Seconds to sign in at the provider."""
_ID_TOKEN_ALGORITHMS: Final = (*ALGORITHMS, "RS256")
"""Beside ours the one that every provider has (OpenID Connect Core, 15.1); it is checked, never made here."""
_NONE: Final = Wording(
    "ID プロバイダーは設定されていません。", "No identity provider is configured (HASHI_OIDC_ISSUER)."
)
_STALE: Final = Wording(
    "サインインの途中の情報がないか、古くなっています。もう一度始めてください。",
    "This sign-in was not begun in this browser, or too long ago: begin again.",
)
_SILENT: Final = Wording(
    "ID プロバイダーが応答しません。しばらくしてもう一度お試しください。",
    "The identity provider does not answer; try again in a while.",
)
_Word = Annotated[str | None, Query(max_length=4000)]


@router.get("/v1/sign-in/oidc", include_in_schema=False)
async def begin(request: Request, return_to: _Word = None) -> Response:
    """Send the browser to the identity provider; afterwards it comes back to the path `return_to`."""
    gateway, provider = gateway_of(request), _provider(request)
    metadata = await _metadata(gateway, provider)
    told = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    until = (await gateway.store.clock.now()).timestamp() + _PATIENCE
    address = prepare_grant_uri(
        _safe(metadata.get("authorization_endpoint")),
        provider.client_id,
        "code",
        redirect_uri=gateway.signing.issuer + _BACK,
        scope="openid",
        state=told["state"],
        nonce=told["nonce"],
        code_challenge=create_s256_code_challenge(told["verifier"]),
        code_challenge_method="S256",
    )
    response = Response(status_code=302, headers={"Location": address, "Cache-Control": "no-store"})
    kept = {**told, "return_to": _local(return_to), "until": until}
    put_cookie(response, SIGNING_IN, sealed(gateway.store.seals, kept, "oidc"), _PATIENCE)
    return response


@router.get(_BACK, include_in_schema=False)
async def come_back(
    request: Request, code: _Word = None, state: _Word = None, iss: _Word = None, error: _Word = None
) -> Response:
    """The browser comes back from the identity provider; a session begins if somebody here is whom it vouches for."""
    gateway, provider = gateway_of(request), _provider(request)
    kept = unsealed(gateway.store.seals, request.cookies.get(SIGNING_IN), "oidc")
    now = await gateway.store.clock.now()
    if kept is None or kept["until"] < now.timestamp() or not secrets.compare_digest(kept["state"], state or ""):
        raise Problem("sign_in_failed", _STALE)
    if error or not code or iss not in {None, provider.issuer}:
        _fail("the provider answered with an error, or another provider did")
    token = await _id_token(gateway, provider, str(code), kept["verifier"])
    try:
        claims = verified(token, await _keys(gateway, provider, token), _ID_TOKEN_ALGORITHMS)
        check(claims, now, iss=provider.issuer, aud=provider.client_id, nonce=kept["nonce"])
        _require_ours(claims, provider)
    except TokenUnfit as unfit:
        _fail(str(unfit))
    subject = str(claims.get("sub"))
    person_id = await gateway.store.accounts.bound_to(provider.issuer, subject)
    if person_id is None:
        log.warning("sign_in_failed", outcome="not bound")
        raise Problem("not_bound", _not_bound(provider, subject), facts={"issuer": provider.issuer, "subject": subject})
    response = await begun(gateway, person_id, "oidc")
    response.status_code, response.body = 303, b""
    response.headers["Location"], response.headers["Content-Length"] = kept["return_to"], "0"
    put_cookie(response, SIGNING_IN, "", 0)
    return response


def _provider(request: Request) -> Provider:
    provider = gateway_of(request).settings.provider
    if provider is None:
        raise Problem("not_found", _NONE)
    return provider


async def _metadata(gateway: Gateway, provider: Provider) -> Mapping[str, Any]:
    try:
        return await gateway.providers.metadata(provider.issuer)
    except IssuerUnreachable as error:
        raise _unreachable() from error


async def _keys(gateway: Gateway, provider: Provider, token: str) -> Any:
    try:
        return await gateway.providers.keys(provider.issuer, unverified(token)[0].get("kid"))
    except IssuerUnreachable as error:
        raise _unreachable() from error


async def _id_token(gateway: Gateway, provider: Provider, code: str, verifier: str) -> str:
    """The ID token for *code*. Raises Problem."""
    metadata = await _metadata(gateway, provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": gateway.signing.issuer + _BACK,
        "code_verifier": verifier,
    }
    methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    basic = provider.client_secret is not None and "client_secret_basic" in methods
    if not basic:
        form |= {"client_id": provider.client_id}
        form |= {"client_secret": provider.client_secret} if provider.client_secret else {}
    try:
        async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
            if basic:
                client.auth = _basic(provider)
            answer = await client.post(_safe(metadata.get("token_endpoint")), data=form)
    except httpx.HTTPError as error:
        raise _unreachable() from error
    told = _json(answer)
    if answer.status_code != httpx.codes.OK or not isinstance(told.get("id_token"), str):
        _fail("the provider gave no ID token for the code")
    return str(told["id_token"])


def _basic(provider: Provider) -> httpx.BasicAuth:
    """Client id and secret, each form-encoded first (RFC 6749, 2.3.1)."""
    return httpx.BasicAuth(quote_plus(provider.client_id), quote_plus(provider.client_secret or ""))


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _safe(url: Any) -> str:
    if not isinstance(url, str) or not is_safe(url):
        raise _unreachable()
    return url


def _require_ours(claims: Mapping[str, Any], provider: Provider) -> None:
    """That an ID token for several was given to us (OpenID Connect Core, 3.1.3.7). Raises TokenUnfit."""
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else provider.client_id) != provider.client_id:
        raise TokenUnfit("azp: the ID token was given to another client")


def _local(path: str | None) -> str:
    """*path* if it leads to a page of ours, else the first one."""
    is_ours = path is not None and path.startswith("/") and path.isprintable() and path.isascii()
    return path if path and is_ours and not path.startswith("//") and "\\" not in path else "/"


def _unreachable() -> Problem:
    return Problem("issuer_unreachable", _SILENT, headers={"Retry-After": "15"})


def _fail(why: str) -> NoReturn:
    log.warning("sign_in_failed", outcome="oidc", error=why.partition(":")[0])
    text = Wording(f"サインインできませんでした: {why}", f"The sign-in failed: {why}. Begin again.")
    raise Problem("sign_in_failed", text)


def _not_bound(provider: Provider, subject: str) -> Wording:
    return Wording(
        f"この ID は誰にも結び付いていません。管理者に伝えてください: {provider.issuer} の {subject}",
        f"This identity is bound to nobody here. Tell your administrator: {subject} of {provider.issuer}.",
    )

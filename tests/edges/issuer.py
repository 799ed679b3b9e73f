"""A small authorization server and identity provider on this machine: real HTTP, real keys, told what to say."""

import base64
import hashlib
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet, OctKey, RSAKey
from serving import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route


class Issuer:
    """Signs what it is asked to; `requests` counts how often its keys were fetched."""

    def __init__(self) -> None:
        self.address = ""
        self.keys: list[Key] = [ECKey.generate_key("P-256", auto_kid=True)]
        self.requests = 0
        self.is_up = True
        self.claims: dict[str, Any] = {}
        """What an ID token says beside, or instead of, what it should."""
        self.subject = "u-1"
        self.secret = "secret of the client"
        self.codes: dict[str, dict[str, str]] = {}

    @property
    def app(self) -> Starlette:
        """The server."""
        routes = [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/jwks", self._jwks),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    def signed(self, claims: dict[str, Any], *, key: Key | None = None, alg: str = "ES256", typ: str = "at+jwt") -> str:
        """A token of these *claims*."""
        key = key or self.keys[0]
        return jwt.encode({"alg": alg, "typ": typ, "kid": key.kid}, claims, key, algorithms=[alg])

    def access_token(self, audience: str, now: float, **changes: Any) -> str:
        """An access token as it should be, but for the *changes*; None takes a claim out."""
        claims = {"iss": self.address, "sub": "core", "client_id": "core", "aud": audience, "iat": int(now)}
        claims |= {"exp": int(now) + 300, "jti": "j1", "scope": "cases:read needs:write", **changes}
        return self.signed({name: value for name, value in claims.items() if value is not None})

    async def _metadata(self, _: Request) -> Response:
        if not self.is_up:
            return Response(status_code=503)
        return JSONResponse(
            {
                "issuer": self.address,
                "jwks_uri": f"{self.address}/jwks",
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def _jwks(self, _: Request) -> Response:
        self.requests += 1
        return JSONResponse(KeySet(self.keys).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        """Somebody signed in there at once."""
        asked = dict(request.query_params)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.address}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        basic = base64.b64encode(f"hashi:{self.secret.replace(' ', '+')}".encode()).decode()
        is_good = (
            asked is not None
            and asked["code_challenge"] == proof.rstrip(b"=").decode()
            and asked["code_challenge_method"] == "S256"
            and asked["redirect_uri"] == form.get("redirect_uri")
            and request.headers.get("authorization") == f"Basic {basic}"
        )
        if not is_good or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.address, "sub": self.subject, "aud": "hashi", "nonce": asked["nonce"], "iat": now}
        claims |= {"exp": now + 300, **self.claims}
        told = {name: value for name, value in claims.items() if value is not None}
        return JSONResponse({"id_token": self.signed(told, typ="JWT"), "token_type": "Bearer", "access_token": "x"})


def weak_keys() -> dict[str, Key]:
    """Keys that no client may have, by what is wrong with them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        short = RSAKey.generate_key(1024, auto_kid=True)
    return {
        "a shared secret": OctKey.generate_key(256, auto_kid=True),
        "a short RSA key": short,
        "another curve": ECKey.generate_key("P-521", auto_kid=True),
    }


@asynccontextmanager
async def serving(issuer: Issuer) -> AsyncIterator[Issuer]:
    """*issuer* on a socket."""
    async with served(issuer.app) as issuer.address:
        yield issuer

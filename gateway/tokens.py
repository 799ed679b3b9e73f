"""Access tokens (RFC 9068): our own, which we sign, and those of the issuers that are trusted, checked alike.

A token says who comes; what they may is what the administrator bound its subject to, so that ending a client ends its
tokens at once.
"""

import base64
import json
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, OKPKey
from joserfc.jwt import JWTClaimsRegistry

from gateway.keysets import Issuers
from store.clients import Clients
from store.keys import Caller

ALGORITHMS: Final = ("ES256", "PS256", "Ed25519", "EdDSA")
"""What tokens and assertions may be signed with; never anything with a shared secret, never `none`, no RSA PKCS #1."""
LIFETIME: Final = 600
"""Seconds for which an access token of ours is good."""
LEEWAY: Final = 30
"""Seconds by which clocks may differ."""
_OURS: Final = "Ed25519"
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})


class TokenUnfit(Exception):
    """A token that opens nothing; the message says why, for the log of whoever sends it."""


@dataclass(frozen=True)
class Signing:
    """Our own keys: the first of the seeds signs, all of them verify."""

    issuer: str
    audience: str
    seeds: tuple[bytes, ...]

    @cached_property
    def keys(self) -> list[OKPKey]:
        """The key pairs, each named by its thumbprint (RFC 7638)."""
        return [_key(seed) for seed in self.seeds]

    def jwks(self) -> dict[str, Any]:
        """The public keys, as they are told to everybody."""
        keys = [one.as_dict(private=False) | {"use": "sig", "alg": _OURS} for one in self.keys]
        return {"keys": keys}

    def token(self, client_id: str, scope: str, now: datetime) -> str:
        """An access token for *client_id* and *scope*."""
        at, key = int(now.timestamp()), self.keys[0]
        claims = {
            "iss": self.issuer,
            "sub": client_id,
            "client_id": client_id,
            "aud": self.audience,
            "iat": at,
            "exp": at + LIFETIME,
            "jti": secrets.token_urlsafe(16),
            "scope": scope,
        }
        return jwt.encode({"alg": _OURS, "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=[_OURS])


class Tokens:
    """Says who comes with an access token."""

    def __init__(self, signing: Signing, issuers: Issuers, clients: Clients, *, sender_checked: bool = False) -> None:
        self._signing = signing
        self._issuers = issuers
        self._clients = clients
        self._sender_checked = sender_checked

    async def who(self, token: str) -> Caller:
        """Who comes with *token*. Raises TokenUnfit, IssuerUnreachable, StoreUnreachable."""
        header, told = unverified(token)
        issuer = told.get("iss")
        if str(header.get("typ", "")).lower() not in _TYPES:
            raise TokenUnfit("typ is not at+jwt: this is no access token (RFC 9068)")
        is_ours = issuer == self._signing.issuer
        claims = verified(token, await self._keys(issuer, header.get("kid"), is_ours=is_ours))
        if "cnf" in claims and not self._sender_checked:
            raise TokenUnfit("cnf: the token is bound to its sender, which nobody here checks")
        found = await self._clients.who(None if is_ours else str(issuer), str(claims.get("sub")))
        if found is None:
            raise TokenUnfit("sub: nobody is bound to this subject of this issuer, or the client has ended")
        caller, now = found
        check(claims, now, iss=str(issuer), aud=self._signing.audience)
        granted = frozenset(str(claims.get("scope", "")).split())
        return replace(caller, scopes=granted if caller.may_all else granted & caller.scopes)

    async def _keys(self, issuer: object, key_id: Any, *, is_ours: bool) -> KeySet:
        if is_ours:
            return KeySet(list(self._signing.keys))
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise TokenUnfit("iss: this issuer is not trusted here")
        return await self._issuers.keys(issuer, key_id)


def unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What *token* says of itself: its header and its claims, which nobody vouches for yet. Raises TokenUnfit."""
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    except (ValueError, RecursionError) as error:
        raise TokenUnfit("this is no signed JWT") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenUnfit("this is no signed JWT")
    return header, claims


def verified(token: str, keys: KeySet, algorithms: tuple[str, ...] = ALGORITHMS) -> dict[str, Any]:
    """The claims of *token*, signed with one of *keys*. Raises TokenUnfit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # EdDSA, the older name of Ed25519
            return jwt.decode(token, keys, algorithms=algorithms).claims
    except (JoseError, ValueError, TypeError) as error:
        raise TokenUnfit(f"the signature is not of a known key and an allowed algorithm: {error}") from error


def check(claims: Mapping[str, Any], now: datetime, **wanted: str) -> None:
    """That *claims* are in force *now*, and say what is *wanted*. Raises TokenUnfit."""
    rules = {name: {"essential": True, "value": value} for name, value in wanted.items()}
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        exp={"essential": True},
        **rules,  # type: ignore[arg-type]
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        raise TokenUnfit(str(error)) from error


def _key(seed: bytes) -> OKPKey:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = OKPKey.import_key(pem)
    key.ensure_kid()
    return key

"""The public keys of other issuers: found by their metadata, remembered, and fetched anew when an unknown one is named.

An issuer that does not answer keeps its keys for an hour; a stranger's tokens cannot make us ask it again and again.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

log = structlog.get_logger("gateway")
FRESH: Final = 600.0
"""Seconds after which keys are fetched anew."""
STALE: Final = 3600.0
"""Seconds for which keys count while their issuer does not answer."""
PAUSE: Final = 15.0
"""Seconds between two attempts."""
_MOST: Final = 256 * 1024
_WELL_KNOWN: Final = ("openid-configuration", "oauth-authorization-server")


class IssuerUnreachable(Exception):
    """An issuer does not tell its keys: it does not answer, or not with what it should."""


@dataclass
class _Known:
    metadata: Mapping[str, Any] = field(default_factory=dict)
    keys: KeySet | None = None
    fetched_at: float = 0.0
    tried_at: float = -PAUSE
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Issuers:
    """What is known of the *trusted* issuers; asks nobody else."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self._known: Final = {issuer: _Known() for issuer in trusted}

    def __contains__(self, issuer: object) -> bool:
        return issuer in self._known

    async def keys(self, issuer: str, key_id: str | None) -> KeySet:
        """The keys of *issuer*, fetched anew where *key_id* is not among them. Raises IssuerUnreachable."""
        known = self._known[issuer]
        async with known.lock:
            now = asyncio.get_running_loop().time()
            has = known.keys is not None and (key_id is None or any(one.kid == key_id for one in known.keys))
            if (not has or now - known.fetched_at > FRESH) and now - known.tried_at >= PAUSE:
                await self._fetch(issuer, known, now)
            if known.keys is None or now - known.fetched_at > STALE:
                raise IssuerUnreachable(issuer)
            return known.keys

    async def metadata(self, issuer: str) -> Mapping[str, Any]:
        """What *issuer* says of itself. Raises IssuerUnreachable."""
        await self.keys(issuer, None)
        return self._known[issuer].metadata

    async def _fetch(self, issuer: str, known: _Known, now: float) -> None:
        known.tried_at = now
        try:
            metadata = await discovered(issuer)
            keys = KeySet.import_key_set(await _document(metadata["jwks_uri"]))  # type: ignore[arg-type]
        except (IssuerUnreachable, JoseError, KeyError, TypeError, ValueError) as error:
            log.warning("issuer_unreachable", url=issuer, error=type(error).__name__)
            return
        known.metadata, known.keys, known.fetched_at = metadata, keys, now


async def discovered(issuer: str) -> Mapping[str, Any]:
    """The metadata of *issuer* (OpenID Connect Discovery, RFC 8414). Raises IssuerUnreachable."""
    parts = urlsplit(issuer)
    for name in _WELL_KNOWN:
        behind = name == "openid-configuration"  # OpenID appends the well-known path, RFC 8414 puts it in between
        path = f"{parts.path.rstrip('/')}/.well-known/{name}" if behind else f"/.well-known/{name}{parts.path}"
        try:
            told = await _document(urlunsplit(parts._replace(path=path.rstrip("/"))))
        except IssuerUnreachable:
            continue
        if told.get("issuer") == issuer and isinstance(told.get("jwks_uri"), str):
            return told
    raise IssuerUnreachable(f"{issuer} has no metadata that names it as the issuer, and its jwks_uri")


async def _document(url: str) -> Mapping[str, Any]:
    if not is_safe(url):
        raise IssuerUnreachable(f"{url} is not https")
    try:
        async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
            answer = await client.get(url, headers={"Accept": "application/json"})
    except httpx.HTTPError as error:
        raise IssuerUnreachable(f"{url} does not answer: {error}") from error
    if answer.status_code != httpx.codes.OK or len(answer.content) > _MOST:
        raise IssuerUnreachable(f"{url} answers {answer.status_code}, {len(answer.content)} bytes")
    try:
        told = json.loads(answer.content)
    except ValueError as error:
        raise IssuerUnreachable(f"{url} answers no JSON") from error
    if not isinstance(told, dict):
        raise IssuerUnreachable(f"{url} answers no JSON object")
    return told


def is_safe(url: str) -> bool:
    """Whether *url* is https, or on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})

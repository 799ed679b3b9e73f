"""Pushing one message to a webhook: signed by Standard Webhooks, over a connection that cannot lead inside.

Signatures are HMAC-SHA256 (`v1`) and Ed25519 (`v1a`) of `id.timestamp.body`. Redirects are not followed, and no proxy
of the environment is asked.
"""

import asyncio
import hashlib
import hmac
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpcore
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.webhooks import is_loopback, is_public
from store.endpoints import Secret

MEDIA_TYPE: Final = "application/cloudevents+json"
_CONNECT: Final = 5.0
_WHOLE: Final = 15.0
"""Seconds that one attempt takes at most."""
_MOST: Final = 64 * 1024
"""Bytes of an answer that are looked at."""
_LATEST: Final = timedelta(days=1)
"""How long a receiver may ask us to wait."""
_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_GONE: Final = 410


class Forbidden(httpcore.ConnectError):
    """The name leads to an address that nothing may be pushed to."""


@dataclass(frozen=True)
class Outcome:
    """What a receiver answered, or why there is no answer."""

    failure: str | None = None
    """None: it took the message."""
    is_gone: bool = False
    """It wants no more messages (410)."""
    wait: timedelta = timedelta()
    """How long it asks us to wait."""
    body: bytes = b""


class Webhooks:
    """Sends to webhooks; with *loopback* also to this machine, for development. Close it after use."""

    def __init__(self, *, loopback: bool = False) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=100,
            keepalive_expiry=30.0,
            network_backend=_Guarded(loopback=loopback),
        )

    async def send(self, url: str, message_id: str, body: bytes, secrets: Sequence[Secret]) -> Outcome:
        """Push *body* to *url*, signed with *secrets*; never raises for what the receiver does."""
        at = int(time.time())
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": MEDIA_TYPE,
            "User-Agent": "hashi",
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signatures(message_id, at, body, secrets),
        }
        limits = {"connect": _CONNECT, "read": _WHOLE, "write": _WHOLE, "pool": _WHOLE}
        try:
            async with (
                asyncio.timeout(_WHOLE),
                self._pool.stream(
                    "POST", url, headers=headers, content=body, extensions={"timeout": limits}
                ) as response,
            ):
                return _outcome(response, await _start_of(response))
        except (TimeoutError, httpcore.TimeoutException):
            return Outcome("no answer in time")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
            return Outcome(_told(error))

    async def close(self) -> None:
        """End all connections."""
        await self._pool.aclose()


def signatures(message_id: str, at: int, body: bytes, secrets: Iterable[Secret]) -> str:
    """The value of `webhook-signature`: one of each kind for each secret, divided by spaces."""
    signed = f"{message_id}.{at}.".encode() + body
    found = []
    for one in secrets:
        found.append(f"v1,{_base64(hmac.digest(one.shared, signed, hashlib.sha256))}")
        found.append(f"v1a,{_base64(Ed25519PrivateKey.from_private_bytes(one.seed).sign(signed))}")
    return " ".join(found)


def shared_secret(secret: Secret) -> str:
    """The secret as the lender keeps it, to verify `v1`."""
    return f"whsec_{_base64(secret.shared)}"


def public_key(secret: Secret) -> str:
    """The key with which the lender verifies `v1a`."""
    key = Ed25519PrivateKey.from_private_bytes(secret.seed).public_key()
    return f"whpk_{_base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}"


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses of the public internet only: a name is resolved once, and what was judged is connected."""

    def __init__(self, *, loopback: bool) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._loopback = loopback

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to *host*. Raises Forbidden when one of its addresses is not allowed."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        for one in addresses:
            if not (is_public(one) or (self._loopback and is_loopback(one))):
                raise Forbidden(f"{host} leads to {one}, which is not public")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


async def _start_of(response: httpcore.Response) -> bytes:
    found = b""
    async for part in response.aiter_stream():
        found += part
        if len(found) > _MOST:
            break
    return found[:_MOST]


def _outcome(response: httpcore.Response, body: bytes) -> Outcome:
    status = response.status
    if status in _OK:
        return Outcome(body=body)
    if status in _REDIRECT:
        return Outcome(f"HTTP {status}: redirects are not followed")
    return Outcome(f"HTTP {status}", status == _GONE, _wait(response))


def _wait(response: httpcore.Response) -> timedelta:
    """What Retry-After asks for (RFC 9110, 10.2.3)."""
    told = next((value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after"), "")
    if told.strip().isdecimal() and len(told) < 10:
        return min(timedelta(seconds=int(told)), _LATEST)
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return timedelta()
    left = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
    return max(timedelta(), min(left, _LATEST))


def _told(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:200]


def _base64(content: bytes) -> str:
    return b64encode(content).decode()

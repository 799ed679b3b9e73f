"""Webhooks of lenders: where events are pushed to, with the secrets that sign them, and how each stands."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import SystemRandom, token_bytes
from typing import Any, Final

from domain.envelope import made_id
from store.pool import Pool, fetch
from store.sealing import Seals

AGAIN: Final = tuple(timedelta(seconds=one) for one in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Waits between attempts, 75 hours in all, as Standard Webhooks proposes them; after the last nothing is tried."""
_JITTER: Final = 0.1
_SELECT: Final = """
SELECT endpoint_id, lender_id, url, payload, status, cursor, attempts, failing_since, failure, verified_at, created_at,
       hashi.now()
FROM hashi.endpoints
"""
_FIND: Final = _SELECT + "WHERE endpoint_id = %s"
_LIST: Final = _SELECT + "WHERE %(lender)s::text IS NULL OR lender_id = %(lender)s ORDER BY created_at, endpoint_id"
_RUNNING: Final = "SELECT endpoint_id FROM hashi.endpoints WHERE status IN ('pending', 'active') ORDER BY endpoint_id"
_ADD: Final = """
INSERT INTO hashi.endpoints (endpoint_id, lender_id, url, payload, status, sealed_secrets, cursor)
VALUES (%s, %s, %s, %s, 'pending', %s, %s) ON CONFLICT (endpoint_id) DO NOTHING
"""
_REMOVE: Final = "DELETE FROM hashi.endpoints WHERE endpoint_id = %s"
_SECRETS: Final = "SELECT sealed_secrets FROM hashi.endpoints WHERE endpoint_id = %s"
_SET_SECRETS: Final = "UPDATE hashi.endpoints SET sealed_secrets = %s WHERE endpoint_id = %s"
_FAILING: Final = """
UPDATE hashi.endpoints SET failing_since = coalesce(failing_since, hashi.now()), failure = %s WHERE endpoint_id = %s
"""
_WELL: Final = """
UPDATE hashi.endpoints AS e SET failing_since = NULL, failure = NULL FROM hashi.endpoints AS old
WHERE e.endpoint_id = %s AND old.endpoint_id = e.endpoint_id AND e.failing_since IS NOT NULL
RETURNING hashi.now() - old.failing_since
"""
_VERIFIED: Final = """
UPDATE hashi.endpoints SET status = 'active', verified_at = hashi.now(), attempts = 0, failure = NULL
WHERE endpoint_id = %s AND status = 'pending'
"""
_UNVERIFIED: Final = """
UPDATE hashi.endpoints SET attempts = attempts + 1, failure = %s, next_at = hashi.now() + %s WHERE endpoint_id = %s
"""
_IS_DUE: Final = "SELECT next_at <= hashi.now() FROM hashi.endpoints WHERE endpoint_id = %s"
_STOP: Final = (
    "UPDATE hashi.endpoints SET status = %s, failure = %s WHERE endpoint_id = %s AND status <> %s RETURNING 1"
)
_GO_ON: Final = """
UPDATE hashi.endpoints SET status = CASE WHEN verified_at IS NULL THEN 'pending' ELSE 'active' END,
    attempts = 0, next_at = hashi.now()
WHERE endpoint_id = %s AND status <> 'active'
"""


class Payload(StrEnum):
    """What is pushed of an event."""

    thin = "thin"
    """Its id, type, case and number, with the address where the rest is read."""
    full = "full"


class Stand(StrEnum):
    """How an endpoint stands."""

    pending = "pending"
    """It has not answered the challenge yet."""
    active = "active"
    suspended = "suspended"
    """An event was tried for three days in vain, or the challenge never answered: a replay goes on."""
    gone = "gone"
    """It answered 410: it wants nothing more."""


@dataclass(frozen=True)
class Secret:
    """What signs: a key for HMAC-SHA256 (`v1`), which the lender has too, and a seed for Ed25519 (`v1a`)."""

    shared: bytes
    seed: bytes
    until: datetime | None = None
    """When it ends; None: it is the newest."""

    @classmethod
    def new(cls) -> "Secret":
        """A fresh one."""
        return cls(token_bytes(32), token_bytes(32))


@dataclass(frozen=True)
class Endpoint:
    """A webhook of a lender."""

    endpoint_id: str
    lender_id: str
    url: str
    payload: Payload
    status: Stand
    cursor: int
    """The last number of the feed that was taken over into deliveries."""
    attempts: int
    failing_since: datetime | None
    failure: str | None
    verified_at: datetime | None
    created_at: datetime
    now: datetime
    """When this was read."""


class Endpoints:
    """Keeps endpoints. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals) -> None:
        self._pool = pool
        self._seals = seals

    async def add(self, key: str, lender_id: str, url: str, payload: Payload, after: int) -> tuple[Endpoint, Secret]:
        """A new endpoint of *lender_id*, which gets what comes after a number; the same *key* adds it once."""
        endpoint_id = made_id("endpoint", f"{lender_id}:{key}")
        sealed = self._sealed(endpoint_id, [Secret.new()])
        await fetch(self._pool, _ADD, [endpoint_id, lender_id, url, payload.value, sealed, after])
        found = await self.find(endpoint_id)
        assert found is not None
        return found, (await self.secrets(found))[0]

    async def find(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint; None when there is none."""
        found = await fetch(self._pool, _FIND, [endpoint_id])
        return _endpoint(found[0]) if found else None

    async def listed(self, lender_id: str | None = None) -> list[Endpoint]:
        """The endpoints of *lender_id*, or all."""
        return [_endpoint(row) for row in await fetch(self._pool, _LIST, {"lender": lender_id})]

    async def running(self) -> list[str]:
        """The endpoints that something is, or will be, pushed to."""
        return [endpoint_id for (endpoint_id,) in await fetch(self._pool, _RUNNING)]

    async def remove(self, endpoint_id: str) -> None:
        """Forget the endpoint and its deliveries."""
        await fetch(self._pool, _REMOVE, [endpoint_id])

    async def secrets(self, endpoint: Endpoint) -> list[Secret]:
        """The secrets that sign at present, the newest first; none once the endpoint is removed."""
        found = await fetch(self._pool, _SECRETS, [endpoint.endpoint_id])
        kept = self._opened(endpoint.endpoint_id, found[0][0]) if found else []
        return [one for one in kept if one.until is None or endpoint.now < one.until]

    async def rotate(self, endpoint: Endpoint, overlap: timedelta) -> Secret:
        """A new secret; the newest until now signs beside it for *overlap*, older ones no more."""
        [newest, *_] = await self.secrets(endpoint)
        secret = Secret.new()
        old = Secret(newest.shared, newest.seed, endpoint.now + overlap)
        await fetch(self._pool, _SET_SECRETS, [self._sealed(endpoint.endpoint_id, [secret, old]), endpoint.endpoint_id])
        return secret

    async def is_due(self, endpoint_id: str) -> bool:
        """Whether it is time for the challenge."""
        found = await fetch(self._pool, _IS_DUE, [endpoint_id])
        return bool(found and found[0][0])

    async def verified(self, endpoint_id: str) -> None:
        """The endpoint has answered the challenge."""
        await fetch(self._pool, _VERIFIED, [endpoint_id])

    async def unverified(self, endpoint: Endpoint, failure: str) -> bool:
        """The challenge was not answered; False when that was the last attempt."""
        if endpoint.attempts >= len(AGAIN):
            return False
        await fetch(self._pool, _UNVERIFIED, [failure, wait_after(endpoint.attempts), endpoint.endpoint_id])
        return True

    async def failing(self, endpoint_id: str, failure: str) -> None:
        """Note that the endpoint took no event, and why."""
        await fetch(self._pool, _FAILING, [failure, endpoint_id])

    async def recovered(self, endpoint_id: str) -> timedelta | None:
        """Note that the endpoint takes events; for how long it had not, if it had not."""
        found = await fetch(self._pool, _WELL, [endpoint_id])
        return found[0][0] if found else None

    async def stop(self, endpoint_id: str, status: Stand, failure: str) -> bool:
        """Push nothing more; False when it stands so already."""
        return bool(await fetch(self._pool, _STOP, [status.value, failure, endpoint_id, status.value]))

    async def go_on(self, endpoint_id: str) -> None:
        """Push again to an endpoint that was stopped."""
        await fetch(self._pool, _GO_ON, [endpoint_id])

    def _sealed(self, endpoint_id: str, secrets: Sequence[Secret]) -> bytes:
        told = [
            [b64encode(one.shared).decode(), b64encode(one.seed).decode(), one.until.isoformat() if one.until else None]
            for one in secrets
        ]
        return self._seals.seal(json.dumps(told).encode(), endpoint_id)

    def _opened(self, endpoint_id: str, sealed: bytes) -> list[Secret]:
        told = json.loads(self._seals.unseal(sealed, endpoint_id))
        return [
            Secret(b64decode(shared), b64decode(seed), datetime.fromisoformat(until) if until else None)
            for shared, seed, until in told
        ]


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts before this one, give or take a tenth."""
    return AGAIN[attempts] * SystemRandom().uniform(1 - _JITTER, 1 + _JITTER)


def _endpoint(row: Sequence[Any]) -> Endpoint:
    endpoint_id, lender_id, url, payload, status, cursor, *rest = row
    return Endpoint(endpoint_id, lender_id, url, Payload(payload), Stand(status), cursor, *rest)

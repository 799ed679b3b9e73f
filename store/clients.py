"""OAuth clients: which person a program acts as, with which keys or for which issuer, and which assertions it used."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.envelope import Organization, Person
from store.access import clients
from store.keys import NOTED_EVERY, Caller
from store.pool import Pool, fetch, rows

_WHO: Final = """
SELECT c.client_id, row_to_json(p), row_to_json(o), c.scopes, c.last_used_at, hashi.now()
FROM hashi.clients c JOIN hashi.people p USING (person_id) JOIN hashi.organizations o USING (org_id)
WHERE coalesce(c.issuer, '') = %s AND c.subject = %s AND c.revoked_at IS NULL
"""
_NOTE: Final = """
UPDATE hashi.clients SET last_used_at = %(now)s WHERE client_id = %(id)s AND last_used_at IS NOT DISTINCT FROM %(was)s
"""
_USE: Final = """
WITH gone AS (DELETE FROM hashi.assertions WHERE expires_at < hashi.now())
INSERT INTO hashi.assertions (client_id, jti_hash, expires_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1
"""


@dataclass(frozen=True)
class Client:
    """A client as it may be shown; it has public keys of its own, or another issuer vouches for it."""

    client_id: str
    issuer: str | None
    subject: str
    person_id: str
    label: str
    scopes: tuple[str, ...]
    jwks: Mapping[str, Any] | None
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class Clients:
    """Keeps OAuth clients; remembers none. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def register(
        self,
        person_id: str,
        label: str,
        scopes: Iterable[str],
        *,
        jwks: Mapping[str, Any] | None = None,
        vouched: tuple[str, str] | None = None,
    ) -> Client:
        """A client that acts as *person_id*: with keys of its own, or *vouched* for as an issuer's subject.

        Raises psycopg.errors.ForeignKeyViolation for an unknown person, UniqueViolation for a subject that is taken.
        """
        client_id = f"hc_{secrets.token_hex(8)}"
        issuer, subject = vouched or (None, client_id)
        values: dict[str, Any] = {
            "client_id": client_id,
            "issuer": issuer,
            "subject": subject,
            "person_id": person_id,
            "label": label,
            "scopes": sorted(scopes),
        }
        if jwks is not None:
            values["jwks"] = Jsonb(jwks)
        return _client((await rows(self._pool, insert(clients).values(values).returning(clients)))[0])

    async def find(self, client_id: str) -> Client | None:
        """The client *client_id*, ended or not; None when it is unknown."""
        found = await rows(self._pool, select(clients).where(clients.c.client_id == client_id))
        return _client(found[0]) if found else None

    async def change_keys(self, client_id: str, jwks: Mapping[str, Any]) -> None:
        """The public keys of *client_id* are *jwks* from now on."""
        changing = update(clients).where(clients.c.client_id == client_id, clients.c.issuer.is_(None))
        await rows(self._pool, changing.values(jwks=Jsonb(jwks)))

    async def revoke(self, client_id: str) -> None:
        """End *client_id*: tokens it was given open nothing from the next request on."""
        ending = update(clients).where(clients.c.client_id == client_id, clients.c.revoked_at.is_(None))
        await rows(self._pool, ending.values(revoked_at=func.hashi.now()))

    async def listed(
        self, person_id: str | None = None, *, ended: bool = False, after: str = "", limit: int = 200
    ) -> list[Client]:
        """The clients behind *after* by id, of one person or all; those that have *ended* too, if asked for."""
        wanted = select(clients).where(clients.c.client_id > after).order_by(clients.c.client_id).limit(limit)
        if person_id is not None:
            wanted = wanted.where(clients.c.person_id == person_id)
        if not ended:
            wanted = wanted.where(clients.c.revoked_at.is_(None))
        return [_client(row) for row in await rows(self._pool, wanted)]

    async def who(self, issuer: str | None, subject: str) -> tuple[Caller, datetime] | None:
        """Who comes as *subject* of *issuer* (None: of our own), and the time; None when nobody is bound to it."""
        for client_id, person, organization, scopes, used, now in await fetch(
            self._pool, _WHO, [issuer or "", subject]
        ):
            if used is None or now - used >= NOTED_EVERY:
                await fetch(self._pool, _NOTE, {"id": client_id, "now": now, "was": used})
            return Caller(Person(**person), Organization(**organization), client_id, frozenset(scopes)), now
        return None

    async def use(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        """Whether the assertion *jti* of *client_id* is used for the first time now."""
        return bool(await fetch(self._pool, _USE, [client_id, hashlib.sha256(jti.encode()).digest(), expires_at]))


def _client(row: dict[str, Any]) -> Client:
    return Client(**{**row, "scopes": tuple(row["scopes"])})

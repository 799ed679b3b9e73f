"""API keys: issued once, kept as hashes, two of them live while one takes the other's place."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.envelope import Organization, Person
from domain.scopes import Scope
from store.pool import Connection, Pool, fetch, rows, transaction
from store.tables import api_keys

NOTED_EVERY: Final = timedelta(minutes=1)
"""How exact the last use of a key is told."""
_WHO: Final = """
SELECT k.secret_hash, row_to_json(p), row_to_json(o), k.scopes, k.last_used_at, hashi.now()
FROM hashi.api_keys k JOIN hashi.people p USING (person_id) JOIN hashi.organizations o USING (org_id)
WHERE k.key_id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > hashi.now())
"""
_NOTE: Final = """
UPDATE hashi.api_keys SET last_used_at = %(now)s WHERE key_id = %(key_id)s AND last_used_at IS NOT DISTINCT FROM %(was)s
"""
_LIVE: Final = api_keys.c.revoked_at.is_(None) & or_(
    api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.hashi.now()
)


class AlreadyRotated(Exception):
    """Two keys of one line are live: one of them has to end before another is made."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id
        """The live key before or after the one that was to be rotated."""


@dataclass(frozen=True)
class Caller:
    """Who comes with a key, a token or a session, and what that is for."""

    person: Person
    organization: Organization
    key_id: str
    """What they came with: the id of the key, client or session."""
    scopes: frozenset[str] = frozenset({Scope.all})
    ends_at: datetime | None = None
    """When the session ends they came in, where it is one."""

    @property
    def may_all(self) -> bool:
        """Whether what they came with is for whatever the person may do."""
        return Scope.all in self.scopes

    def may(self, scope: Scope) -> bool:
        """Whether what they came with is for *scope*."""
        return self.may_all or scope in self.scopes


@dataclass(frozen=True)
class Key:
    """A key as it may be shown."""

    key_id: str
    person_id: str
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    replaces: str | None


class Keys:
    """Keeps API keys; remembers none, so that what is revoked ends with the next request everywhere.

    Every method raises StoreUnreachable when the database is away.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def issue(
        self,
        person_id: str,
        label: str,
        expires_at: datetime | None = None,
        scopes: Iterable[str] = (Scope.all,),
    ) -> str:
        """A new token `hk_<key id>_<secret>` for *person_id*, shown this once: only the secret's hash is kept.

        Raises psycopg.errors.ForeignKeyViolation for an unknown person.
        """
        return await _add(self._pool, person_id, label, sorted(scopes), expires_at)

    async def find(self, key_id: str) -> Key | None:
        """The key *key_id*, live or not; None when it is unknown."""
        found = await rows(self._pool, _shown().where(api_keys.c.key_id == key_id))
        return _key(found[0]) if found else None

    async def rotate(self, key_id: str, overlap: timedelta) -> str | None:
        """A token that takes the place of *key_id*, which ends after *overlap*; None when that one is not live.

        The new key is for the same and lives as long. Raises AlreadyRotated.
        """
        async with transaction(self._pool) as connection:
            lock = _shown().where(api_keys.c.key_id == key_id, _LIVE).with_for_update()
            found = await rows(connection, lock)
            if not found:
                return None
            old = _key(found[0])
            beside = or_(api_keys.c.replaces == key_id, api_keys.c.key_id == old.replaces)
            for other in await rows(connection, _shown().where(beside, _LIVE)):
                raise AlreadyRotated(other["key_id"])
            [(now,)] = await fetch(connection, "SELECT hashi.now()")
            ends_at = old.expires_at and now + (old.expires_at - old.created_at)
            token = await _add(connection, old.person_id, old.label, old.scopes, ends_at, replaces=key_id)
            last = min(now + overlap, old.expires_at or now + overlap)
            await rows(connection, update(api_keys).where(api_keys.c.key_id == key_id).values(expires_at=last))
            return token

    async def revoke(self, key_id: str) -> None:
        """End the key *key_id*: from the next request on nobody comes in with it, by whichever process."""
        ending = update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        await rows(self._pool, ending.values(revoked_at=func.hashi.now()))

    async def listed(
        self, person_id: str | None = None, *, ended: bool = False, after: str = "", limit: int = 200
    ) -> list[Key]:
        """The keys behind *after* by id, of one person or all; those that have *ended* too, if asked for."""
        wanted = _shown().where(api_keys.c.key_id > after).order_by(api_keys.c.key_id).limit(limit)
        if person_id is not None:
            wanted = wanted.where(api_keys.c.person_id == person_id)
        return [_key(row) for row in await rows(self._pool, wanted if ended else wanted.where(_LIVE))]

    async def who(self, token: str) -> Caller | None:
        """Who comes with *token*; None when it is no token, unknown, expired or revoked."""
        match token.split("_", 2):
            case ["hk", key_id, secret] if key_id.isalnum() and key_id.isascii():
                for kept, person, organization, scopes, used, now in await fetch(self._pool, _WHO, [key_id]):
                    if hmac.compare_digest(kept, _hash(secret)):
                        await self._note_use(key_id, used, now)
                        return Caller(Person(**person), Organization(**organization), key_id, frozenset(scopes))
        return None

    async def _note_use(self, key_id: str, used: datetime | None, now: datetime) -> None:
        if used is None or now - used >= NOTED_EVERY:
            await fetch(self._pool, _NOTE, {"key_id": key_id, "now": now, "was": used})


async def _add(
    place: Pool | Connection,
    person_id: str,
    label: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    *,
    replaces: str | None = None,
) -> str:
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    values = {
        "key_id": key_id,
        "secret_hash": _hash(secret),
        "person_id": person_id,
        "label": label,
        "scopes": list(scopes),
        "expires_at": expires_at,
        "replaces": replaces,
    }
    await rows(place, insert(api_keys).values(values))
    return f"hk_{key_id}_{secret}"


def _shown() -> Any:
    return select(*(api_keys.c[name] for name in Key.__dataclass_fields__))


def _key(row: dict[str, Any]) -> Key:
    return Key(**{**row, "scopes": tuple(row["scopes"])})


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

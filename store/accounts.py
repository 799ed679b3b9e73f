"""Local accounts and identities elsewhere: who may sign in, how they were invited, and what was used already."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from store.access import identities
from store.pool import Pool, fetch, rows, transaction
from store.sealing import Seals

_INVITE: Final = """
INSERT INTO hashi.accounts (person_id, invitation_hash, invited_until, offered_totp)
VALUES (%(person)s, %(hash)s, hashi.now() + %(open)s, %(totp)s)
ON CONFLICT (person_id) DO UPDATE SET invitation_hash = excluded.invitation_hash,
    invited_until = excluded.invited_until, offered_totp = excluded.offered_totp
RETURNING invited_until
"""
_INVITED: Final = """
SELECT person_id, offered_totp, hashi.now() FROM hashi.accounts
WHERE invitation_hash = %s AND invited_until > hashi.now()
"""
_ACCEPT: Final = """
WITH done AS (
    UPDATE hashi.accounts SET password_hash = %(password)s, sealed_totp = offered_totp, last_step = %(step)s,
        invitation_hash = NULL, invited_until = NULL, offered_totp = NULL
    WHERE invitation_hash = %(hash)s AND invited_until > hashi.now() RETURNING person_id
), ended AS (
    UPDATE hashi.sessions SET ended_at = hashi.now()
    WHERE person_id IN (SELECT person_id FROM done) AND ended_at IS NULL
)
SELECT person_id FROM done
"""
_ACCOUNT: Final = """
SELECT password_hash, sealed_totp FROM hashi.accounts WHERE person_id = %s AND password_hash IS NOT NULL
"""
_STEP: Final = """
UPDATE hashi.accounts SET last_step = %(step)s
WHERE person_id = %(person)s AND (last_step IS NULL OR last_step < %(step)s) RETURNING 1
"""
_REHASH: Final = "UPDATE hashi.accounts SET password_hash = %s WHERE person_id = %s AND password_hash = %s"
_BOUND: Final = "SELECT person_id FROM hashi.identities WHERE issuer = %s AND subject = %s"
_SHUT_OUT: Final = "SELECT hashi.shut_out(%s)"


@dataclass(frozen=True)
class Account:
    """What somebody proves themselves with."""

    person_id: str
    password_hash: str
    totp: str


@dataclass(frozen=True)
class Invitation:
    """Whom an invitation is for, the one-time code secret it offers, and the time."""

    person_id: str
    totp: str
    now: datetime


class Accounts:
    """Keeps accounts. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals) -> None:
        self._pool = pool
        self._seals = seals

    async def invite(self, person_id: str, totp: str, open_for: timedelta) -> tuple[str, datetime]:
        """A code `hi_…`, shown this once, by which *person_id* sets a password and takes over *totp*; and its end.

        What they had goes on until then. An earlier invitation ends. Raises psycopg.errors.ForeignKeyViolation.
        """
        code = f"hi_{secrets.token_urlsafe(32)}"
        values = {
            "person": person_id,
            "hash": _hash(code),
            "open": open_for,
            "totp": self._seals.seal(totp.encode(), _context(person_id)),
        }
        [(until,)] = await fetch(self._pool, _INVITE, values)
        return code, until

    async def invitation(self, code: str) -> Invitation | None:
        """Whom *code* invites; None when it was used, has ended, or never was."""
        for person_id, totp, now in await fetch(self._pool, _INVITED, [_hash(code)]):
            return Invitation(person_id, self._opened(person_id, totp), now)
        return None

    async def accept(self, code: str, password_hash: str, step: int) -> bool:
        """Whether *code* was good: the account has the password and the one-time secret now, and no session."""
        values = {"password": password_hash, "step": step, "hash": _hash(code)}
        return bool(await fetch(self._pool, _ACCEPT, values))

    async def find(self, person_id: str) -> Account | None:
        """The account of *person_id*; None when they have none, or were only invited."""
        for password_hash, totp in await fetch(self._pool, _ACCOUNT, [person_id]):
            return Account(person_id, password_hash, self._opened(person_id, totp))
        return None

    async def use_step(self, person_id: str, step: int) -> bool:
        """Whether a one-time code of the time *step* is used for the first time, and none of a later one was."""
        return bool(await fetch(self._pool, _STEP, {"person": person_id, "step": step}))

    async def rehash(self, account: Account, password_hash: str) -> None:
        """Keep the same password of *account* under today's parameters."""
        await fetch(self._pool, _REHASH, [password_hash, account.person_id, account.password_hash])

    async def bind(self, person_id: str, bound: Sequence[tuple[str, str]]) -> None:
        """*person_id* signs in as those subjects of issuers, and no others.

        Raises psycopg.errors.ForeignKeyViolation, UniqueViolation for a subject that is somebody else.
        """
        async with transaction(self._pool) as connection:
            await rows(connection, delete(identities).where(identities.c.person_id == person_id))
            values = [{"issuer": issuer, "subject": subject, "person_id": person_id} for issuer, subject in bound]
            if values:
                await rows(connection, insert(identities).values(values))

    async def bound(self, person_id: str) -> list[tuple[str, str]]:
        """The issuers and subjects *person_id* signs in as."""
        statement = select(identities).where(identities.c.person_id == person_id).order_by(identities.c.issuer)
        return [(row["issuer"], row["subject"]) for row in await rows(self._pool, statement)]

    async def bound_to(self, issuer: str, subject: str) -> str | None:
        """The person that *subject* of *issuer* is; None when nobody is."""
        for (person_id,) in await fetch(self._pool, _BOUND, [issuer, subject]):
            return str(person_id)
        return None

    async def shut_out(self, person_id: str) -> None:
        """End everything *person_id* comes in by: account, identities, sessions, keys and clients."""
        await fetch(self._pool, _SHUT_OUT, [person_id])

    def _opened(self, person_id: str, totp: bytes) -> str:
        return self._seals.unseal(totp, _context(person_id)).decode()


def _context(person_id: str) -> str:
    return f"totp {person_id}"


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()

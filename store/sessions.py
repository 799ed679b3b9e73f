"""Sessions of people in a browser, and the pauses between attempts to begin one."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update

from domain.envelope import Organization, Person
from store.access import sessions
from store.keys import NOTED_EVERY, Caller
from store.pool import Pool, fetch, rows

LONGEST: Final = timedelta(hours=12)
"""How long a session lasts at most."""
IDLE: Final = timedelta(hours=1)
"""After how long without a request it ends."""
FREE: Final = 5
"""Attempts to sign in before they are slowed down."""
LONGEST_PAUSE: Final = 900
"""Seconds to wait at most between two attempts."""
_BEGIN: Final = """
INSERT INTO hashi.sessions (session_id, secret_hash, person_id, method, created_at, last_used_at, expires_at)
SELECT %(id)s, %(hash)s, %(person)s, %(method)s, now, now, now + %(longest)s FROM hashi.now() now
RETURNING expires_at
"""
_WHO: Final = """
SELECT s.secret_hash, row_to_json(p), row_to_json(o), s.last_used_at, s.expires_at, hashi.now()
FROM hashi.sessions s JOIN hashi.people p USING (person_id) JOIN hashi.organizations o USING (org_id)
WHERE s.session_id = %s AND s.ended_at IS NULL AND s.expires_at > hashi.now()
"""
_NOTE: Final = "UPDATE hashi.sessions SET last_used_at = %s WHERE session_id = %s AND ended_at IS NULL"
_ATTEMPT: Final = """
INSERT INTO hashi.pauses AS p (name_hash, device, attempts, until)
SELECT %(name)s, %(device)s, 1, now FROM hashi.now() now
ON CONFLICT (name_hash, device) DO UPDATE SET
    attempts = CASE WHEN p.until < excluded.until - interval '1 day' THEN 1 ELSE p.attempts + 1 END,
    until = excluded.until + interval '1 second' * CASE
        WHEN p.attempts < %(free)s OR p.until < excluded.until - interval '1 day' THEN 0
        ELSE least(%(longest)s, power(2, least(p.attempts - %(free)s, 20))) END
WHERE p.until <= excluded.until
RETURNING 1
"""
_WAIT: Final = """
SELECT ceil(extract(epoch FROM until - hashi.now()))::int FROM hashi.pauses WHERE name_hash = %s AND device = %s
"""
_SUCCEEDED: Final = """
DELETE FROM hashi.pauses WHERE name_hash = %s AND device = %s OR until < hashi.now() - interval '1 day'
"""


@dataclass(frozen=True)
class Session:
    """A session as it may be shown."""

    session_id: str
    person_id: str
    method: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class Sessions:
    """Keeps sessions; remembers none. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, person_id: str, method: str) -> tuple[str, datetime]:
        """The secret word `<session id>.<secret>` of a new session of *person_id*, and its end."""
        session_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        values = {"id": session_id, "hash": _hash(secret), "person": person_id, "method": method, "longest": LONGEST}
        [(until,)] = await fetch(self._pool, _BEGIN, values)
        return f"{session_id}.{secret}", until

    async def who(self, word: str) -> Caller | None:
        """Who comes with *word*; None when the session has ended, or never was."""
        session_id, _, secret = word.partition(".")
        for kept, person, organization, used, until, now in await fetch(self._pool, _WHO, [session_id]):
            if not hmac.compare_digest(kept, _hash(secret)) or now - used > IDLE:
                return None
            if now - used >= NOTED_EVERY:
                await fetch(self._pool, _NOTE, [now, session_id])
            return Caller(Person(**person), Organization(**organization), session_id, ends_at=until)
        return None

    async def end(self, session_id: str, person_id: str | None = None) -> bool:
        """Whether the session *session_id*, of *person_id* if that is given, goes on until now."""
        ending = update(sessions).where(sessions.c.session_id == session_id, sessions.c.ended_at.is_(None))
        if person_id is not None:
            ending = ending.where(sessions.c.person_id == person_id)
        return bool(await rows(self._pool, ending.values(ended_at=func.hashi.now()).returning(sessions.c.session_id)))

    async def listed(self, person_id: str) -> list[Session]:
        """The sessions of *person_id* that go on, the newest first."""
        now = func.hashi.now()
        going_on = (sessions.c.ended_at.is_(None), sessions.c.expires_at > now, sessions.c.last_used_at > now - IDLE)
        shown = select(*(sessions.c[name] for name in Session.__dataclass_fields__))
        found = shown.where(sessions.c.person_id == person_id, *going_on).order_by(sessions.c.created_at.desc())
        return [Session(**row) for row in await rows(self._pool, found)]


class Pauses:
    """Slows guessing down: an attempt counts before it is looked at, and each after the fifth waits twice as long.

    A device that signed in before under a name has a count of its own, so that strangers cannot keep its owner out.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def attempt(self, name: str, device: str) -> int:
        """Seconds to wait before *name* may be tried from *device* (empty: unknown) again; 0: this attempt counts."""
        place = {"name": _hash(name), "device": device, "free": FREE, "longest": LONGEST_PAUSE}
        if await fetch(self._pool, _ATTEMPT, place):
            return 0
        waiting = await fetch(self._pool, _WAIT, [place["name"], device])
        return max(1, *(seconds for (seconds,) in waiting)) if waiting else 1

    async def succeeded(self, name: str, device: str) -> None:
        """Whoever tried *name* from *device* was right: the count begins anew."""
        await fetch(self._pool, _SUCCEEDED, [_hash(name), device])


def _hash(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()

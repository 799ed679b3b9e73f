"""What became of each push to an endpoint: waiting, sent, withheld, or dead after three days of trying.

Events of one case go out in order: a later one waits until the earlier one was taken. Nothing here holds content; what
is pushed is read from the feed at the moment of sending.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from store.endpoints import AGAIN, Endpoint, wait_after
from store.pool import Pool, fetch

AHEAD: Final = 1_000
"""How many events of one endpoint may wait before no more are taken over from the feed."""
_PLAN: Final = """
WITH taken AS (
    SELECT f.number, f.case_id FROM hashi.feed AS f JOIN hashi.endpoints AS e USING (lender_id)
    WHERE e.endpoint_id = %(id)s AND f.number > e.cursor ORDER BY f.number
    LIMIT greatest(0, %(ahead)s - (SELECT count(*) FROM hashi.deliveries
                                   WHERE endpoint_id = %(id)s AND status = 'waiting'))
), added AS (
    INSERT INTO hashi.deliveries (endpoint_id, number, case_id, status)
    SELECT %(id)s, number, case_id, 'waiting' FROM taken
)
UPDATE hashi.endpoints SET cursor = (SELECT max(number) FROM taken)
WHERE endpoint_id = %(id)s AND EXISTS (SELECT FROM taken)
"""
_DUE: Final = """
SELECT case_id FROM (
    SELECT DISTINCT ON (case_id) number, case_id, next_at FROM hashi.deliveries
    WHERE endpoint_id = %s AND status = 'waiting' ORDER BY case_id, number
) AS heads WHERE next_at <= hashi.now() AND case_id <> ALL(%s) ORDER BY number LIMIT %s
"""
_NEXT: Final = """
SELECT number, case_id, attempts FROM hashi.deliveries
WHERE endpoint_id = %s AND case_id = %s AND status = 'waiting' ORDER BY number LIMIT %s
"""
_END: Final = """
UPDATE hashi.deliveries SET status = %s, attempts = attempts + 1, failure = %s, ended_at = hashi.now()
WHERE endpoint_id = %s AND number = %s
"""
_PUT_OFF: Final = """
UPDATE hashi.deliveries SET attempts = attempts + 1, failure = %s, next_at = hashi.now() + %s
WHERE endpoint_id = %s AND number = %s
"""
_AGAIN: Final = """
UPDATE hashi.deliveries AS d
SET status = 'waiting', attempts = 0, next_at = hashi.now(), failure = NULL, ended_at = NULL
WHERE endpoint_id = %(id)s AND CASE
    WHEN %(ids)s::uuid[] IS NOT NULL THEN number IN (
        SELECT f.number FROM hashi.feed AS f JOIN hashi.events USING (position)
        WHERE f.lender_id = %(lender)s AND event_id = ANY(%(ids)s))
    WHEN %(first)s::bigint IS NOT NULL THEN number BETWEEN %(first)s AND %(last)s
    ELSE status = 'dead'
END
RETURNING number
"""
_SHOWN: Final = """
SELECT number, case_id, status, attempts, failure, next_at, ended_at FROM hashi.deliveries
WHERE endpoint_id = %s AND number > %s AND (%s::text IS NULL OR status = %s) ORDER BY number LIMIT %s
"""
_COUNTS: Final = "SELECT status, count(*) FROM hashi.deliveries WHERE endpoint_id = %s GROUP BY status"
Numbers: TypeAlias = tuple[int, int]
"""From one number to another, both among them."""


class Fate(StrEnum):
    """What became of a push."""

    waiting = "waiting"
    sent = "sent"
    withheld = "withheld"
    """The company's consent no longer covered it when it was to go out."""
    dead = "dead"
    """It was tried for three days."""


@dataclass(frozen=True)
class Delivery:
    """An event of the feed on its way to an endpoint."""

    number: int
    case_id: str
    attempts: int
    """How often it was tried before."""


@dataclass(frozen=True)
class Delivered:
    """How a delivery stands."""

    number: int
    case_id: str
    status: str
    attempts: int
    failure: str | None
    next_at: datetime
    ended_at: datetime | None


class Deliveries:
    """Keeps deliveries. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def plan(self, endpoint_id: str) -> None:
        """Take over from the feed what is to be pushed."""
        await fetch(self._pool, _PLAN, {"id": endpoint_id, "ahead": AHEAD})

    async def due(self, endpoint_id: str, besides: Collection[str], limit: int) -> list[str]:
        """The cases, but those *besides*, whose first waiting event may go out now."""
        return [case_id for (case_id,) in await fetch(self._pool, _DUE, [endpoint_id, list(besides), limit])]

    async def next(self, endpoint_id: str, case_id: str, limit: int) -> list[Delivery]:
        """What of the case waits, in order."""
        return [Delivery(*row) for row in await fetch(self._pool, _NEXT, [endpoint_id, case_id, limit])]

    async def end(self, endpoint_id: str, number: int, fate: Fate, failure: str | None = None) -> None:
        """Nothing more happens to the delivery."""
        await fetch(self._pool, _END, [fate.value, failure, endpoint_id, number])

    async def put_off(self, endpoint_id: str, one: Delivery, failure: str, at_least: timedelta) -> bool:
        """Try *one* again after its wait, or *at_least* so late; False, and it is dead, when that was the last."""
        if one.attempts >= len(AGAIN):
            await self.end(endpoint_id, one.number, Fate.dead, failure)
            return False
        wait = max(wait_after(one.attempts), at_least)
        await fetch(self._pool, _PUT_OFF, [failure, wait, endpoint_id, one.number])
        return True

    async def again(self, endpoint: Endpoint, which: Numbers | Sequence[str] | None) -> list[int]:
        """Push anew what lies between two numbers, what has one of these event ids, or (None) what is dead.

        Returns the numbers. What was not taken over from the feed yet is not among them: it comes by itself.
        """
        first, last = which if isinstance(which, tuple) else (None, None)
        ids = list(which) if which is not None and first is None else None
        given = {"id": endpoint.endpoint_id, "lender": endpoint.lender_id, "first": first, "last": last, "ids": ids}
        return sorted(number for (number,) in await fetch(self._pool, _AGAIN, given))

    async def listed(self, endpoint_id: str, *, fate: Fate | None, after: int, limit: int) -> list[Delivered]:
        """The deliveries above the number *after*, all or those with one fate."""
        return [Delivered(*row) for row in await fetch(self._pool, _SHOWN, [endpoint_id, after, fate, fate, limit])]

    async def counts(self, endpoint_id: str) -> dict[str, int]:
        """How many deliveries there are of each fate."""
        return dict(await fetch(self._pool, _COUNTS, [endpoint_id]))

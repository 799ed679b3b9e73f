"""How many requests a key may make: counted here, and every second together with the other gateways.

So one key can have as many more as all gateways answer within a second. The headers are those of the IETF draft
draft-ietf-httpapi-ratelimit-headers.
"""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from domain.reasons import Wording
from gateway.problems import Problem
from store.connect import Store, StoreUnreachable

_EVERY: Final = 1.0
"""Seconds between two times that the gateways count together."""


@dataclass(frozen=True)
class Standing:
    """What a key has left in the present window."""

    limit: int
    window: int
    left: int
    ends_in: int
    """Seconds until the next window."""

    @property
    def headers(self) -> Mapping[str, str]:
        """As the answer tells it."""
        return {
            "RateLimit-Policy": f'"requests";q={self.limit};w={self.window}',
            "RateLimit": f'"requests";r={self.left};t={self.ends_in}',
        }


class Quota:
    """Counts requests by key; with a *limit* of 0 nothing is counted."""

    def __init__(self, store: Store, limit: int, window: int) -> None:
        self._store = store
        self._limit = limit
        self._window = window
        self._slot = -1
        self._told: dict[str, int] = {}
        self._own: Counter[str] = Counter()
        """What the other gateways do not know yet."""
        self._next = 0.0

    async def take(self, key: str) -> Standing | None:
        """Count one request of *key*; None where nothing is counted. Raises Problem when it has none left."""
        if not self._limit:
            return None
        now = time.time()
        slot, passed = divmod(now, self._window)
        if slot != self._slot:
            self._slot, self._told, self._own = int(slot), {}, Counter()
        self._own[key] += 1
        if now >= self._next:
            self._next = now + _EVERY
            await self._share()
        left = self._limit - self._told.get(key, 0) - self._own[key]
        standing = Standing(self._limit, self._window, max(left, 0), max(1, round(self._window - passed)))
        if left < 0:
            raise _used_up(standing)
        return standing

    async def _share(self) -> None:
        slot, counts = self._slot, Counter(self._own)
        with suppress(StoreUnreachable):  # whoever needs the database hears of it there
            told = await self._store.quotas.add(counts, self._window)
            if slot == self._slot:
                self._told |= told
                self._own -= counts


def _used_up(standing: Standing) -> Problem:
    text = Wording(
        f"このキーは{standing.window}秒間に{standing.limit}回まで使えます。{standing.ends_in}秒後に送り直してください。",
        f"A key may ask {standing.limit} times in {standing.window} seconds. Try again in {standing.ends_in} seconds.",
    )
    return Problem("rate_limited", text, headers={**standing.headers, "Retry-After": str(standing.ends_in)})

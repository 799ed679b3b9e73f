"""The feeds of lenders, as a script's expectations see them: through an officer of each lender."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from workers.play.answers import require
from workers.play.cast import Cast, lender_observer
from workers.play.observer import kind_of

_PAGE: Final = 1000
_PATIENCE: Final = 2
"""Seconds that a running system has to bring an event into a feed."""


class LenderFeeds:
    """Reads the feeds; a number that was there before the step is not of the step."""

    def __init__(self, cast: Cast, *, waits: bool) -> None:
        self._cast = cast
        self._waits = waits
        self._before: dict[str, int] = {}

    async def look(self, lenders: Iterable[str]) -> None:
        """Note how far the feeds of *lenders* have come before a step."""
        for one in lenders:
            items = await self._read(one, self._before.get(one, 0))
            self._before[one] = self._before.get(one, 0) + len(items)

    async def brought(self, lender: str, case_id: str | None) -> tuple[list[str], list[str]]:
        """The types that the step brought to the feed of *lender*, and all that it shows of the case."""
        before = self._before.get(lender, 0)
        news = await self._read(lender, before, wait=self._waits)
        self._before[lender] = before + len(news)
        everything = await self._read(lender, 0)
        return _types(news), _types(one for one in everything if one.get("partitionkey") == case_id)

    async def _read(self, lender: str, after: int, *, wait: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = f"after={after + len(found)}&limit={_PAGE}&wait={_PATIENCE if wait else 0}"
            items = require(await self._cast.of(lender_observer(lender)).get(f"/v1/feed?{query}"), "feed")["items"]
            found += items
            if not items:
                return found


def _types(items: Iterable[Mapping[str, Any]]) -> list[str]:
    return [kind_of(one) for one in items if "withheld" not in one]

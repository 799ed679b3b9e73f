"""Hears that feeds have more, so that whoever waits need not ask again and again; one session a process, if needed.

What is heard is a hint only: whoever waits looks by themselves each second, so a lost session costs a second.
"""

import asyncio
from contextlib import suppress
from typing import Final

from psycopg import OperationalError

from store.lead import PERIOD, Bell
from store.pool import StoreUnreachable, connect_arguments, reach

_LISTEN: Final = "LISTEN hashi_feed"


class Hearing:
    """The bells of those who wait for their feeds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bells: dict[str, Bell] = {}
        self._listening: asyncio.Task[None] | None = None
        self.is_over: bool = False
        """Whether the process is about to end: nobody waits any longer."""

    def next(self, lender_id: str) -> asyncio.Event:
        """The ring that comes next for *lender_id*; take it before looking for news."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        return self._bells.setdefault(lender_id, Bell()).next()

    async def wait(self, ring: asyncio.Event, seconds: float) -> None:
        """Wait for *ring*, at most *seconds*, and never longer than a second."""
        if self.is_over:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, PERIOD)):
                await ring.wait()

    async def close(self) -> None:
        """Let everybody go who waits."""
        self.is_over = True
        for one in self._bells.values():
            one.ring()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Ring for each lender that is named, until the session is lost; the next who waits begins anew."""
        with suppress(StoreUnreachable, OperationalError):
            async with await reach(connect_arguments(self._url)) as session:
                await session.execute(_LISTEN)
                async for told in session.notifies():
                    if (bell := self._bells.get(told.payload)) is not None:
                        bell.ring()

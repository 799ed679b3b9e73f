"""The one clock: the database's time plus an offset, which only a throw-away database may move (`contract.md` 4)."""

from datetime import datetime
from typing import Final

import psycopg
from psycopg.abc import QueryNoTemplate

from store.pool import Pool, connect_arguments, fetch, reach

_FIXED: Final = "HS010"
_NOW: Final = "SELECT hashi.now()"
_MOVE: Final = "SELECT hashi.move_clock(%s, %s)"
_RELEASE: Final = "SELECT hashi.move_clock(hashi.now(), false)"
_MOVABLE: Final = "UPDATE hashi.clock SET movable = true"


class ClockFixed(Exception):
    """This database's clock does not move: it is not a throw-away one."""


class Clock:
    """Reads the clock, and moves it where that is allowed. Every method raises StoreUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def now(self) -> datetime:
        """The time by which everything in the system goes, in UTC."""
        return await self._ask(_NOW)

    async def move(self, to: datetime, freeze: bool = True) -> datetime:
        """Set the clock to *to*; frozen it stands still there, otherwise it goes on. Raises ClockFixed."""
        return await self._ask(_MOVE, to, freeze)

    async def release(self) -> datetime:
        """Let the clock go on from where it stands. Raises ClockFixed."""
        return await self._ask(_RELEASE)

    @staticmethod
    async def make_movable(owner_url: str) -> None:
        """Allow the clock of the throw-away database at *owner_url*, its owner's, to be moved; not to be undone."""
        async with await reach(connect_arguments(owner_url, role=None)) as connection:
            await connection.execute(_MOVABLE)

    async def _ask(self, query: QueryNoTemplate, *parameters: object) -> datetime:
        try:
            [(moment,)] = await fetch(self._pool, query, parameters)
        except psycopg.Error as error:
            if error.sqlstate == _FIXED:
                raise ClockFixed("this database's clock does not move") from error
            raise
        assert isinstance(moment, datetime)
        return moment

"""Who leads: of any number of relays one, by an advisory lock that its session holds. The session hears of appends too.

The lock goes with the session, however that ends, so the next relay takes over within a second; where a machine
vanishes without a word, after the server's keepalives of some ten seconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

from psycopg import OperationalError

from store.pool import Connection, StoreUnreachable, connect_arguments, reach

LOCK: Final = 4919412003
"""The advisory lock of the leading relay; those of appends and migrations are others."""
PERIOD: Final = 1.0
"""Seconds between two attempts to lead, and after which a follower looks by itself, even if nothing was heard."""
_TRY: Final = "SELECT pg_try_advisory_lock(%s)"
_LISTEN: Final = "LISTEN hashi_events"
_VANISHED: Final = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
"""How the server notices that this session's machine is gone."""


class Bell:
    """Rings for everybody who waits."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake those who wait for the ring that comes next."""
        self._next.set()
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """The ring that comes next; take it before looking for news, so that none gets lost between the two."""
        return self._next


class Lead:
    """The session of a relay that leads."""

    def __init__(self, session: Connection) -> None:
        self._session = session
        self.bell: Final = Bell()

    async def hold(self) -> None:
        """Ring the bell for every append until the session is lost, and with it the lead: raises StoreUnreachable."""
        try:
            while True:
                async for _ in self._session.notifies(timeout=PERIOD, stop_after=1):
                    self.bell.ring()
                await self._session.execute("SELECT")
        except OperationalError as error:
            raise StoreUnreachable(f"the lead is lost: {error}".strip()) from error


@asynccontextmanager
async def leading(url: str) -> AsyncIterator[Lead]:
    """Wait until nobody else leads at the SQLAlchemy *url*, and lead. Raises StoreUnreachable."""
    async with await _watched(url) as session:
        try:
            while not await _obtained(session, LOCK):  # noqa: ASYNC110 - the database tells nobody that a lock is free
                await asyncio.sleep(PERIOD)
            await session.execute(_LISTEN)
        except OperationalError as error:
            raise StoreUnreachable(str(error).strip()) from error
        yield Lead(session)


class Alone:
    """The session of whoever does something that nobody else does at the same time."""

    def __init__(self, session: Connection) -> None:
        self._session = session

    async def hold(self) -> None:
        """Make sure that it is still so. Raises StoreUnreachable."""
        try:
            await self._session.execute("SELECT")
        except OperationalError as error:
            raise StoreUnreachable(f"the lock is lost: {error}".strip()) from error


@asynccontextmanager
async def alone(url: str, name: str) -> AsyncIterator[Alone | None]:
    """Do what is called *name* alone at *url*; None while somebody else does it. Raises StoreUnreachable."""
    async with await _watched(url) as session:
        try:
            is_ours = await _obtained(session, int.from_bytes(sha256(name.encode()).digest()[:8], signed=True))
        except OperationalError as error:
            raise StoreUnreachable(str(error).strip()) from error
        yield Alone(session) if is_ours else None


async def _watched(url: str) -> Connection:
    """A session of which the server notices within some ten seconds that its machine is gone."""
    arguments = connect_arguments(url)
    arguments["options"] = f"{arguments['options']} {_VANISHED}"
    return await reach(arguments)


async def _obtained(session: Connection, lock: int) -> bool:
    row = await (await session.execute(_TRY, [lock])).fetchone()
    return row is not None and bool(row[0])

"""One process at a time: a lock that a session of the database holds, and that ends with the session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg import OperationalError

from store.pool import Connection, StoreUnreachable, connect_arguments, reach

_TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class Alone:
    """The lock on one name."""

    def __init__(self, session: Connection) -> None:
        self._session = session

    async def hold(self) -> None:
        """Make sure that the lock is still held. Raises StoreUnreachable."""
        try:
            await self._session.execute("SELECT")
        except OperationalError as error:
            raise StoreUnreachable(f"the lock is lost: {error}".strip()) from error


@asynccontextmanager
async def alone(url: str, name: str) -> AsyncIterator[Alone | None]:
    """The lock on *name* in the database at *url*, while the context lasts; None when somebody else has it."""
    async with await reach(connect_arguments(url)) as session:
        try:
            row = await (await session.execute(_TRY, [name])).fetchone()
        except OperationalError as error:
            raise StoreUnreachable(str(error).strip()) from error
        yield Alone(session) if row and row[0] else None

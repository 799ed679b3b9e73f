"""Connections to PostgreSQL: opened from a SQLAlchemy URL, checked before use, and lost in one way only."""

import select
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from psycopg import AsyncConnection, AsyncCursor, OperationalError
from psycopg.abc import QueryNoTemplate
from psycopg.errors import DiskFull
from psycopg.rows import DictRow, TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL, ClauseElement, make_url

PATIENCE: Final = 5.0
"""Seconds after which a caller hears StoreUnreachable instead of waiting longer."""
APP_ROLE: Final = "hashi_app"
"""The role the application takes on: it reads, and writes events through `hashi.append` only."""
READER_ROLE: Final = "hashi_reader"
"""The role of queries for somebody outside of the center: row-level security shows it what that reader may see."""

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]


@dataclass(frozen=True)
class Seen:
    """A pool for queries whose rows somebody is shown: they run with the rights of whomever `reading_as` names."""

    pool: Pool


Place: TypeAlias = Pool | Seen | Connection
_Row = TypeVar("_Row", TupleRow, DictRow)
_READER: Final[ContextVar[tuple[str, ...] | None]] = ContextVar("reader", default=None)
_BECOME: Final = b"SELECT set_config('role', %s, true), set_config('hashi.reader', %s::text[]::text, true)"
_MARK: Final = b" -- as hashi_reader"
"""Keeps the reader's prepared statements apart: one that changes its role is planned anew each time."""

_OUR_OWN: Final = "HS"
"""The class of SQLSTATEs that our functions raise; psycopg, which does not know it, takes them for outages."""
DIALECT: Final = URL.create("postgresql+psycopg").get_dialect()()
"""How SQLAlchemy writes statements that psycopg sends."""


class StoreUnreachable(Exception):
    """The database cannot be reached, or broke off; whether the last call took effect is unknown: call again."""


class StoreFull(StoreUnreachable):
    """The database has no room on its disk: what was sent is not written, and will be once there is room."""


def sqlalchemy_url(url: str) -> URL:
    """*url* for SQLAlchemy with psycopg 3, whichever driver it names or leaves out. Raises ArgumentError."""
    return make_url(url).set(drivername="postgresql+psycopg")


def connect_arguments(url: str, role: str | None = APP_ROLE) -> dict[str, Any]:
    """*url* as psycopg's arguments; every statement then runs as *role* and ends after 10 s."""
    parsed = sqlalchemy_url(url)
    asked = {name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()}
    given = {**parsed.translate_connect_args(username="user", database="dbname"), **asked}
    options = [str(given.pop("options", "")), "-c timezone=UTC -c statement_timeout=10s"]
    return {
        "application_name": "hashi",
        "connect_timeout": 5,
        "tcp_user_timeout": 5000,
        "keepalives_idle": 5,
        **given,
        "autocommit": True,
        "options": " ".join([*options, f"-c role={role}"] if role else options).strip(),
    }


async def reach(arguments: dict[str, Any]) -> AsyncConnection[TupleRow]:
    """One connection with the *arguments* of `connect_arguments`. Raises StoreUnreachable, with the driver's words."""
    try:
        return await AsyncConnection.connect(**arguments)
    except OperationalError as error:
        raise StoreUnreachable(str(error).strip()) from error


async def open_pool(url: str, *, size: int = 8) -> Pool:
    """A pool of *size* connections to the SQLAlchemy *url*, in the role `hashi_app`; close it after use.

    Raises StoreUnreachable, with the driver's words, when the database does not take a connection.
    """
    arguments = connect_arguments(url)
    await (await reach(arguments)).close()
    pool: Pool = AsyncConnectionPool(
        kwargs=arguments,
        min_size=min(2, size),
        max_size=size,
        open=False,
        timeout=PATIENCE,
        reconnect_timeout=PATIENCE,
        check=lambda connection: _check(pool, connection),
    )
    await pool.open()
    return pool


async def _check(pool: Pool, connection: AsyncConnection[TupleRow]) -> None:
    if _is_quiet(connection):
        return
    try:
        await AsyncConnectionPool.check_connection(connection)
    except OperationalError:
        await pool.drain()  # one is cut, so probably all are; the pool would find them one by one, with pauses
        raise


def _is_quiet(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether nothing came since the last answer: a server that ended has closed its end, which reads as news."""
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLIN)
    return not watch.poll(0)


@asynccontextmanager
async def connected(place: Place, patience: float = PATIENCE) -> AsyncIterator[Connection]:
    """A connection in autocommit mode for one statement; waits *patience* seconds for it. Raises StoreUnreachable.

    A connection that is held already, in a transaction, is taken as it is.
    """
    try:
        if isinstance(place, AsyncConnection):
            yield place
            return
        pool = place.pool if isinstance(place, Seen) else place
        async with pool.connection(timeout=patience) as connection:
            yield connection
    except OperationalError as error:
        if (error.sqlstate or "").startswith(_OUR_OWN):
            raise
        kind = StoreFull if isinstance(error, DiskFull) else StoreUnreachable
        raise kind(str(error).strip()) from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection in a transaction, which commits at the end unless something is raised. Raises StoreUnreachable."""
    async with connected(pool) as connection, connection.transaction():
        yield connection


@contextmanager
def reading_as(keys: tuple[str, ...] | None) -> Iterator[None]:
    """Within this, queries through `Seen` show what a reader with *keys* may see; None: the application, everything."""
    token = _READER.set(keys)
    try:
        yield
    finally:
        _READER.reset(token)


def read_on_as(keys: tuple[str, ...] | None) -> None:
    """As `reading_as`, from here to the end of the `reading_as` around it, or of the task."""
    _READER.set(keys)


async def fetch(place: Place, query: QueryNoTemplate, parameters: Parameters = ()) -> list[TupleRow]:
    """The rows of one SQL *query*, all of them. Raises StoreUnreachable."""
    async with connected(place) as connection, connection.cursor(binary=True) as cursor:
        return await _found(cursor, query, parameters, _keys(place))


async def rows(place: Place, statement: ClauseElement) -> list[dict[str, Any]]:
    """What a SQLAlchemy Core *statement* returns, by column name. Raises StoreUnreachable."""
    compiled = statement.compile(dialect=DIALECT)
    async with connected(place) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return await _found(cursor, str(compiled).encode(), compiled.params, _keys(place))


def _keys(place: Place) -> tuple[str, ...] | None:
    return _READER.get() if isinstance(place, Seen) else None


async def _found(
    cursor: AsyncCursor[_Row], query: QueryNoTemplate, parameters: Parameters, keys: tuple[str, ...] | None
) -> list[_Row]:
    if keys is None:
        await cursor.execute(query, parameters)
        return await cursor.fetchall() if cursor.description else []
    text = query.encode() if isinstance(query, str) else query
    assert isinstance(text, bytes)
    # One transaction, which the server begins and ends with the pipeline: role and keys cannot outlive it.
    async with cursor.connection.pipeline():
        await cursor.connection.execute(_BECOME, [READER_ROLE, list(keys)])
        await cursor.execute(text + _MARK, parameters)
    return await cursor.fetchall()

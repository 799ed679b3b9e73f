"""Two connections that see one and the same moment of the database, so that nothing that goes on looks like a fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from store.pool import StoreUnreachable, connect_arguments

Connection: TypeAlias = psycopg.Connection[TupleRow]
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Moment(NamedTuple):
    """One moment of a database, by which other processes see it too while the session lasts that opened it."""

    url: str
    snapshot: str


class Session(NamedTuple):
    """The same moment twice: one connection streams, the other looks things up."""

    reading: Connection
    asking: Connection
    moment: Moment

    def value(self, query: str, *parameters: object) -> int:
        """The one number that *query* tells."""
        row = self.asking.execute(query.encode(), parameters).fetchone()
        return int(row[0]) if row and row[0] is not None else 0


@contextmanager
def session(url: str, moment: Moment | None = None) -> Iterator[Session]:
    """Look at the database at *url* as the application, at *moment* or now. Raises StoreUnreachable."""
    try:
        with psycopg.connect(**connect_arguments(url)) as reading, psycopg.connect(**connect_arguments(url)) as asking:
            for connection in (reading, asking):
                connection.execute("SET statement_timeout = 0")
                connection.execute(_BEGIN)
                if moment is not None:
                    connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(moment.snapshot))
                else:
                    [(snapshot,)] = connection.execute("SELECT pg_export_snapshot()").fetchall()
                    moment = Moment(url, snapshot)
            assert moment is not None
            yield Session(reading, asking, moment)
    except psycopg.OperationalError as error:
        raise StoreUnreachable(str(error).strip()) from error

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


class Session(NamedTuple):
    """The same moment twice: one connection streams, the other looks things up."""

    reading: Connection
    asking: Connection

    def value(self, query: str, *parameters: object) -> int:
        """The one number that *query* tells."""
        row = self.asking.execute(query.encode(), parameters).fetchone()
        return int(row[0]) if row and row[0] is not None else 0


@contextmanager
def session(url: str) -> Iterator[Session]:
    """Look at the database at *url* as the application. Raises StoreUnreachable."""
    try:
        with psycopg.connect(**connect_arguments(url)) as reading, psycopg.connect(**connect_arguments(url)) as asking:
            for connection in (reading, asking):
                connection.execute("SET statement_timeout = 0")
                connection.execute(_BEGIN)
            [(snapshot,)] = reading.execute("SELECT pg_export_snapshot()").fetchall()
            asking.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
            yield Session(reading, asking)
    except psycopg.OperationalError as error:
        raise StoreUnreachable(str(error).strip()) from error

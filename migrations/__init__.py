"""The schema's history (Alembic), forward only; only `workers` runs it.

A step is a file in `versions` with its SQL in `sql`. A step that old code cannot live with comes a release later.
Every function takes a SQLAlchemy URL and raises `store.pool.StoreUnreachable` where nothing answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from migrations.settings import config, in_schema
from store import access, lending  # noqa: F401 - their tables are part of the metadata
from store.pool import StoreUnreachable, sqlalchemy_url
from store.tables import SCHEMA, metadata

__all__ = ["check", "current", "head", "upgrade"]


def upgrade(url: str) -> None:
    """Bring the database at *url* to the head, as its owner; safe from several processes at once."""
    with _connected(url) as connection:
        command.upgrade(config(connection), "head")


def current(url: str) -> str | None:
    """The revision of the database at *url*, None for a database without our schema."""
    with _connected(url) as connection:
        return _context(connection).get_current_revision()


def head() -> str:
    """The revision this code needs."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:
        raise RuntimeError("the package has no migrations")
    return revision


def check(url: str) -> list[str]:
    """What is wrong with the schema at *url*, a sentence each; empty when it fits this code."""
    with _connected(url) as connection:
        found, needed = _context(connection).get_current_revision(), head()
        if found != needed:
            return [f"The schema is at revision {found or 'none'}, this code needs {needed}: run `hashi db upgrade`."]
        return [*_differences(connection), *_open_doors(connection)]


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise StoreUnreachable(str(error.orig).strip()) from error
    with connection:
        yield connection


def _context(connection: Connection) -> MigrationContext:
    options = {
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        "include_name": in_schema,
        "compare_type": True,
        "compare_server_default": True,
    }
    return MigrationContext.configure(connection, opts=options)


def _differences(connection: Connection) -> list[str]:
    return [f"The schema differs from the code: {one}" for one in compare_metadata(_context(connection), metadata)]


def _open_doors(connection: Connection) -> list[str]:
    guarded = text(
        "SELECT tgenabled = 'A' FROM pg_trigger WHERE tgrelid = 'hashi.events'::regclass AND NOT tgisinternal"
    )
    writable = text("SELECT has_table_privilege('hashi_app', 'hashi.events', 'INSERT, UPDATE, DELETE, TRUNCATE')")
    problems = []
    if connection.scalars(guarded).all() != [True]:
        problems.append("The trigger that keeps events from being changed is missing or switched off.")
    if connection.scalar(writable):
        problems.append("The role hashi_app may write events past hashi.append.")
    return problems

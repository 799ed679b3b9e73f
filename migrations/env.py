"""Alembic's entry: run what is missing, in one transaction, one process at a time."""

from alembic import context
from sqlalchemy import Connection, text

from migrations.settings import LOCK, in_schema
from store import access, lending  # noqa: F401 - their tables are part of the metadata
from store.tables import SCHEMA, metadata


def run(connection: Connection) -> None:
    """Bring the schema to the head; a second process waits here and then finds nothing left to do."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=in_schema,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        context.run_migrations()


run(context.config.attributes["connection"])

"""The one writer of events in fewer steps, and events without columns that only repeat their bodies."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0016"
down_revision: Final = "0015"


def upgrade() -> None:
    """Drop three columns, replace hashi.append."""
    run_sql("0016_append")

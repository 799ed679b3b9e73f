"""Needs in bulk."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0014"
down_revision: Final = "0013"


def upgrade() -> None:
    """Make the tables of uploaded needs and their rows."""
    run_sql("0014_intake_batches")

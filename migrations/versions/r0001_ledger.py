"""The first schema: tables, the one writer, the clock, roles and rights."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Make everything, in the order in which it refers to each other."""
    run_sql("0001_tables", "0001_functions", "0001_rights")

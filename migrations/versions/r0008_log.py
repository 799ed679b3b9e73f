"""Tiles and signed checkpoints of the transparency log."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    """Add the tables of the log."""
    run_sql("0008_log")

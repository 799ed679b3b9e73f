"""Checkpoints of followers, and the leaves of the transparency log."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Add the tables of the relay."""
    run_sql("0004_followers")

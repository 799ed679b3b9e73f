"""Notices to people, and how people are reached."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Add the tables of notices."""
    run_sql("0002_notices")

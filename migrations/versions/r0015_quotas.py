"""Requests by key."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0015"
down_revision: Final = "0014"


def upgrade() -> None:
    """Add the table of quotas."""
    run_sql("0015_quotas")

"""Webhooks of lenders."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0016"
down_revision: Final = "0015"


def upgrade() -> None:
    """Add the tables of endpoints and deliveries."""
    run_sql("0016_endpoints")

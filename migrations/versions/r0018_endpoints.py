"""Webhooks of lenders."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0018"
down_revision: Final = "0017"


def upgrade() -> None:
    """Add the tables of endpoints and deliveries."""
    run_sql("0018_endpoints")

"""The feed of lenders."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0013"
down_revision: Final = "0012"


def upgrade() -> None:
    """Add the tables of the feed, and what lenders may learn to the overview."""
    run_sql("0013_feed")

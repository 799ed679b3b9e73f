"""The one writer of events, at less cost."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """Replace hashi.append."""
    run_sql("0009_append")

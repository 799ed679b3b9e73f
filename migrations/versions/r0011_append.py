"""The one writer of events, at less cost."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """Replace hashi.append."""
    run_sql("0011_append")

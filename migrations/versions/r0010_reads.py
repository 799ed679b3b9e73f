"""The access log."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """Add the table of reads."""
    run_sql("0010_reads")

"""What statistics count."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """Add the table of the facts."""
    run_sql("0007_case_facts")

"""What statistics count."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Add the table of the facts."""
    run_sql("0005_case_facts")

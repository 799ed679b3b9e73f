"""Who is away, and who stands in."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """Add the table of absences."""
    run_sql("0006_absences")

"""Banks and lenders are kept apart in the database too."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0017"
down_revision: Final = "0016"


def upgrade() -> None:
    """Switch row-level security on and say who sees which rows."""
    run_sql("0017_row_security")

"""One row an entry of the catalogue, with what falls due next."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Add the table of entries and let the append write it."""
    run_sql("0003_entries")

"""OAuth clients and the assertions they used."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0019"
down_revision: Final = "0018"


def upgrade() -> None:
    """Add the two tables; an erased person's clients end with their keys."""
    run_sql("0019_clients")

"""The data keys of cases."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """Add the table of keys."""
    run_sql("0009_subject_keys")

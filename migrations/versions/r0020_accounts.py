"""Local accounts, identities elsewhere, sessions, and pauses between attempts to sign in."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0020"
down_revision: Final = "0019"


def upgrade() -> None:
    """Add the four tables; an erased person signs in no more."""
    run_sql("0020_accounts")

"""Keys have scopes, follow one another and tell when they were used last."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0012"
down_revision: Final = "0011"


def upgrade() -> None:
    """Add scopes, predecessor and last use; keys that exist keep every scope."""
    run_sql("0012_keys")

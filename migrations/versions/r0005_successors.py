"""An organization that has merged names its successor."""

from typing import Final

from migrations.script import run_sql

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Add the successor to the directory."""
    run_sql("0005_successors")

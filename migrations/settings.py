"""What Alembic is told, without an alembic.ini: where the steps lie, which names are ours, which lock is taken."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from sqlalchemy import Connection

from store.tables import SCHEMA

LOCK: Final = 4919412002
"""The advisory lock under which migrations run; that of appends is another."""


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings for this package, speaking through *connection*."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def in_schema(name: str | None, kind: str, _parents: MutableMapping[Any, str | None]) -> bool:
    """Whether Alembic shall look at the thing *name*: of schemas, at ours alone."""
    return kind != "schema" or name == SCHEMA

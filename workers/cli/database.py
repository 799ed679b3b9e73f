"""The database itself, for the commands that look at it without a gateway."""

from collections.abc import Callable
from typing import TypeVar

import psycopg
from sqlalchemy.exc import ArgumentError, DBAPIError

from store.pool import StoreUnreachable
from workers.cli.faults import BadInput, Unreachable
from workers.settings import Settings, without_password
from workers.up.home import UpHome

T = TypeVar("T")


def database_url(settings: Settings) -> str:
    """The URL of the database as its owner, or of the running `hashi up`. Raises BadInput."""
    url = settings.owner() or _local(UpHome.at(settings.home))
    if url is None:
        raise BadInput("HASHI_DATABASE_URL: not set, and no `hashi up` runs here; set it, or start `hashi up`")
    return url


def _local(home: UpHome) -> str | None:
    return home.servers().get("database_url") if home.is_served() else None


def asked(url: str, question: Callable[[str], T]) -> T:
    """What *question* finds out at *url*. Raises BadInput, Unreachable."""
    try:
        return question(url)
    except ArgumentError as error:
        raise BadInput(f"HASHI_DATABASE_URL: is no SQLAlchemy URL: {error}") from error
    except StoreUnreachable as error:
        told = f"PostgreSQL at {without_password(url)} does not answer: {error}; `hashi up` serves one"
        raise Unreachable(told, server="postgresql") from error
    except (DBAPIError, psycopg.Error) as error:
        why = str(getattr(error, "orig", error)).strip()
        raise BadInput(f"{without_password(url)}: the database refused: {why}") from error

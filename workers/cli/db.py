"""`hashi db`: the schema of the database."""

from collections.abc import Callable
from typing import TypeVar

import click
from sqlalchemy.exc import ArgumentError, DBAPIError

import migrations
from store.pool import StoreUnreachable
from workers.cli import show
from workers.cli.faults import DONE, FOUND, BadInput, Unreachable
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.settings import Settings, without_password
from workers.up.home import UpHome

T = TypeVar("T")


@click.group(cls=Group, example="HASHI_OWNER_URL=postgresql://owner@db/hashi hashi db upgrade\nhashi db check")
def db() -> None:
    """Migrate and check the database. データベースの移行と確認

    As the owner in HASHI_OWNER_URL, else HASHI_DATABASE_URL; with neither, the database of the running `hashi up`.
    """


@db.command("upgrade", example="HASHI_OWNER_URL=postgresql://owner@db/hashi hashi db upgrade")
def upgrade() -> None:
    """Bring the schema to what this version needs. スキーマの移行

    Safe from several processes at once; `hashi up` does it by itself.
    """
    url = _url(settings_of())
    before = _asked(url, migrations.current)
    _asked(url, migrations.upgrade)
    told = {"database": without_password(url), "before": before, "now": _asked(url, migrations.current)}
    if wants_json():
        show.document(told)
    elif told["before"] == told["now"]:
        show.say(f"Nothing to do: the schema is at revision {told['now']}.")
    else:
        show.say(f"The schema is at revision {told['now']} (before: {before or 'none'}).")


@db.command("check", example="hashi db check --json")
def check() -> int:
    """Say whether the schema fits this version. スキーマの確認

    Exit status 1 when it does not.
    """
    url = _url(settings_of())
    problems = _asked(url, migrations.check)
    if wants_json():
        told = {"database": without_password(url), "needed": migrations.head(), "problems": problems}
        show.document({**told, "fits": not problems})
    elif problems:
        show.say("\n".join(problems))
    else:
        show.say(f"The schema fits: revision {migrations.head()}.")
    return FOUND if problems else DONE


def _url(settings: Settings) -> str:
    url = settings.owner() or _local(UpHome.at(settings.home))
    if url is None:
        raise BadInput("HASHI_DATABASE_URL: not set, and no `hashi up` runs here; set it, or start `hashi up`")
    return url


def _local(home: UpHome) -> str | None:
    return home.servers().get("database_url") if home.is_served() else None


def _asked(url: str, question: Callable[[str], T]) -> T:
    try:
        return question(url)
    except ArgumentError as error:
        raise BadInput(f"HASHI_DATABASE_URL: is no SQLAlchemy URL: {error}") from error
    except StoreUnreachable as error:
        told = f"PostgreSQL at {without_password(url)} does not answer: {error}; `hashi up` serves one"
        raise Unreachable(told, server="postgresql") from error
    except DBAPIError as error:
        raise BadInput(f"{without_password(url)}: the database refused: {str(error.orig).strip()}") from error

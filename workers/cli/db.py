"""`hashi db`: the schema of the database."""

import time

import click

import migrations
from store.projections import PROJECTIONS
from store.rebuild import RebuildUnderWay
from store.rebuild import rebuild as build
from workers.cli import show
from workers.cli.database import asked, database_url
from workers.cli.faults import DONE, FOUND, BadInput
from workers.cli.progress import bar
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.settings import without_password


@click.group(
    cls=Group,
    example="HASHI_OWNER_URL=postgresql://owner@db/hashi hashi db upgrade\nhashi db check\nhashi db rebuild case_facts",
)
def db() -> None:
    """Migrate, check and rebuild. データベースの移行・確認・再構築

    As the owner in HASHI_OWNER_URL, else HASHI_DATABASE_URL; with neither, the database of the running `hashi up`.
    """


@db.command("upgrade", example="HASHI_OWNER_URL=postgresql://owner@db/hashi hashi db upgrade")
def upgrade() -> None:
    """Bring the schema to what this version needs. スキーマの移行

    Safe from several processes at once; `hashi up` does it by itself.
    """
    url = database_url(settings_of())
    before = asked(url, migrations.current)
    asked(url, migrations.upgrade)
    told = {"database": without_password(url), "before": before, "now": asked(url, migrations.current)}
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
    url = database_url(settings_of())
    problems = asked(url, migrations.check)
    if wants_json():
        told = {"database": without_password(url), "needed": migrations.head(), "problems": problems}
        show.document({**told, "fits": not problems})
    elif problems:
        show.say("\n".join(problems))
    else:
        show.say(f"The schema fits: revision {migrations.head()}.")
    return FOUND if problems else DONE


@db.command("rebuild", example="hashi db rebuild case_overview\nhashi db rebuild case_facts --jobs 4 --json")
@click.argument("name", metavar="NAME", type=click.Choice(list(PROJECTIONS)))
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes that fold; default: one a core.")
def rebuild(name: str, jobs: int | None) -> None:
    """Build a table that is derived from the events anew. 投影の再構築

    Beside the one in use, which it then takes the place of; commands go on meanwhile. NAME is one of case_overview,
    entries, case_facts.
    """
    began = time.monotonic()
    try:
        with bar(f"Folding the events into {name}") as tell:
            built = asked(database_url(settings_of()), lambda url: build(url, name, jobs=jobs, tell=tell))
    except RebuildUnderWay as error:
        raise BadInput(f"NAME: {name} is being rebuilt by another process") from error
    told = {"name": name, **vars(built), "seconds": round(time.monotonic() - began, 2)}
    if wants_json():
        show.document(told)
    else:
        show.say(f"{name}: {built.events} events, {built.rows} rows, {built.changed} of them not as before.")

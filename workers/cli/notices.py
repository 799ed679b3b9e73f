"""`hashi notices`: what awaits one, and mail that did not arrive."""

import click

from workers.cli import show
from workers.cli.api import Api, acts
from workers.cli.shape import Group, wants_json


@click.group(cls=Group, example="hashi notices list --as coordinator\nhashi notices list --undelivered --as admin")
def notices() -> None:
    """What awaits you. お知らせ"""


@notices.command("list", example="hashi notices list --as coordinator\nhashi notices list --undelivered --as admin")
@click.option("--undelivered", is_flag=True, help="Mail that was not taken, with what the mail server said.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@acts
def list_notices(api: Api, undelivered: bool, limit: int) -> None:
    """List your notices, newest first. お知らせの一覧"""
    place = "/v1/notices/undelivered" if undelivered else "/v1/notices"
    found = api.get(place, limit=limit).body["items"]
    if wants_json():
        show.lines(found)
    elif not found:
        show.say("Every mail was taken." if undelivered else "Nothing awaits you.")
    else:
        show.table(
            ("When", "Kind", "About", "To", "Mail"),
            [
                (show.moment(one["created_at"]), one["kind"], _about(one), one.get("person_id"), _mail(one))
                for one in found
            ],
        )


def _about(one: dict[str, str]) -> str | None:
    names = ("case_id", "dossier_id", "seed_id", "researcher_id")
    return next((one[name] for name in names if name in one), None)


def _mail(one: dict[str, str]) -> str | None:
    return "sent" if "sent_at" in one else one.get("failure")


@notices.command("contact", example="hashi notices contact --email tanaka@center.example --mail daily --as coordinator")
@click.option("--email", help="Where mail goes.")
@click.option("--mail", "mode", type=click.Choice(["immediately", "daily", "off"]), default="immediately")
@acts
def contact(api: Api, email: str | None, mode: str) -> None:
    """Say how you want to be reached. 連絡方法の設定"""
    told = api.put("/v1/me/contact", {"notices": mode, **({"email": email} if email else {})}).body
    if wants_json():
        show.document(told)
    else:
        show.pairs(told, indent=0)

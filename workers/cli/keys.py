"""`hashi keys`: API keys are made, shown once, listed with their last use, rotated and revoked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from domain.scopes import Scope
from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.up.home import UpHome

_DAY = 24 * 3600


@click.group(cls=Group, example="hashi keys create yamada --scope needs:write --as admin\nhashi keys list --as admin")
def keys() -> None:
    """API keys. APIキー"""


@keys.command("list", example="hashi keys list --as admin\nhashi keys list yamada --ended --as admin")
@click.argument("person_id", metavar="[PERSON]", required=False)
@click.option("--ended", is_flag=True, help="Those that expired or were revoked, too.")
@acts
def listed(api: Api, person_id: str | None, *, ended: bool) -> None:
    """List keys with their last use: anybody's for an administrator, else one's own. キーの一覧"""
    found = api.every("/v1/keys", person_id=person_id, ended=str(ended).lower())
    if wants_json():
        show.lines(found)
        return
    rows = [
        (
            one["key_id"],
            one["person_id"],
            one["label"],
            " ".join(one["scopes"]),
            one["status"],
            show.moment(one.get("expires_at")),
            show.moment(one.get("last_used_at")) or "never",
        )
        for one in found
    ]
    show.table(("Key", "Person", "Label", "For", "Status", "Expires", "Last used"), rows)


@keys.command(
    "create",
    example="hashi keys create yamada --label core-banking --scope needs:write --scope cases:read --as admin\n"
    "hashi keys create yamada --keep --as admin",
)
@click.argument("person_id", metavar="PERSON")
@click.option("--label", default="command line", show_default=True, help="What the key is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice([one.value for one in Scope]), help="What it may do; again."
)
@click.option("--days", default=365, show_default=True, type=click.IntRange(0), help="Days until it ends; 0: never.")
@click.option("--keep", is_flag=True, help="Keep it on this machine, so that --as PERSON finds it.")
@acts
def create(api: Api, person_id: str, *, label: str, scopes: tuple[str, ...], days: int, keep: bool) -> None:
    """Make a key for PERSON; it is shown this once. APIキーの発行"""
    body: dict[str, Any] = {"label": label}
    if scopes:
        body["scopes"] = list(scopes)
    if days:
        body["expires_at"] = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    told = api.post(path("people", person_id, "keys"), body).body
    if not keep:
        _show(told)
        return
    home = UpHome.at(settings_of().home)
    me = replace(api, key=told["key"]).get("/v1/me").body
    kept = {"role": me["role"], "org_id": me["organization"]["org_id"], "name": me["person"]["name"]}
    home.keep_people({person_id: {**kept, "key": told["key"]}})
    if wants_json():
        show.document(told)
    else:
        show.say(f"Kept in {home.keys}: --as {person_id} uses it.")


@keys.command("rotate", example="hashi keys rotate 0f3a… --overlap-days 7 --as admin")
@click.argument("key_id", metavar="KEY")
@click.option(
    "--overlap-days", default=7, show_default=True, type=click.IntRange(0, 90), help="Days the old one goes on."
)
@acts
def rotate(api: Api, key_id: str, *, overlap_days: int) -> None:
    """Make a key in place of KEY, which goes on for a while. キーの更新"""
    told = api.post(path("keys", key_id, "rotate"), {"overlap": overlap_days * _DAY}).body
    _show(told)
    if not wants_json():
        show.say(f"{key_id} ends in {overlap_days} days, or with: hashi keys revoke {key_id}")


@keys.command("revoke", example="hashi keys revoke 0f3a… --as admin")
@click.argument("key_id", metavar="KEY")
@acts
def revoke(api: Api, key_id: str) -> None:
    """End KEY at once. キーの取消し"""
    api.delete(path("keys", key_id))
    if wants_json():
        show.document({"key_id": key_id, "status": "revoked"})
    else:
        show.say(f"Revoked: {key_id}. The next request with it is refused.")


def _show(told: dict[str, Any]) -> None:
    if wants_json():
        show.document(told)
        return
    names = ("key", "key_id", "person_id", "label")
    show.pairs({name: told[name] for name in names} | {"scopes": " ".join(told["scopes"])}, indent=0)
    show.pairs({"expires": show.moment(told.get("expires_at")) or "never"}, indent=0)
    show.say("This key is shown once. Use it as HASHI_API_KEY.")

"""`hashi keys`: API keys are issued and shown once."""

from dataclasses import replace

import click

from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.up.home import UpHome


@click.group(cls=Group, example="hashi keys issue yamada --as admin")
def keys() -> None:
    """API keys. APIキー"""


@keys.command(
    "issue", example="hashi keys issue yamada --label laptop --as admin\nhashi keys issue yamada --keep --as admin"
)
@click.argument("person_id", metavar="PERSON")
@click.option("--label", default="command line", show_default=True, help="What the key is for.")
@click.option("--keep", is_flag=True, help="Keep it on this machine, so that --as PERSON finds it.")
@acts
def issue(api: Api, person_id: str, *, label: str, keep: bool) -> None:
    """Issue a key for PERSON; it is shown this once. APIキーの発行"""
    told = api.post(path("people", person_id, "keys"), {"label": label}).body
    if keep:
        home = UpHome.at(settings_of().home)
        me = replace(api, key=told["key"]).get("/v1/me").body
        kept = {"role": me["role"], "org_id": me["organization"]["org_id"], "name": me["person"]["name"]}
        home.keep_people({person_id: {**kept, "key": told["key"]}})
    if wants_json():
        show.document(told)
    elif keep:
        show.say(f"Kept in {home.keys}: --as {person_id} uses it.")
    else:
        show.pairs({"person": person_id, "key": told["key"]}, indent=0)
        show.say("This key is shown once. Use it as HASHI_API_KEY.")

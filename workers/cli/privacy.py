"""`hashi privacy`: erasure by destroying keys, on a legal basis, by two persons."""

from typing import Any

import click

from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.shape import Group, wants_json


@click.group(cls=Group, example="hashi privacy erase CASE --basis '個人情報保護法第35条' --as steward")
def privacy() -> None:
    """Erase personal data and secrets. 消去"""


@privacy.command(
    "erase",
    example="hashi privacy erase 0f3a… --basis '個人情報保護法第35条' --as company\n"
    "hashi privacy erase 0f3a… --person sato --basis '退職' --as steward",
)
@click.argument("case_id", metavar="CASE")
@click.option("--basis", required=True, help="The legal basis, as it is recorded.")
@click.option("--person", help="A person of the case, instead of its confidential texts.")
@acts
def erase(api: Api, case_id: str, *, basis: str, person: str | None) -> None:
    """Ask that the texts of CASE, or a person's data, be erased; a data steward decides. 消去の申請"""
    data = {"basis": basis, **({"subject": person} if person else {})}
    told = api.post(path("cases", case_id, "commands", "RequestErasure"), {"data": data}).body
    _show(told, f"Asked. Another person decides: hashi privacy decide {case_id} --approve --as STEWARD")


@privacy.command("decide", example="hashi privacy decide 0f3a… --approve --as steward")
@click.argument("case_id", metavar="CASE")
@click.option("--approve/--reject", required=True, help="Approve destroys the keys at once; it cannot be undone.")
@click.option("--why", help="The reason, for a rejection.")
@acts
def decide(api: Api, case_id: str, *, approve: bool, why: str | None) -> None:
    """Decide on the open request of CASE, as another person than who asked. 消去の決定"""
    body: dict[str, Any] = {"data": {"decision": "approved" if approve else "rejected"}}
    if why:
        body["reason"] = {"code": "other", "text": why}
    told = api.post(path("cases", case_id, "commands", "DecideErasure"), body).body
    _show(told, "Erased: the keys are destroyed, the events stay." if approve else "Rejected.")


def _show(told: object, words: str) -> None:
    if wants_json():
        show.document(told)
    else:
        show.say(words)

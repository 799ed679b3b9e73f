"""`hashi needs`: refer needs by hand, one or many."""

import click

import domain.stages  # noqa: F401 - registers the commands
from domain.law import RULES
from workers.cli import batches, show
from workers.cli.api import Api, acts, path
from workers.cli.reading import envelope_of
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.up.home import UpHome


@click.group(cls=Group, example="hashi needs example > need.json\nhashi needs submit need.json --as bank")
def needs() -> None:
    """Refer needs. ニーズの受付"""


needs.command(
    "import", example="hashi needs import needs.xlsx --as bank\nhashi needs import needs.csv --commit --as bank"
)(batches.import_table)
needs.command("batch", example="hashi needs batch b_… --commit --as bank")(batches.follow)
needs.command("template", example="hashi needs template -o needs.xlsx")(batches.template)


@needs.command("example", example="hashi needs example > need.json")
def example() -> None:
    """Print a need, ready to be edited. 編集用の記入例

    The company in it is fictional; `hashi up` knows it. Give each need a bank_reference of its own.
    """
    show.document({"data": dict(RULES["ReferNeed"].data.example)})  # type: ignore[attr-defined]


@needs.command("submit", example="hashi needs submit need.json --as bank\nhashi needs submit - --as bank < need.json")
@click.argument("file")
@click.option("--idempotency-key", metavar="KEY", help="A name for this try; the same again gets the same answer.")
@acts
def submit(api: Api, file: str, idempotency_key: str | None) -> None:
    """Refer the need in FILE (- for the standard input). ニーズの登録

    FILE holds the data of ReferNeed, bare or as {"data": …}. The same bank_reference again is the same case.
    """
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    answer = api.post("/v1/needs", envelope_of(file, "FILE"), headers)
    if wants_json():
        show.document(answer.body)
        return
    case_id = answer.body["case_id"]
    now = api.get(path("cases", case_id)).body
    was_known = answer.headers.get("Idempotency-Replayed") == "true"
    show.say("This need was referred before; its case:" if was_known else "The need is referred.")
    show.pairs({"Case": case_id, "Number": now.get("case_no"), "Stage": now["stage"]})
    acting = f" --as {api.person}" if api.person else ""
    show.say(f"\nFollow it with: hashi case show {case_id}{acting}")
    people = UpHome.at(settings_of().home).people()
    if not was_known and {"senior", "coordinator"} <= people.keys():
        show.say("Next, the center gives it a coordinator:")
        show.say(
            f"  hashi case do {case_id} AssignCoordinator --as senior"
            """ --data '{"coordinator_id": "coordinator"}'"""
        )

"""`hashi case`: follow a case and act on it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

import click

from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.faults import BadInput, Unreachable
from workers.cli.reading import envelope_of
from workers.cli.shape import Group, wants_json

_HEAD: Final = (
    ("Number", "case_no"),
    ("Stage", "stage"),
    ("Furthest", "furthest_stage"),
    ("Status", "status"),
    ("Ended as", "disposition"),
    ("Coordinator", "coordinator"),
    ("Company", "company_id"),
    ("Version", "version"),
)
_PARTS: Final = (
    *("assignments", "visits", "consultations", "agreements", "milestones", "inventions", "publications"),
    *("transfers", "products", "proposals", "consents"),
)
_TELLING: Final = (
    *("role", "researcher_id", "institution_id", "kind", "state", "result", "outcome", "name", "command"),
    *("proposal_id", "scheduled_at", "held_on", "signed_on", "due_on", "valid_until", "ended"),
)
"""What is shown of a part in one line; `--json` shows all."""
_PAGE: Final = 200


@click.group(cls=Group, example="hashi case list --as coordinator\nhashi case show CASE --as bank")
def case() -> None:
    """Follow and act on cases. 案件の参照と操作"""


@case.command("list", example="hashi case list --status open --as coordinator")
@click.option("--stage", metavar="STAGE", help="Only cases in this stage, such as review.")
@click.option("--status", type=click.Choice(["open", "held", "closed"]), help="Only cases with this status.")
@acts
def list_cases(api: Api, stage: str | None, status: str | None) -> None:
    """List the cases you may see, newest first. 案件一覧"""
    rows = _pages(api, "/v1/cases", stage=stage, status=status)
    if wants_json():
        show.lines(rows)
        return
    found = [
        (
            one["case_id"],
            one.get("case_no"),
            one["stage"],
            one["status"],
            one.get("coordinator"),
            show.moment(one.get("next_due_at")),
            one.get("title"),
        )
        for one in rows
    ]
    if not found:
        show.say("No case that you may see. Refer a need: hashi needs submit FILE.json")
        return
    show.table(("Case", "Number", "Stage", "Status", "Coordinator", "Next deadline", "Title"), found)


@case.command(
    "show",
    example="hashi case show 0f3a… --as bank\nhashi case show 0f3a… --as-of 2026-05-01 --as auditor\n"
    "hashi case show 0f3a… --true-on 2026-05-01T09:00:00+09:00 --as coordinator --json",
)
@click.argument("case_id", metavar="CASE")
@click.option("--as-of", metavar="TIME", help="As it was known then: with what was recorded by TIME.")
@click.option("--at-version", metavar="N", type=click.IntRange(1), help="As it was known at version N of your count.")
@click.option("--true-on", metavar="TIME", help="As it was true then: with what had happened by TIME.")
@acts
def show_case(api: Api, case_id: str, as_of: str | None, at_version: int | None, true_on: str | None) -> None:
    """Show one case as you may see it, now or earlier. 案件の詳細

    TIME is an instant with its offset, or a day, which is a day in Japan to its end. What was recorded late belongs to
    the day it happened with --true-on, and to the day it was recorded with --as-of; together they tell what was known
    then of what had happened then.
    """
    asked = {"as_of": as_of, "at_version": at_version and str(at_version), "true_on": true_on}
    told = api.get(path("cases", case_id), **asked).body
    if wants_json():
        show.document(told)
        return
    need = told.get("need", {})
    show.say(need.get("title", "(without a need)"))
    head = [("Case", told["case_id"]), *((name, told.get(field)) for name, field in _HEAD)]
    head += [
        (name, show.moment(told[of])) for name, of in (("Known at", "as_of"), ("True at", "true_on")) if of in told
    ]
    show.pairs([*head, ("Summary", need.get("public_summary")), ("Reason", _reason(told.get("reason")) or None)])
    _show_deadlines(told.get("deadlines", []))
    for part in _PARTS:
        _show_part(part, told.get(part, []))


@case.command("history", example="hashi case history 0f3a… --as coordinator")
@click.argument("case_id", metavar="CASE")
@acts
def history(api: Api, case_id: str) -> None:
    """Show what happened in a case, in order. 案件の履歴

    With --json: CloudEvents, one a line.
    """
    events = _pages(api, path("cases", case_id, "events"))
    if wants_json():
        show.lines(events)
        return
    show.table(
        ("No.", "When", "Who", "What", "Reason"),
        [
            (
                int(one["sequence"]),
                show.moment(one["time"]),
                one.get("actorrole"),
                _event_name(one["type"]),
                _reason(one.get("data", {}).get("reason")),
            )
            for one in events
        ],
    )


@case.command(
    "do",
    example='hashi case do CASE AssignCoordinator --data \'{"coordinator_id": "coordinator"}\' --as senior\n'
    "hashi case do CASE DeclineNeed --data decline.json --reason no_research_content --as coordinator\n"
    "hashi schema commands    # every command with an example",
)
@click.argument("case_id", metavar="CASE")
@click.argument("command")
@click.option("--data", default="{}", metavar="JSON", help="The command's data: JSON, a file, or - for stdin.")
@click.option("--reason", metavar="CODE", help="Why: a reason's code.")
@click.option("--reason-text", metavar="TEXT", help="Why, in words.")
@click.option("--evidence", multiple=True, metavar="DOC", help="The id of a document; may be repeated.")
@click.option("--occurred-at", metavar="INSTANT", help="When it happened, if not now: 2026-04-01T09:00:00+09:00.")
@click.option("--on-behalf-of", metavar="ORG", help="For whom, if not for your own organization.")
@click.option("--if-match", type=int, metavar="VERSION", help="Only if the case is still at this version.")
@click.option("--idempotency-key", metavar="KEY", help="A name for this try; the same again gets the same answer.")
@acts
def do(
    api: Api,
    case_id: str,
    command: str,
    *,
    data: str,
    reason: str | None,
    reason_text: str | None,
    evidence: tuple[str, ...],
    occurred_at: str | None,
    on_behalf_of: str | None,
    if_match: int | None,
    idempotency_key: str | None,
) -> None:
    """Give COMMAND on CASE. 案件へのコマンド

    A refusal names the rule; nothing was recorded then. No answer means unknown: the same key again tells.
    """
    body = envelope_of(data, "--data")
    why = {name: word for name, word in (("code", reason), ("text", reason_text)) if word}
    more = {"evidence": list(evidence), "occurred_at": occurred_at, "on_behalf_of": on_behalf_of}
    body |= {name: value for name, value in more.items() if value}
    body |= {"reason": {**body.get("reason", {}), **why}} if why else {}
    key = idempotency_key or str(uuid4())
    headers = {"Idempotency-Key": key} | ({"If-Match": f'"v{if_match}"'} if if_match is not None else {})
    answer = _sent(api, case_id, command, body, headers)
    if wants_json():
        show.document(answer)
        return
    show.say(f"Done: {', '.join(one['type'] for one in answer['events']) or 'nothing had to change'}.")
    show.pairs({"Case": answer["case_id"], "Stage": answer["stage"], "Status": answer["status"]})
    if any(one["type"] == "DecisionProposed" for one in answer["events"]):
        show.say(f"\nA second person has to agree: hashi case do {case_id} ConfirmDecision --as PERSON")


@case.command("disclosures", example="hashi case disclosures 0f3a… --as company")
@click.argument("case_id", metavar="CASE")
@acts
def disclosures(api: Api, case_id: str) -> None:
    """List what of the company was shown to whom, and when. 情報提供の記録"""
    told = api.get(path("cases", case_id, "disclosures")).body
    found, reads = told["items"], told["reads"]
    if wants_json():
        show.lines([*found, *reads])
        return
    rows = [
        (show.moment(one["at"]), one["to"], one.get("person"), ", ".join(one["data_classes"]), one["event_type"])
        for one in found
    ]
    show.table(("When", "To", "Person", "Classes of data", "By"), rows)
    if reads:
        show.say("\nReads by lenders and auditors 融資審査担当・監査人による閲覧:\n")
        seen = [(show.moment(one["at"]), one["to"], one["person"], one["role"], one["read"]) for one in reads]
        show.table(("When", "To", "Person", "Role", "What"), seen)


def _sent(api: Api, case_id: str, command: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    try:
        return api.post(path("cases", case_id, "commands", command), body, headers).body
    except BadInput as fault:
        code = fault.facts.get("problem", {}).get("code")
        if code == "invalid_field":
            raise BadInput(f"{fault.message}\nWhat fits: hashi schema commands {command}", **fault.facts) from fault
        if code != "unknown_command":
            raise
        raise BadInput(f"COMMAND: there is no {command}; see: hashi schema commands --list", **fault.facts) from fault
    except Unreachable as fault:
        key = headers["Idempotency-Key"]
        again = f"{fault.message}\nTo learn what became of it, give it again with --idempotency-key {key}"
        raise Unreachable(again, **fault.facts, idempotency_key=key) from fault


def _pages(api: Api, path: str, **parameters: str | None) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        page = api.get(path, **parameters, after=after, limit=_PAGE).body
        yield from page["items"]
        after = page.get("next")
        if after is None:
            return


def _show_deadlines(deadlines: list[dict[str, str]]) -> None:
    if deadlines:
        show.say("\nDeadlines")
        show.table(
            ("  Due", "What", "Whose turn"),
            [(f"  {show.moment(d['due_at'])}", d["timer"], d["owner"]) for d in deadlines],
        )


def _show_part(part: str, entities: list[Mapping[str, Any]]) -> None:
    if not entities:
        return
    show.say(f"\n{part.capitalize()}")
    for one in entities:
        own_id = next((str(value) for name, value in one.items() if name.endswith("_id")), "")
        told = [f"{name} {one[name]}" for name in _TELLING if one.get(name) and str(one[name]) != own_id]
        show.say(f"  {own_id}  {', '.join(told)}")


def _event_name(cloud_type: str) -> str:
    """`jp.hashi.referral.need_referred.v1` as it is called in the catalogue: NeedReferred."""
    return "".join(word.capitalize() for word in cloud_type.split(".")[-2].split("_"))


def _reason(reason: Mapping[str, Any] | None) -> str:
    if not reason:
        return ""
    text = reason.get("text")
    if isinstance(text, Mapping):
        text = text.get("ja") or text.get("en")
    return f"{reason['code']}: {text}" if text else str(reason["code"])

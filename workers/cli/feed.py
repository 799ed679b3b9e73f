"""`hashi feed`: a lender's feed and webhooks, from the lender's side and the operator's."""

from collections.abc import Iterator
from typing import Any, Final

import click

from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.shape import Group, wants_json
from workers.play.observer import kind_of

_PAGE: Final = 1000
_WAIT: Final = 5
"""Seconds that one request waits for news."""


@click.group(cls=Group, example="hashi feed tail --as lender\nhashi feed tail --after 120 --follow --json --as lender")
def feed() -> None:
    """Follow what is open to a lender. 融資機関のフィード"""


@feed.command("tail", example="hashi feed tail --as lender\nhashi feed tail --after 120 --follow --json --as lender")
@click.option("--after", type=click.IntRange(0), default=0, metavar="NUMBER", help="The last number you have had.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@acts
def tail(api: Api, after: int, follow: bool) -> None:
    """Print the events after a number, in order; each number is the next --after. フィードの表示"""
    for one in _events(api, after, follow=follow):
        if wants_json():
            show.lines([one])
        else:
            show.say(_line(one))


def _events(api: Api, after: int, *, follow: bool) -> Iterator[dict[str, Any]]:
    wait = 0
    while True:
        page = api.get("/v1/feed", after=after, limit=_PAGE, wait=wait).body
        yield from page["items"]
        after = int(page["next"])
        if not page["items"]:
            if not follow:
                return
            wait = _WAIT


def _line(one: dict[str, Any]) -> str:
    number = int(one["sequence"])
    if "withheld" in one:
        return f"{number:>6}  withheld by the company 企業の意思により非開示"
    return f"{number:>6}  {show.moment(one['time'])}  {one['partitionkey']}  {kind_of(one)}"


@feed.group("endpoints", cls=Group, example="hashi feed endpoints add https://lender.example/hook --as lender")
def endpoints() -> None:
    """Look after webhooks: a lender its own, an administrator all. Webhookの管理"""


@endpoints.command("list", example="hashi feed endpoints list --as lender")
@acts
def list_endpoints(api: Api) -> None:
    """List webhooks and how they stand. Webhookの一覧"""
    found = api.get("/v1/feed/endpoints").body["items"]
    if wants_json():
        show.lines(found)
    elif not found:
        show.say("There is none; `hashi feed endpoints add URL` adds one.")
    else:
        columns = ("Endpoint", "Lender", "Stands", "Pushes", "Up to", "URL", "Fault")
        names = ("endpoint_id", "lender_id", "status", "payload", "taken_over", "url", "failure")
        show.table(columns, [tuple(one.get(name) for name in names) for one in found])


@endpoints.command("add", example="hashi feed endpoints add https://lender.example/hook --after 120 --as lender")
@click.argument("url")
@click.option("--payload", type=click.Choice(["thin", "full"]), default="thin", show_default=True)
@click.option("--after", type=click.IntRange(0), default=0, metavar="NUMBER", help="Begin after this number.")
@acts
def add_endpoint(api: Api, url: str, payload: str, after: int) -> None:
    """Push events to URL; prints the secret this once. Webhookの追加"""
    made = api.post("/v1/feed/endpoints", {"url": url, "payload": payload, "after": after}).body
    _show_secret(made, "Keep the secret now; the challenge is on its way, events follow once it is answered.")


@endpoints.command("show", example="hashi feed endpoints show ENDPOINT --as lender")
@click.argument("endpoint")
@click.option("--status", type=click.Choice(["waiting", "sent", "withheld", "dead"]), help="List these deliveries.")
@acts
def show_endpoint(api: Api, endpoint: str, status: str | None) -> None:
    """Show how a webhook stands, and its deliveries of one status. Webhookの状態"""
    place = path("feed", "endpoints", endpoint)
    told = api.get(place).body
    if status:
        told["items"] = api.get(f"{place}/deliveries", status=status, limit=_PAGE).body["items"]
    if wants_json():
        show.document(told)
        return
    show.pairs({name: value for name, value in told.items() if name not in {"items", "deliveries"}})
    show.pairs({f"deliveries {name}": count for name, count in sorted(told["deliveries"].items())})
    if status:
        columns = ("Number", "Case", "Attempts", "Next", "Fault")
        rows = [
            (int(one["sequence"]), one["case_id"], one["attempts"], show.moment(one.get("next_at")), one.get("failure"))
            for one in told["items"]
        ]
        show.table(columns, rows)


@endpoints.command("replay", example="hashi feed endpoints replay ENDPOINT --from 100 --to 120 --as lender")
@click.argument("endpoint")
@click.option("--from", "first", type=click.IntRange(1), metavar="NUMBER", help="Default: what is dead.")
@click.option("--to", "last", type=click.IntRange(1), metavar="NUMBER")
@acts
def replay(api: Api, endpoint: str, first: int | None, last: int | None) -> None:
    """Push again what is dead, or a range, and go on where it was stopped. 再送"""
    given = {"from": first, "to": last}
    body = {name: number for name, number in given.items() if number is not None}
    told = api.post(f"{path('feed', 'endpoints', endpoint)}/replay", body).body
    if wants_json():
        show.document(told)
    else:
        show.say(f"{told['replayed']} events go out again; what was not pushed yet follows by itself.")


@endpoints.command("rotate", example="hashi feed endpoints rotate ENDPOINT --overlap 86400 --as lender")
@click.argument("endpoint")
@click.option("--overlap", type=click.IntRange(0), default=86_400, show_default=True, help="Seconds both secrets sign.")
@acts
def rotate(api: Api, endpoint: str, overlap: int) -> None:
    """Make a new secret; the old one signs beside it for a while. 秘密鍵の更新"""
    made = api.post(f"{path('feed', 'endpoints', endpoint)}/rotate", {"overlap": overlap}).body
    _show_secret(made, f"Keep it now; the old one signs beside it for {overlap} s more.")


@endpoints.command("remove", example="hashi feed endpoints remove ENDPOINT --as lender")
@click.argument("endpoint")
@acts
def remove(api: Api, endpoint: str) -> None:
    """Push nothing more; the feed stays. Webhookの削除"""
    api.delete(path("feed", "endpoints", endpoint))
    if not wants_json():
        show.say("Removed.")


def _show_secret(made: dict[str, Any], then: str) -> None:
    if wants_json():
        show.document(made)
        return
    show.pairs({name: made.get(name) for name in ("endpoint_id", "status", "url", "secret", "public_key")})
    show.say(then)

"""`hashi feed`: a lender's feed, from the lender's side."""

from collections.abc import Iterator
from typing import Any, Final

import click

from workers.cli import show
from workers.cli.api import Api, acts
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

"""`hashi bench NAME`: each measure beside its peer or limit, on servers of its own."""

import asyncio
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from workers.cli.faults import DONE, FOUND, BadInput, Unreachable
from workers.cli.shape import Group, wants_json

if TYPE_CHECKING:
    from bench.command import Plan
    from bench.figures import Figures


@click.group(cls=Group, example="hashi bench command\nhashi bench command --quick --json")
def bench() -> None:
    """Measure beside the peers. 性能の測定

    Each benchmark starts servers of its own and measures the peer in turns with ours, in one run.
    """


@bench.command(example="hashi bench command\nhashi bench command --clients 1,8 --rounds 5 --seconds 10 --json")
@click.option("--quick", is_flag=True, help="One short round; says that it works, not how fast.")
@click.option("--clients", metavar="N,N…", help="Numbers of clients at once; default: 1,16,64.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Turns of each side at each number of clients; default: 5.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), help="Length of a turn; default: 5.")
def command(quick: bool, clients: str | None, rounds: int | None, seconds: float | None) -> int:
    """What a command costs beside a bare Temporal Update. コマンド一件の費用

    The accepted commands of the script ceramics over HTTP, in its order, over many cases; against an Update with one
    ordinary activity that does nothing, from the same client on the same server. A cost is our time by theirs.
    """
    from bench.command import QUICK, Plan  # noqa: PLC0415 - what servers need is imported when they are used

    plan = QUICK if quick else Plan()
    return _run(
        replace(
            plan,
            clients=_numbers(clients) or plan.clients,
            rounds=rounds or plan.rounds,
            seconds=seconds or plan.seconds,
        )
    )


@bench.command(example="hashi bench storm --cases 2000")
@click.option("--cases", type=click.IntRange(1, 20_000), default=2_000, show_default=True)
def storm(cases: int) -> int:
    """How late a timer acts when all agreements end at one moment. 3月31日の一斉期限"""
    from bench.stand import NotReady  # noqa: PLC0415
    from bench.storm import measure  # noqa: PLC0415
    from workers.embedded import EmbeddedServerError  # noqa: PLC0415
    from workers.logs import configure  # noqa: PLC0415

    configure("error")
    try:
        found = asyncio.run(measure(cases, _tell))
    except (EmbeddedServerError, NotReady, TimeoutError) as error:
        raise Unreachable(f"the storm was not measured: {error or type(error).__name__}") from error
    if wants_json():
        click.echo(json.dumps(found.as_record(), ensure_ascii=False))
    else:
        for name, value in found.figures.items():
            click.echo(f"{name:<20}{value:>12,}")
    return DONE


def _run(plan: "Plan") -> int:
    from bench.command import NotAccepted, measure  # noqa: PLC0415
    from bench.stand import NotReady  # noqa: PLC0415
    from workers.embedded import EmbeddedServerError  # noqa: PLC0415
    from workers.logs import configure  # noqa: PLC0415

    configure("error")
    try:
        _show(asyncio.run(measure(plan, _tell)))
    except NotAccepted as error:
        click.echo(f"hashi: a command was not accepted, so nothing was measured: {error}", err=True)
        return FOUND
    except (EmbeddedServerError, NotReady) as error:
        raise Unreachable(str(error)) from error
    return DONE


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 0 < int(word) <= 1_000 for word in words):
        raise BadInput(f"--clients: {text} is not a list such as 1,16,64")
    return tuple(sorted({int(word) for word in words}))


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{what} …", nl=False, err=True)


def _show(found: "Figures") -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    if wants_json():
        click.echo(json.dumps(found.as_record(), ensure_ascii=False))
        return
    from bench.table import table  # noqa: PLC0415

    for line in table(found):
        click.echo(line)

"""`hashi bench`: measured beside the peers, in one run and in turns."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

import click

from workers.cli import show
from workers.cli.faults import FOUND, BadInput, Unreachable
from workers.cli.shape import Group, wants_json

_COLUMNS: Final = ("Clients", "Cost", "p50 ms", "p99 ms", "per second", "bare p50 ms", "bare p99 ms", "bare per second")
_PROCESSES: Final = ("worker", "gateway", "postgresql", "temporal", "client")


@click.group(cls=Group, example="hashi bench command\nhashi bench command --quick --json")
def bench() -> None:
    """Measure beside the peers. 性能の測定

    Each bench starts servers of its own and removes them. Only the ratios, taken within one run, compare machines.
    """


@bench.command("command", example="hashi bench command --clients 1,16 --rounds 3\nhashi bench command --quick --json")
@click.option("--quick", is_flag=True, help="Half a minute, to see that it works; the figures say nothing.")
@click.option("--clients", default=None, metavar="N,N…", help="How many clients at once; default 1,16,64.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Rounds whose medians are told; default 5.")
@click.option("--seconds", type=click.FloatRange(0.2, 600), help="Length of one window; default 6.")
def command(quick: bool, clients: str | None, rounds: int | None, seconds: float | None) -> int | None:
    """What a command costs beside a bare Temporal Update. コマンド1件の費用

    The accepted commands of the script `ceramics` over HTTP, in turns with Updates of one no-op activity each, from
    the same client on the same embedded servers. Cost is our time for one command divided by theirs.
    """
    from bench.command import QUICK, Plan  # noqa: PLC0415 - servers' imports only where they are used

    given = {"clients": _counts(clients) if clients else None, "rounds": rounds, "seconds": seconds}
    plan = replace(QUICK if quick else Plan(), **{name: value for name, value in given.items() if value is not None})
    told = _run(plan)
    if told is None:
        return FOUND
    if wants_json():
        show.document(told)
    else:
        _tell(told["figures"], told["ratios"], plan.clients)
    return None


def _counts(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(sorted({int(one) for one in text.split(",")}))
    except ValueError:
        counts = ()
    if not counts or not all(0 < one <= 500 for one in counts):
        raise BadInput(f"--clients: {text!r} is no list of numbers from 1 to 500 such as 1,16,64")
    return counts


def _run(plan: Any) -> dict[str, Any] | None:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from bench.command import run  # noqa: PLC0415
    from bench.runners import NotAccepted  # noqa: PLC0415
    from workers.embedded import EmbeddedServerError  # noqa: PLC0415

    drawn = Progress(
        TextColumn("{task.description:<46}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )
    task = drawn.add_task("", total=plan.steps)
    try:
        with drawn if sys.stderr.isatty() else nullcontext():
            return asyncio.run(run(plan, lambda words: drawn.update(task, advance=1, description=words)))
    except NotAccepted as error:
        click.echo(f"hashi: a command was not accepted: {error}", err=True)
        return None
    except EmbeddedServerError as error:
        raise Unreachable(str(error)) from error


def _tell(figures: Mapping[str, float], ratios: Mapping[str, float], clients: tuple[int, ...]) -> None:
    names = ("p50_ms", "p99_ms", "per_second", "bare_p50_ms", "bare_p99_ms", "bare_per_second")
    show.table(
        _COLUMNS,
        [
            (count, f"{ratios[f'cost_vs_bare_temporal_{count}']:.2f}x", *(figures[f"{one}_{count}"] for one in names))
            for count in clients
        ],
    )
    show.say("\nProcessor milliseconds for one command (a bare update), by process\n")
    show.table(
        ("Clients", *_PROCESSES),
        [(count, *(_processor(figures, name, count) for name in _PROCESSES)) for count in clients],
    )
    show.say(
        f"\nWorker memory for one idle open case: {figures['worker_bytes_per_idle_case'] / 1000:.0f} kB",
    )
    show.say(f"  with the cache bounded: {figures['worker_bytes_per_idle_case_bounded'] / 1000:.0f} kB")
    show.say(f"  a bare workflow: {figures['bare_worker_bytes_per_idle_workflow'] / 1000:.0f} kB")


def _processor(figures: Mapping[str, float], name: str, count: int) -> str:
    theirs = figures.get(f"bare_cpu_ms_{name}_{count}")
    return f"{figures[f'cpu_ms_{name}_{count}']:.1f}" + (f" ({theirs:.1f})" if theirs is not None else "")

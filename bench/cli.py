"""`hashi bench NAME`: each measure beside its peer or limit, on servers of its own."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from workers.cli.faults import DONE, FOUND, BadInput, Unreachable
from workers.cli.shape import Group, wants_json

if TYPE_CHECKING:
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
    from bench.command import QUICK, Plan, measure  # noqa: PLC0415 - what servers need is imported when they are used

    plan = QUICK if quick else Plan()
    plan = replace(
        plan,
        clients=_numbers(clients, "--clients") or plan.clients,
        rounds=rounds or plan.rounds,
        seconds=seconds or plan.seconds,
    )
    return _run(lambda: measure(plan, _tell))


@bench.command(example="hashi bench intake\nhashi bench intake --clients 1,8 --rounds 5 --seconds 10 --json")
@click.option("--quick", is_flag=True, help="One short round; says that it works, not how fast.")
@click.option("--clients", metavar="N,N…", help="Numbers of clients at once; default: 1,16,64.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Turns of each side at each number of clients; default: 5.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), help="Length of a turn; default: 5.")
def intake(quick: bool, clients: str | None, rounds: int | None, seconds: float | None) -> int:
    """What a referred need costs beside a bare Temporal start. 課題の受付一件の費用

    POST /v1/needs, a new need each, on durable servers; against starting a bare workflow, and against an
    Update-with-Start with one ordinary activity that does nothing. A cost is our time by theirs.
    """
    from bench.intake import QUICK, Plan, measure  # noqa: PLC0415

    plan = QUICK if quick else Plan()
    chosen = _numbers(clients, "--clients") or plan.clients
    plan = replace(plan, clients=chosen, rounds=rounds or plan.rounds, seconds=seconds or plan.seconds)
    return _run(lambda: measure(plan, _tell))


@bench.command(example="hashi bench dossier --json")
@click.option("--quick", is_flag=True, help="Two dossiers; says that it works, not how fast.")
@click.option("--events", type=click.IntRange(60, 5_000), default=150, show_default=True)
def dossier(quick: bool, events: int) -> int:
    """How long a dossier takes to become a PDF, warm. 技術評価補完資料の作成時間"""
    from bench.dossier import measure  # noqa: PLC0415

    async def measured() -> "Figures":
        return measure(events, 2 if quick else 40)

    return _run(measured)


@bench.command(example="hashi bench storm --cases 2000")
@click.option("--cases", type=click.IntRange(1, 20_000), default=2_000, show_default=True)
def storm(cases: int) -> int:
    """How late a timer acts when all agreements end at one moment. 3月31日の一斉期限"""
    from bench.storm import measure  # noqa: PLC0415

    return _run(lambda: measure(cases, _tell))


@bench.command(example="hashi bench restore --cases 1000 --json")
@click.option("--cases", type=click.IntRange(1, 20_000), default=1_000, show_default=True)
def restore(cases: int) -> int:
    """How long until all cases wait again after Temporal lost everything. エンジン喪失からの復元

    Kills Temporal under open cases, removes its database, brings the workflows back from the events, compares every
    timer with the store, and closes every case. Exit status 1 when one was lost.
    """
    from bench.restore import measure  # noqa: PLC0415

    return _run(lambda: measure(cases, _tell))


@bench.command(example="hashi bench batch\nhashi bench batch --rows 500 --json")
@click.option("--quick", is_flag=True, help="A few rows; says that it works, not how fast.")
@click.option("--rows", type=click.IntRange(1, 5_000), help="Rows of the table; default: 5000.")
@click.option("--coordinators", type=click.IntRange(1, 64), help="How many work meanwhile; default: 4.")
def batch(quick: bool, rows: int | None, coordinators: int | None) -> int:
    """What coordinators wait while a table of needs is committed. 一括受付中の応答

    And that of each row there is one case. A coordinator waits a quarter of a second between two commands.
    """
    from bench.batch import QUICK, Plan, measure  # noqa: PLC0415

    plan = QUICK if quick else Plan()
    plan = replace(plan, rows=rows or plan.rows, coordinators=coordinators or plan.coordinators)
    return _run(lambda: measure(plan, _tell))


@bench.command(example="hashi bench append\nhashi bench append --writers 1,32 --rounds 9 --seconds 5 --json")
@click.option("--quick", is_flag=True, help="One short round; says that it works, not how fast.")
@click.option("--writers", metavar="N,N…", help="Numbers of writers at once; default: 1,8,32.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Turns of each side at each number of writers; default: 5.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), help="Length of a turn; default: 3.")
def append(quick: bool, writers: str | None, rounds: int | None, seconds: float | None) -> int:
    """What an append costs beside other stores. イベント追記の費用

    Against a bare INSERT by psycopg, the library eventsourcing, message-db and pgbench; a rate is ours by theirs.
    `make bench-peers` installs those that are optional; one that is missing is left out.
    """
    from bench.append import QUICK, Plan, measure  # noqa: PLC0415

    plan = QUICK if quick else Plan()
    plan = replace(
        plan,
        writers=_numbers(writers, "--writers") or plan.writers,
        rounds=rounds or plan.rounds,
        seconds=seconds or plan.seconds,
    )
    return _run(lambda: measure(plan, _tell))


@bench.command(example="hashi bench replay\nhashi bench replay --events 10000 --json")
@click.option("--events", type=click.IntRange(100, 100_000), help="Events of the one stream; default: 2000.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Turns of each side; default: 15.")
def replay(events: int | None, rounds: int | None) -> int:
    """How fast one stream becomes a state. 一案件の再生

    Against COPY, and SELECT, of the same rows, each parsed as JSON; a rate is ours by theirs.
    """
    from bench.read import REPLAY, replay  # noqa: PLC0415

    plan = replace(REPLAY, events=events or REPLAY.events, rounds=rounds or REPLAY.rounds)
    return _run(lambda: replay(plan, _tell))


@bench.command(example="hashi bench rebuild\nhashi bench rebuild --events 100000 --json")
@click.option("--events", type=click.IntRange(1_000, 10_000_000), help="Events of the ledger; default: 1000000.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Turns of each side; default: 3.")
def rebuild(events: int | None, rounds: int | None) -> int:
    """How fast a ledger becomes a projection. 投影の再構築

    `case_facts`, against COPY of the same rows, each parsed as JSON; a rate is ours by theirs.
    """
    from bench.read import REBUILD, rebuilding  # noqa: PLC0415

    plan = replace(REBUILD, events=events or REBUILD.events, rounds=rounds or REBUILD.rounds)
    return _run(lambda: rebuilding(plan, _tell))


@bench.command(example="hashi bench order\nhashi bench order --seconds 60 --seed 7 --json")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Whom chance kills, and when.")
@click.option(
    "--without", type=click.Choice(["lock", "positions"]), help="Take a guard away, to see that it is missed."
)
@click.option("--fast", is_flag=True, help="Without fsync: for a machine that will not lose power meanwhile.")
def order(seconds: float, seed: int, without: str | None, fast: bool) -> int:
    """Whether the order of events survives kills. イベント順序の検証

    Eight writers in processes of their own, three followers, two relays; chance kills -9 writers, relays, the server.
    Then journals, ledger and followers are compared: nothing lost, doubled, out of order or refused, or exit status 1.
    """
    from bench.order import FAULTS, Plan, measure  # noqa: PLC0415

    plan = Plan(seconds, seed, without, fast)
    return _run(lambda: measure(plan, _tell), FAULTS)


@bench.command(example="hashi bench feed\nhashi bench feed --events 10000 --kills 2 --seed 7 --json")
@click.option("--quick", is_flag=True, help="A few events; says that it works, not how fast.")
@click.option("--events", type=click.IntRange(1, 10_000_000), help="Events that go out with faults; default: 100000.")
@click.option("--kills", type=click.IntRange(0, 100), help="How often relay and worker are killed; default: 3 each.")
@click.option("--seed", type=int, help="Which events the receiver does not take at first; default: 1.")
def feed(quick: bool, events: int | None, kills: int | None, seed: int | None) -> int:
    """What a lender gets while all on the way fails, and how fast. 融資機関への配信

    From append to delivery at 50 events a second; then with a receiver that answers 500, hangs and closes, and relay
    and worker killed: what came is what the rule permits. Last the feed is pulled beside COPY of the same rows.
    """
    from bench.feed import QUICK, Plan, measure, with_events  # noqa: PLC0415

    plan = with_events(QUICK if quick else Plan(), events, kills, seed)
    return _run(lambda: measure(plan, _tell))


@bench.command(example="hashi bench verify\nhashi bench verify --events 100000 --rounds 1 --json")
@click.option("--events", type=click.IntRange(1_000, 10_000_000), help="Events of the ledger; default: 1000000.")
@click.option("--rounds", type=click.IntRange(1, 100), help="Turns of each side; default: 3.")
def verify(events: int | None, rounds: int | None) -> int:
    """How fast `hashi audit verify` goes through a ledger. 監査検証の速さ

    The log part against COPY of the rows that it reads, the projections against a rebuild of `case_facts`; a rate is
    ours by theirs.
    """
    from bench.verify import VERIFY, verifying  # noqa: PLC0415

    plan = replace(VERIFY, events=events or VERIFY.events, rounds=rounds or VERIFY.rounds)
    return _run(lambda: verifying(plan, _tell))


def _run(measuring: Callable[[], Coroutine[Any, Any, "Figures"]], faults: Sequence[str] = ()) -> int:
    from bench.stand import NotReady  # noqa: PLC0415
    from bench.turns import NotAccepted  # noqa: PLC0415
    from workers.embedded import EmbeddedServerError  # noqa: PLC0415
    from workers.logs import configure  # noqa: PLC0415

    configure("error")
    try:
        found = asyncio.run(measuring())
        _show(found)
    except NotAccepted as error:
        click.echo(f"hashi: something was not accepted, so nothing was measured: {error}", err=True)
        return FOUND
    except (EmbeddedServerError, NotReady, TimeoutError) as error:
        raise Unreachable(f"it was not measured: {error or type(error).__name__}") from error
    return FOUND if any(found.figures[one] for one in faults) else DONE


def _numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 0 < int(word) <= 1_000 for word in words):
        raise BadInput(f"{option}: {text} is not a list such as 1,16,64")
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
    from bench.table import lines  # noqa: PLC0415

    for line in lines(found):
        click.echo(line)

"""`hashi up`, `hashi worker`, `hashi gateway`, `hashi relay`: the processes."""

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from workers import logs
from workers.cli import show
from workers.cli.faults import BadInput, Unreachable
from workers.cli.settings import settings_of
from workers.cli.shape import Command, wants_json
from workers.embedded import EmbeddedServerError
from workers.processes import NotServed, SchemaUnfit, run_gateway, run_relay, run_worker
from workers.settings import SettingsFault
from workers.up.run import AlreadyUp, Running, Wishes
from workers.up.run import up as serve

_NAMED = (
    "start everything on this machine with `hashi up`, or name your own servers (`hashi doctor` lists the settings)"
)


@click.command(cls=Command, example="hashi up\nhashi up --port 9000")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API; default HASHI_PORT or 8780.")
@click.option(
    "--temporal-ui-port", type=click.IntRange(1, 65535), help="Port of Temporal's pages; default: a free one."
)
@click.option("--no-ui", is_flag=True, help="Leave out Temporal's pages.")
def up(port: int | None, temporal_ui_port: int | None, no_ui: bool) -> None:
    """Serve everything on this machine. 一台ですべてを起動

    PostgreSQL, Temporal, worker, relay and gateway; the data stay in HASHI_HOME (.hashi) over restarts. The first start
    makes an administrator and a fictional person per role. Ctrl-C stops everything cleanly.
    """
    settings = settings_of()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    logs.configure("warning" if settings.log_level == "info" else settings.log_level, debug=settings.debug)
    as_json = wants_json()
    waiting = Console(stderr=True).status("Starting PostgreSQL, Temporal, worker, relay and gateway …")

    def ready(running: Running) -> None:
        waiting.stop()
        if as_json:
            show.document(running.record())
            sys.stdout.flush()
        else:
            _tell(running)
        logs.configure(settings.log_level, debug=settings.debug)

    with waiting if sys.stderr.isatty() else nullcontext():
        _run(serve(settings, Wishes(ui=not no_ui, ui_port=temporal_ui_port), ready))
    if not as_json:
        show.say("Stopped; the data stay where they are.")


@click.command(
    cls=Command, example=". .hashi/up.env && hashi worker\nHASHI_DATABASE_URL=… TEMPORAL_ADDRESS=… hashi worker"
)
def worker() -> None:
    """Run one worker of the cases. 案件ワーカー

    Configured by the environment alone; any number may run. SIGTERM and Ctrl-C let it finish what it is at.
    """
    settings = settings_of()
    logs.configure(settings.log_level, debug=settings.debug)
    _run(run_worker(settings))


@click.command(cls=Command, example="HASHI_PORT=8781 HASHI_DATABASE_URL=… TEMPORAL_ADDRESS=… hashi gateway")
def gateway() -> None:
    """Run one HTTP gateway. HTTPゲートウェイ

    Configured by the environment alone; any number may run. It listens on this machine only, unless a proxy with TLS
    stands in front (HASHI_BEHIND_PROXY=1).
    """
    settings = settings_of()
    logs.configure(settings.log_level, debug=settings.debug)
    _run(run_gateway(settings))


@click.command(cls=Command, example=". .hashi/up.env && hashi relay\nHASHI_DATABASE_URL=… hashi relay")
def relay() -> None:
    """Run one relay of the events. イベントの中継

    It writes the transparency log's leaves, notices and figures behind the events, and sends mail. Any number may run;
    one leads, another takes over within seconds. It needs the database and the master key, not Temporal.
    """
    settings = settings_of()
    logs.configure(settings.log_level, debug=settings.debug)
    _run(run_relay(settings))


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (SettingsFault, AlreadyUp) as error:
        raise BadInput(str(error)) from error
    except NotServed as error:
        raise Unreachable(f"{error}; {_NAMED}") from error
    except SchemaUnfit as error:
        raise BadInput(str(error)) from error
    except EmbeddedServerError as error:
        raise Unreachable(str(error)) from error


def _tell(running: Running) -> None:
    home = _short(running.home.path)
    show.say("\nHashi is running. ハシが起動しました\n")
    show.pairs(
        {
            "API": running.url,
            "OpenAPI": f"{running.url}/v1/openapi.json",
            "Temporal UI": running.stack.temporal_ui if running.stack else None,
            "Data": home,
            **{one.name.title(): f"pid {one.pid}, log {_short(one.log)}" for one in running.children},
        }
    )
    people = running.home.people()
    if people:
        show.say(f"\nWho may act, with --as ID (keys in {_short(running.home.keys)}; 架空 = fictional):\n")
        show.table(
            ("  ID", "Role", "Organization", "Name"),
            [(f"  {name}", one["role"], one["org_id"], one["name"]) for name, one in people.items()],
        )
    show.say("\nTry, in another terminal:\n")
    if not _is_on_path():
        show.say(f"  export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    if "bank" in people:
        show.say("  hashi needs example > need.json")
        show.say("  hashi needs submit need.json --as bank")
        show.say("  hashi case list --as coordinator")
    if running.stack is not None:
        show.say(f"  . {shlex.quote(_sourced(running.home.environment))} && hashi worker    # a second worker")
    show.say("\nCtrl-C stops it.\n")
    sys.stdout.flush()


def _short(path: Path) -> str:
    """*path* from here, if it lies below."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _is_on_path() -> bool:
    found = shutil.which("hashi")
    return found is not None and Path(found).parent == Path(sys.executable).parent


def _sourced(path: Path) -> str:
    short = _short(path)
    return short if "/" in short else f"./{short}"

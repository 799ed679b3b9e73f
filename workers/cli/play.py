"""`hashi play` and `hashi demo`: case scripts played through the public interface."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.faults import DONE, FOUND, BadInput, Unreachable
from workers.cli.shape import Command, wants_json

if TYPE_CHECKING:
    from rich.console import Console

    from workers.play.player import Played, Player
    from workers.play.script import Script
    from workers.play.theatre import Theatre


@click.command(cls=Command, example="hashi play ceramics --time-skipping\nhashi play my-case.yaml --time-skipping")
@click.argument("scripts", nargs=-1)
@click.option("--all", "play_all", is_flag=True, help="Play every shipped script.")
@click.option("--list", "list_only", is_flag=True, help="List the shipped scripts.")
@click.option("--time-skipping", is_flag=True, help="Let waits pass at once; only on a throw-away stack.")
@click.option(
    "--against", metavar="URL", help="Play on the running system at URL, with an administrator's HASHI_API_KEY."
)
@click.option("--strict", is_flag=True, help="A step that the product cannot run yet is a fault.")
def play(  # noqa: PLR0917 - one parameter an option
    scripts: tuple[str, ...], play_all: bool, list_only: bool, time_skipping: bool, against: str | None, strict: bool
) -> int:
    """Play case scripts and check what they expect. ケーススクリプトの実行と検証

    SCRIPTS are files, or names of shipped scripts. Without --against they are played on a throw-away stack.
    """
    from workers.play.script import shipped  # noqa: PLC0415

    if list_only:
        return _list(shipped())
    names = shipped() if play_all else scripts
    if not names:
        raise BadInput("which script? Name a file or a shipped one (hashi play --list), or say --all")
    loaded = _load(names, time_skipping=time_skipping, against=against)
    return _run(_perform(loaded, against, strict=strict, title="play"))


@click.command(cls=Command, example="hashi demo\nhashi demo --script national --out national-demo")
@click.option(
    "--script", "scripts", multiple=True, metavar="NAME", help="A shipped script or a file; default: ceramics."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("hashi-demo"), show_default=True)
def demo(scripts: tuple[str, ...], out: Path) -> int:
    """Play a whole case on servers of its own and leave its files behind. 一案件を通しで上演

    Everything is started in a folder of its own and stopped at the end; the files of each case are written to --out.
    """
    loaded = _load(scripts or ("ceramics",), time_skipping=True, against=None)
    return _run(_perform(loaded, None, strict=False, title="demo", out=out))


def _run(work: Any) -> int:
    return int(asyncio.run(work))


def _list(names: Sequence[str]) -> int:
    from workers.play.script import load  # noqa: PLC0415

    for name in names:
        script = load(name)
        if wants_json():
            click.echo(json.dumps({"script": name, "title": script.title.model_dump()}, ensure_ascii=False))
        else:
            click.echo(f"{name:<20} {script.title.ja}\n{'':<20} {script.title.en}")
    return DONE


def _load(names: Sequence[str], *, time_skipping: bool, against: str | None) -> list["Script"]:
    from workers.play.script import BadScript, load  # noqa: PLC0415

    try:
        loaded = [load(name) for name in names]
    except BadScript as error:
        raise BadInput(str(error)) from error
    for name, script in zip(names, loaded, strict=True):
        if not script.passes_time:
            continue
        if against:
            raise BadInput(f"{name}: has wait or until, and the clock of a running system does not move")
        if not time_skipping:
            raise BadInput(f"{name}: has wait or until; add --time-skipping to let the time pass at once")
    return loaded


def _running(against: str) -> "Theatre":
    from workers.play.theatre import Theatre  # noqa: PLC0415
    from workers.settings import Settings  # noqa: PLC0415

    key = Settings.load().api_key
    if key is None:
        raise BadInput("HASHI_API_KEY: an administrator's key is needed to play on a running system")
    return Theatre(against.rstrip("/"), key.get_secret_value())


async def _perform(
    scripts: Sequence["Script"], against: str | None, *, strict: bool, title: str, out: Path | None = None
) -> int:
    import httpx  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from workers.logs import configure  # noqa: PLC0415
    from workers.play.script import BadScript  # noqa: PLC0415

    configure("warning")
    console = Console(file=sys.stderr if wants_json() else sys.stdout, highlight=False, quiet=wants_json())
    started = time.perf_counter()
    try:
        if against is None:
            failed = await _on_own_servers(scripts, console, strict=strict, out=out)
        else:
            theatre = _running(against)
            failed = sum([await _one(script, theatre, console, strict=strict, out=out) for script in scripts])
    except BadScript as error:
        raise BadInput(str(error)) from error
    except httpx.TransportError as error:
        raise Unreachable(f"the gateway at {against} does not answer ({error}); `hashi up` starts one") from error
    console.print(f"{title}: {len(scripts)} script(s), {failed} failed, {time.perf_counter() - started:.1f} s in all")
    return FOUND if failed else DONE


async def _on_own_servers(scripts: Sequence["Script"], console: "Console", *, strict: bool, out: Path | None) -> int:
    from workers.play.theatre import servers, stage  # noqa: PLC0415

    started, failed = time.perf_counter(), 0
    console.print("starting PostgreSQL and Temporal ...", style="dim")
    async with servers() as running:
        console.print(f"PostgreSQL and Temporal are up ({time.perf_counter() - started:.1f} s)", style="dim")
        for script in scripts:
            async with stage(running) as theatre:
                failed += await _one(script, theatre, console, strict=strict, out=out)
    return failed


async def _one(script: "Script", theatre: "Theatre", console: "Console", *, strict: bool, out: Path | None) -> int:
    from workers.play import report  # noqa: PLC0415
    from workers.play.player import Player  # noqa: PLC0415

    report.heading(console, script)
    player = Player(script, theatre)
    results: list[Played] = []
    async for played in player.play(_files(player, theatre, console, out) if out else None):
        results.append(played)
        report.line(console, script, played)
        if wants_json():
            click.echo(json.dumps(report.as_record(player, played), ensure_ascii=False))
    counts = report.summary(results)
    for note in player.notes:
        console.print(f"note: {note}", style="yellow")
    console.print(f"{script.script}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return int(counts["failed"] > 0 or (strict and counts["not run"] > 0))


def _files(player: "Player", theatre: "Theatre", console: "Console", out: Path) -> Any:
    from audit.bundle import export_case  # noqa: PLC0415
    from workers.play import report  # noqa: PLC0415

    async def write(case: dict[str, Any], events: list[dict[str, Any]], dossier: dict[str, bytes]) -> None:
        report.final_state(console, case)
        name = str(case.get("case_no", player.script.script))
        texts = {
            f"{name}-case.json": json.dumps(case, ensure_ascii=False, indent=2).encode() + b"\n",
            f"{name}-events.jsonl": b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in events),
            **{f"{name}-dossier.{form}": content for form, content in dossier.items()},
        }
        paths = _write(out, texts)
        if theatre.machine is not None:
            bundle = out / f"{name}-audit.zip"
            await export_case(theatre.machine.store.pool, case["case_id"], bundle)
            paths.append(bundle)
        for path in paths:
            console.print(f"written: {path}")

    return write


def _write(out: Path, files: dict[str, bytes]) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return [out / name for name in files]

"""`hashi audit`: prove what is recorded, replay it, and hand it to those who trust nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from audit.bundle import NothingSealed, export_case, export_log
from audit.faults import Unfit
from audit.replay import UnknownStream, replay_case
from audit.verify import Trusted, verify_case, verify_rows_of
from audit.verify import verify as verify_all
from audit.verify_bundle import Broken, Key, check, parse_key, verdict
from store.pool import Pool, open_pool
from workers.cli import show
from workers.cli.database import asked, database_url
from workers.cli.faults import DONE, FOUND, BadInput, Unreachable
from workers.cli.progress import bar
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.settings import Settings, SettingsFault
from workers.up.home import UpHome

if TYPE_CHECKING:
    from temporalio.client import Client

    from store.connect import Store

T = TypeVar("T")
_FILE = click.Path(dir_okay=False, path_type=Path)
_KEY = click.option("--key", "words", multiple=True, metavar="VKEY", help="Trust this verifier key, and no other.")
_OUTSIDE = click.option(
    "--checkpoint",
    "outside",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was handed out earlier and kept elsewhere; may be given again.",
)


@click.group(cls=Group, example="hashi audit verify\nhashi audit export --case CASE -o case.zip")
def audit() -> None:
    """Prove, replay and export what is recorded. 監査

    On the database itself, as HASHI_OWNER_URL or HASHI_DATABASE_URL name it, else that of the running `hashi up`.
    Nothing is written to it.
    """


@audit.command("verify", example="hashi audit verify --checkpoint kept.txt\nhashi audit verify --case CASE --json")
@click.option("--case", "case_id", metavar="CASE", help="Only this case.")
@_OUTSIDE
@_KEY
def verify(case_id: str | None, outside: tuple[Path, ...], words: tuple[str, ...]) -> int:
    """Compare everything kept with the signed log. 検証

    Grows the Merkle tree anew from the stored bytes, compares every checkpoint and every projection, and names the
    first event that does not fit, or the span between two checkpoints. Exit status 1 when something does not fit.
    A checkpoint kept elsewhere (GET /v1/audit/checkpoint) finds a log that was cut short or put back.
    """
    settings = settings_of()
    trusted = Trusted(_keys(settings, words), [one.read_bytes() for one in outside])
    url = database_url(settings)
    try:
        with bar("Growing the log anew") as log, bar("Folding the events") as rows:
            if case_id is None:
                told = asked(url, lambda url: verify_all(url, trusted, log, rows))
            else:
                stream = f"case-{case_id}"
                told = _with_pool(url, lambda pool: verify_case(pool, stream, trusted))
                told |= asked(url, lambda url: verify_rows_of(url, stream, rows))
    except Unfit as unfit:
        return _found(unfit)
    if case_id is not None and not told["events"]:
        raise BadInput(f"--case: there is no case {case_id}", field="--case")
    return _fits("All fits. すべて一致しました。", told)


@audit.command("replay", example="hashi audit replay CASE\nhashi audit replay CASE --json")
@click.argument("case_id", metavar="CASE")
@click.option("--no-engine", is_flag=True, help="Leave Temporal alone.")
def replay(case_id: str, no_engine: bool) -> int:
    """Fold a case again with today's rules, and replay its workflow. 再現

    The state that today's code makes of the events is compared with what is kept; where Temporal still has the case's
    history, today's workflow code goes through it again. Exit status 1 when either does not fit.
    """
    settings = settings_of()
    url = database_url(settings)
    try:
        state = _with_pool(url, lambda pool: replay_case(pool, case_id))
        asked(url, lambda url: verify_rows_of(url, f"case-{case_id}", lambda done, total: None))
    except UnknownStream as error:
        raise BadInput(f"CASE: there is no case {case_id}", field="CASE") from error
    except Unfit as unfit:
        return _found(unfit)
    told: dict[str, Any] = {**state, "engine": "not asked"}
    if not no_engine:
        from workers.replaying import replay_workflow  # noqa: PLC0415 - the engine's library is slow to import

        told["engine"], broken = asyncio.run(replay_workflow(settings, case_id))
        if broken is not None:
            _say_fault({"kind": "workflow", "en": broken, "ja": "今日のワークフローでは再現できません"})
            return FOUND
    return _fits("Replayed. 再現しました。", told)


@audit.command("reconcile", example="hashi audit reconcile\nhashi audit reconcile --repair --json")
@click.option("--repair", is_flag=True, help="Start a workflow anew from the events where it does not agree.")
def reconcile(repair: bool) -> int:
    """Compare what Temporal accepted with what is stored. 突合

    Both ways, over open and closed cases: workflows that are missing, stuck, behind, ahead or of another state, timers
    that do not wake at the deadline, answers that are not stored, accepted commands that nothing came of, runs pinned
    to a build that no worker has. Exit status 1 when something was found, unless all of it was repaired.
    """
    from workers.reconciling import reconcile as compare  # noqa: PLC0415 - as above

    with bar("Comparing cases and workflows") as tell:
        found = _with_engine(lambda client, store: compare(client, store, tell, repair=repair))
    left = [one for one in found.findings if one.case_id not in found.repaired]
    told = {
        **{name: getattr(found, name) for name in ("cases", "workflows", "events", "timers")},
        "findings": len(found.findings),
        "repaired": len(found.repaired),
    }
    if wants_json():
        show.document({"fits": not left, **told, "findings": [one.told() for one in found.findings]})
        return FOUND if left else DONE
    for one in found.findings:
        said, mended = one.told(), " (repaired 修復済み)" if one.case_id in found.repaired else ""
        show.say(f"{one.case_id}: {said['en']}{mended}\n  {said['ja']}")
    show.pairs({name: f"{one:,}" for name, one in told.items()})
    return FOUND if left else DONE


@audit.command("restore-workflows", example="hashi audit restore-workflows")
def restore_workflows() -> int:
    """Bring every workflow back from the events, when Temporal lost them. ワークフローの復元

    Every case that waits for a deadline gets a workflow that waits for it; one that runs looks into the store, and
    turns over to the current build of the workers. Repeating it changes nothing.
    """
    from workers.restoring import restore_workflows as restore  # noqa: PLC0415 - as above

    with bar("Bringing workflows back") as tell:
        found = _with_engine(lambda client, store: restore(client, store, tell))
    told = {"cases": found.cases, "started": found.started, "running": found.running, "failed": found.failed}
    if wants_json():
        show.document(told)
    else:
        show.say(
            f"{found.cases:,} cases have their workflows: {found.started:,} were started, {found.running:,} ran. "
            "ワークフローを復元しました。"
        )
        for case_id in found.failed:
            show.say(f"{case_id}: failed; run it again")
    return FOUND if found.failed else DONE


@audit.command("export", example="hashi audit export -o log.zip\nhashi audit export --case CASE -o case.zip")
@click.option("-o", "--output", "path", required=True, type=_FILE, help="The zip file to write.")
@click.option("--case", "case_id", metavar="CASE", help="Only this case; else the whole log.")
def export(path: Path, case_id: str | None) -> int:
    """Write a bundle that can be checked offline. バンドルの書き出し

    Events, tiles, checkpoints, proofs, schemas, keys, and a checker that needs only Python and `cryptography`.
    """
    url = database_url(settings_of())
    try:
        if case_id is not None:
            told = _with_pool(url, lambda pool: export_case(pool, case_id, path))
        else:
            with bar(f"Writing {path.name}") as tell:
                told = asked(url, lambda url: export_log(url, path, tell))
    except NothingSealed as error:
        what = f"no sealed event of {case_id}" if case_id else "no checkpoint yet"
        raise BadInput(f"there is {what}: is a relay running?") from error
    except OSError as error:
        raise BadInput(f"-o: {path} cannot be written: {error.strerror}", field="-o") from error
    return _fits(f"Written to {path}. 書き出しました。", told)


@audit.command("verify-bundle", example="hashi audit verify-bundle case.zip --key 'hashi/…+…+…'")
@click.argument("path", metavar="BUNDLE", type=click.Path(exists=True, path_type=Path))
@_OUTSIDE
@_KEY
def verify_bundle(path: Path, outside: tuple[Path, ...], words: tuple[str, ...]) -> int:
    """Check a bundle offline. バンドルの検証

    The same as `verify_bundle.py` inside it. Without --key the keys inside the bundle are taken; compare them with
    those you were given another way. Exit status 1 when something does not fit.
    """
    try:
        looked = check(path, [_key(word) for word in words], [one.read_bytes() for one in outside])
    except Broken as error:
        _say_fault({"kind": "bundle", "en": error.en, "ja": error.ja})
        return FOUND
    if wants_json():
        show.document({"fits": True, **looked._asdict()})
    else:
        show.say("\n".join(verdict(looked)))
    return DONE


@audit.command("keys", example="hashi audit keys")
def keys() -> int:
    """Print the verifier keys of this log, to hand them out. 検証鍵

    One a line (vkey), those that sign now first.
    """
    found = [str(one) for one in _keys(settings_of(), ())]
    if wants_json():
        show.document(found)
    else:
        show.say("\n".join(found))
    return DONE


def _keys(settings: Settings, words: tuple[str, ...]) -> list[Key]:
    """The keys given, else those of the settings or of the home of `hashi up`. Raises BadInput."""
    if words:
        return [_key(word) for word in words]
    try:
        found = _with_home(settings).log_keys()
    except SettingsFault as error:
        raise BadInput(str(error)) from error
    if not found:
        raise BadInput("--key: no key of the log is known here; give the one you trust, or set HASHI_LOG_TRUSTED")
    return found


def _key(word: str) -> Key:
    try:
        return parse_key(word)
    except Broken as error:
        raise BadInput(f"--key: {error}", field="--key") from error


def _with_pool(url: str, question: Callable[[Pool], Awaitable[T]]) -> T:
    async def ask(url: str) -> T:
        pool = await open_pool(url, size=2)
        try:
            return await question(pool)
        finally:
            await pool.close()

    return asked(url, lambda url: asyncio.run(ask(url)))


def _with_engine(work: "Callable[[Client, Store], Awaitable[T]]") -> T:
    """What *work* finds out with Temporal and the store. Raises BadInput, Unreachable."""
    from temporalio.service import RPCError  # noqa: PLC0415 - as above

    from store.connect import Store  # noqa: PLC0415
    from workers.replaying import engine  # noqa: PLC0415

    settings = settings_of()
    master_keys = _with_home(settings).master_keys()
    if not master_keys:
        raise BadInput("HASHI_MASTER_KEY: neither it nor HASHI_MASTER_KEY_FILE is set")

    async def ask(url: str) -> T:
        try:
            client = await engine(settings)
            async with Store.open(url, master_keys) as store:
                return await work(client, store)
        except (RuntimeError, RPCError) as error:
            told = f"Temporal (TEMPORAL_ADDRESS) does not answer: {error}; `hashi up` serves one"
            raise Unreachable(told, server="temporal") from error

    return asked(database_url(settings), lambda url: asyncio.run(ask(url)))


def _with_home(settings: Settings) -> Settings:
    """*settings* with the master key of the home of `hashi up`, where they name none."""
    home = UpHome.at(settings.home)
    if settings.master_key is None and settings.master_key_file is None and home.master_key.exists():
        return settings.model_copy(update={"master_key_file": home.master_key})
    return settings


def _found(unfit: Unfit) -> int:
    _say_fault(unfit.fault.told())
    return FOUND


def _say_fault(told: Mapping[str, Any]) -> None:
    if wants_json():
        show.document({"fits": False, "fault": dict(told)})
        return
    show.say(f"FAULT: {told['en']}\n不一致: {told['ja']}")


def _fits(sentence: str, told: Mapping[str, Any]) -> int:
    if wants_json():
        show.document({"fits": True, **told})
        return DONE
    show.say(sentence)
    show.pairs({name.replace("_", " "): f"{one:,}" if isinstance(one, int) else one for name, one in told.items()})
    return DONE

"""The command `hashi`: one module here for each of its commands, listed in PARTS and imported when called."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from workers.cli.faults import BAD_INPUT, BROKEN_PIPE, BUG, DONE, INTERRUPTED, Fault
from workers.cli.shape import MainGroup, Part

PARTS: Final = {
    "up": Part("workers.cli.servers:up", "Serve everything on this machine. 一台ですべてを起動"),
    "needs": Part("workers.cli.needs:needs", "Refer needs. ニーズの受付"),
    "case": Part("workers.cli.case:case", "Follow and act on cases. 案件の参照と操作"),
    "dossier": Part("workers.cli.dossier:dossier", "Write the evidence dossier of CASE to FILE. 技術評価補完資料"),
    "notices": Part("workers.cli.notices:notices", "What awaits you. お知らせ"),
    "feed": Part("workers.cli.feed:feed", "Follow what is open to a lender. 融資機関のフィード"),
    "people": Part("workers.cli.people:people", "People and organizations. 人と組織"),
    "privacy": Part("workers.cli.privacy:privacy", "Erase personal data and secrets. 消去"),
    "keys": Part("workers.cli.clients:keys", "API keys. APIキー"),
    "demo": Part(
        "workers.cli.play:demo",
        "Play a whole case on servers of its own and leave its files behind. 一案件を通しで上演",
    ),
    "play": Part("workers.cli.play:play", "Play case scripts and check what they expect. ケーススクリプトの実行と検証"),
    "worker": Part("workers.cli.servers:worker", "Run one worker of the cases. 案件ワーカー"),
    "gateway": Part("workers.cli.servers:gateway", "Run one HTTP gateway. HTTPゲートウェイ"),
    "relay": Part("workers.cli.servers:relay", "Run one relay of the events. イベントの中継"),
    "db": Part("workers.cli.db:db", "Migrate, check and rebuild. データベースの移行・確認・再構築"),
    "audit": Part("workers.cli.audit:audit", "Prove, replay and export what is recorded. 監査"),
    "doctor": Part("workers.cli.doctor:doctor", "Examine servers, keys and settings. 環境の診断"),
    "bench": Part("bench.cli:bench", "Measure beside the peers. 性能の測定"),
    "schema": Part("workers.cli.schema:schema", "Print the machine-readable contracts. 機械可読な仕様"),
}
"""Every command, in the order of the help. A new one is a module beside this one and a line here."""


@click.group(
    cls=MainGroup,
    parts=PARTS,
    example="hashi up\nhashi needs example > need.json\nhashi needs submit need.json --as bank",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="hashi-referral", message="hashi %(version)s")
def hashi() -> None:
    """Hashi: from a bank client's technical need to a researcher. 橋: 技術ニーズと研究者をつなぐ

    Start with `hashi up`; it says how to go on. `hashi COMMAND --help` explains one command.
    """


def run(words: Sequence[str]) -> int:
    """Run the command *words*; what went wrong is said on stderr in one line. Returns the exit status."""
    as_json = "--json" in words  # not the parsed option: the parser itself may be what complains
    try:
        done = hashi.main(list(words), prog_name="hashi", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return BAD_INPUT
    except click.ClickException as error:
        return _complain(_usage(error), as_json)
    except Fault as fault:
        return _complain(fault, as_json)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit:  # click's answer to a reader who has left
        return BROKEN_PIPE
    except Exception as error:
        return _confess(error, as_json)
    return done if isinstance(done, int) else DONE


def main() -> NoReturn:
    """Run the command line of this process and leave with its exit status."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    # Past the interpreter's own end: with Temporal's client in use that may crash (sdk-python#300).
    os._exit(status)


def _usage(error: click.ClickException) -> Fault:
    where = getattr(error, "ctx", None)
    hint = f" See: {where.command_path} --help" if where is not None else ""
    return Fault(f"{error.format_message()}{hint}")


def _complain(fault: Fault, as_json: bool) -> int:
    if os.environ.get("HASHI_DEBUG") not in (None, "", "0"):
        traceback.print_exc()
    click.echo(fault.as_json() if as_json else f"hashi: {fault.message}", err=True)
    return fault.status


def _confess(error: Exception, as_json: bool) -> int:
    told = Fault(f"an error in Hashi itself: {type(error).__name__}: {error} (HASHI_DEBUG=1 shows where)")
    told.status = BUG
    return _complain(told, as_json)

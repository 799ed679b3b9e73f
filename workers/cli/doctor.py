"""`hashi doctor`: what is wrong with this installation, and what to do about it."""

import asyncio
from collections.abc import Sequence
from typing import Final

import click

from workers.cli import show
from workers.cli.faults import DONE, FOUND, UNREACHABLE
from workers.cli.shape import Command, wants_json
from workers.doctor.examine import examine
from workers.doctor.finding import Finding, Level, has
from workers.doctor.machine import versions
from workers.settings import described

_SIGNS: Final = {
    Level.ok: "ok",
    Level.not_running: "–",
    Level.warning: "warning",
    Level.fault: "FAULT",
    Level.unreachable: "FAULT",
}


@click.command(cls=Command, example="hashi doctor\nhashi doctor --json | python3 -m json.tool")
def doctor() -> int:
    """Examine servers, keys and settings. 環境の診断

    Exit status 1 when something is wrong, 3 when a server that was named cannot be reached.
    """
    findings = asyncio.run(examine())
    if wants_json():
        _document(findings)
    else:
        _tell(findings)
    if has(Level.unreachable, findings):
        return UNREACHABLE
    return FOUND if has(Level.fault, findings) else DONE


def _document(findings: Sequence[Finding]) -> None:
    show.document(
        {
            "healthy": not (has(Level.fault, findings) or has(Level.unreachable, findings)),
            "findings": [one._asdict() for one in findings],
            "settings": [one._asdict() for one in described()],
            "versions": versions(),
        }
    )


def _tell(findings: Sequence[Finding]) -> None:
    rows = [(_SIGNS[one.level], one.name, one.told + (f"\n→ {one.remedy}" if one.remedy else "")) for one in findings]
    show.table(("", "Looked at", "Found"), rows)
    show.say("\nSettings (environment variables)\n")
    show.table(
        ("Name", "Set to", "Default", "Meaning"),
        [(one.name, one.value, one.default, one.meaning) for one in described()],
    )
    faults = sum(one.level in (Level.fault, Level.unreachable) for one in findings)
    warnings = sum(one.level is Level.warning for one in findings)
    show.say(f"\n{_count(faults, 'fault')}, {_count(warnings, 'warning')}.")
    if has(Level.not_running, findings):
        show.say("Nothing runs here: `hashi up` starts everything on this machine.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

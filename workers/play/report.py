"""What a performance looks like in a terminal: who did what, which event, when; then the state at the end."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.calendar import JST
from domain.terms import Role
from workers.play.expect import Happened
from workers.play.player import Played, Player
from workers.play.script import Script

ROLES: Final[Mapping[Role, str]] = {
    Role.bank_officer: "銀行",
    Role.lender_officer: "融資",
    Role.company_representative: "企業",
    Role.coordinator: "調整",
    Role.senior_coordinator: "主任",
    Role.researcher: "研究者",
    Role.university_liaison: "窓口",
    Role.tlo_officer: "TLO",
    Role.expert: "専門家",
    Role.strategy_analyst: "戦略",
    Role.auditor: "監査",
    Role.data_steward: "データ",
    Role.administrator: "管理",
    Role.system: "時計",
}
_MARKS: Final = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "not run": ("–", "yellow")}


def verdict(played: Played) -> str:
    """`passed`, `failed` or `not run`."""
    if played.faults:
        return "failed"
    return "not run" if played.not_run else "passed"


def heading(console: Console, script: Script) -> None:
    """Say which script begins."""
    console.rule(f"[bold]{script.script}[/]  {script.title.ja}", align="left")
    if script.title.en:
        console.print(script.title.en, style="dim")


def line(console: Console, script: Script, played: Played) -> None:
    """One step as one line, with its faults below."""
    mark, style = _MARKS[verdict(played)]
    text = Text.assemble(
        (f"{mark} ", style),
        (f"{_when(played.at, script.start)}  ", "dim"),
        (set_cell_size(_who(script, played), 33), "cyan"),
        _what(played),
    )
    console.print(text, soft_wrap=True)
    for fault in played.faults:
        console.print(Text(f"    step {played.number}: {fault}", style="red"), soft_wrap=True)


def _when(at: datetime, start: datetime) -> str:
    local = at.astimezone(JST)
    return f"{local:%Y-%m-%d %H:%M} d{(at - start).days:<4}"


def _who(script: Script, played: Played) -> str:
    step = played.step
    if step.passes_time:
        return "時計 clock"
    person = script.people.get(step.actor or "")
    if person is None:
        return step.actor or ""
    return f"{step.actor} ({ROLES[person.role]} {person.role.value.replace('_', ' ')})"


def _what(played: Played) -> Text:
    step, seen = played.step, played.seen
    name = step.do or (f"see {step.see}" if step.see else None) or step.until or step.wait or "expect"
    if seen is None:
        return Text(f"{name}: not run, the product has no {played.not_run} yet", style="yellow")
    text = Text(f"{name:<26} ")
    if seen.rejected:
        text.append(f"→ refused: {seen.rejected}", "magenta")
    elif seen.events:
        text.append(_events(seen.events), "bold")
    if seen.events and seen.case:
        text.append(f"  [{seen.case.get('stage')}]", "dim")
    return text


def _events(events: Iterable[Happened]) -> str:
    words = [f"{one.kind}({one.data['timer']})" if "timer" in one.data else one.kind for one in events]
    runs = [(word, len(list(same))) for word, same in groupby(words)]
    return " ".join(f"{word} ×{count}" if count > 1 else word for word, count in runs)


def final_state(console: Console, case: Mapping[str, Any]) -> None:
    """The case at the end, as a small table."""
    table = Table(title="案件の最終状態  the case at the end", show_header=False, title_justify="left")
    rows = [
        ("case", f"{case.get('case_no')}  {case['case_id']}"),
        ("need", (case.get("need") or {}).get("title", "-")),
        ("stage", f"{case['stage']}, furthest {case['furthest_stage']}"),
        ("status", " ".join(filter(None, (case["status"], case.get("disposition"))))),
        ("coordinator", case.get("coordinator", "-")),
        ("version", str(case["version"])),
        ("waits for", "; ".join(_deadline(one) for one in case.get("deadlines", ())[:4]) or "nothing"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


def _deadline(one: Mapping[str, Any]) -> str:
    return f"{one['timer']} ({one['owner']}) {str(one['due_at'])[:10]}"


def summary(results: Iterable[Played]) -> dict[str, int]:
    """How many steps passed, failed, and were not run."""
    counts = {"passed": 0, "failed": 0, "not run": 0}
    for one in results:
        counts[verdict(one)] += 1
    return counts


def as_record(player: Player, played: Played) -> dict[str, Any]:
    """One step as a JSON record."""
    step, seen = played.step, played.seen
    record: dict[str, Any] = {
        "script": player.script.script,
        "step": played.number,
        "result": verdict(played),
        "at": played.at.isoformat(),
        "as": step.actor,
        "do": step.do or step.see or step.until or step.wait or "expect",
    }
    if seen is not None:
        case_id = seen.case.get("case_id")
        record |= {"events": [one.kind for one in seen.events], "rejected": seen.rejected, "case_id": case_id}
    if played.faults:
        record["faults"] = list(played.faults)
    if played.not_run:
        record["needs"] = played.not_run
    return {key: value for key, value in record.items() if value is not None}

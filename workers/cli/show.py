"""What a command prints: JSON for programs, tables for people; a table in a pipe is never cut."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE: Final = 400


def document(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def lines(values: Iterable[Any]) -> None:
    """Print JSON Lines."""
    for value in values:
        click.echo(json.dumps(value, ensure_ascii=False))


def say(text: str = "") -> None:
    """Print a line for a person."""
    click.echo(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print *rows* under *columns*, leaving out a column in which nothing stands."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    shown = [place for place in range(len(columns)) if any(row[place] for row in cells)]
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for place in shown:
        drawn.add_column(columns[place], overflow="fold", no_wrap=place == 0)
    for row in cells:
        drawn.add_row(*(Text(row[place]) for place in shown))
    _draw(drawn)


def pairs(rows: Mapping[str, object] | Iterable[tuple[str, object]], indent: int = 2) -> None:
    """Print names with their values, one a line, leaving out values that are None."""
    given = list(rows.items() if isinstance(rows, Mapping) else rows)
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(no_wrap=True, style="bold")
    drawn.add_column(overflow="fold")
    for name, value in given:
        if value is not None:
            drawn.add_row(Text(" " * indent + name), Text(str(value)))
    _draw(drawn)


def moment(text: str | None) -> str:
    """An RFC 3339 instant in the reader's time zone, to the minute."""
    if not text:
        return ""
    told = datetime.fromisoformat(text)
    return told.replace(tzinfo=told.tzinfo or UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _draw(drawn: Table) -> None:
    at_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, width=None if at_terminal else _WIDE)
    with console.capture() as captured:
        console.print(drawn)
    text = captured.get()
    click.echo(text if at_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines()), nl=False)

"""A file as a table: its header understood, its rows as cells by field. Nothing is looked up and nothing is kept.

A reader (`text`, `workbook`) gives rows as lists of cells; what a cell may be is text, a number, a day, or a `Flaw`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from gateway.batches.columns import COLUMNS, Column, column_of
from gateway.batches.faults import MOST_ROWS, RowFault, UnfitFile

_MOST_SCANNED: Final = 4 * MOST_ROWS
"""Rows looked at, empty ones among them: a sheet that was formatted to its end has a million."""


class Flaw(NamedTuple):
    """A cell that cannot be taken, whatever its column: the code of the fault."""

    code: str


Cell: TypeAlias = str | int | date | Flaw | None
Cells: TypeAlias = Sequence[Cell]


@dataclass(frozen=True)
class Row:
    """One row: its number as the spreadsheet shows it, its cells by field, and what is wrong with it already."""

    number: int
    cells: Mapping[str, Cell]
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True)
class Table:
    """A file that could be read."""

    rows: tuple[Row, ...]
    encoding: str | None = None
    """Of a CSV: `utf-8` or `cp932`."""
    merged: frozenset[int] = field(default_factory=frozenset)


def table_of(rows: Iterable[Cells], *, encoding: str | None = None, merged: frozenset[int] = frozenset()) -> Table:
    """The table of all *rows*, the first of which is the header; rows in *merged* have merged cells.

    Raises UnfitFile.
    """
    numbered = enumerate(rows, 1)
    first = next(((number, cells) for number, cells in numbered if not _is_empty(cells)), None)
    if first is None:
        raise UnfitFile("empty_file")
    header = _header(*first)
    found: list[Row] = []
    for number, cells in _bounded(numbered):
        if _is_empty(cells) and number not in merged:
            continue
        if len(found) == MOST_ROWS:
            raise UnfitFile("too_many_rows", number)
        found.append(_row(number, cells, header, number in merged))
    if not found:
        raise UnfitFile("no_rows")
    return Table(tuple(found), encoding, merged)


def _bounded(numbered: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
    for number, cells in numbered:
        if number > _MOST_SCANNED:
            raise UnfitFile("too_many_rows", number)
        yield number, cells


def _header(number: int, cells: Cells) -> list[Column]:
    while cells and cells[-1] in (None, ""):
        cells = cells[:-1]
    found: list[Column] = []
    for cell in cells:
        told = str(cell) if isinstance(cell, str | int) else ""
        column = column_of(told)
        if column is None:
            raise UnfitFile("unknown_column", number, told[:100])
        if column in found:
            raise UnfitFile("doubled_column", number, column.field)
        found.append(column)
    missing = next((one for one in COLUMNS if one.is_required and one not in found), None)
    if missing is not None:
        raise UnfitFile("missing_column", number, missing.field)
    return found


def _row(number: int, cells: Cells, header: Sequence[Column], is_merged: bool) -> Row:
    if is_merged:
        return Row(number, {}, (RowFault.of("merged_cells"),))
    beyond = [cell for cell in cells[len(header) :] if cell not in (None, "")]
    if beyond or len(cells) < len(header):
        return Row(number, {}, (RowFault.of("ragged_row"),))
    return Row(number, {one.field: cell for one, cell in zip(header, cells, strict=False)})


def _is_empty(cells: Cells) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)

"""From a file to the bodies of `ReferNeed`, pure: which bodies or faults a file gives can be told without a server.

The shape of a body is asked of the same record as `POST /v1/needs` asks; what the cells mean before that is said here.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from domain.stages.intake import ReferNeed
from gateway.batches.columns import COLUMNS, Column, Kind, column_at, plain
from gateway.batches.faults import RowFault
from gateway.batches.table import Cell, Flaw, Row, Table
from gateway.batches.text import read_csv
from gateway.batches.workbook import read_xlsx
from gateway.bodies import fit
from gateway.commands import NEED, Body, body_of
from gateway.problems import Problem

Format: TypeAlias = Literal["csv", "xlsx"]
Known: TypeAlias = Mapping[str, Sequence[str]]
"""The ids of the documents that an id or a file name may mean."""
REFERENCE: Final = "bank_reference"
DOCUMENT: Final = "consent.document_id"

_BY_FIELD: Final = {one.field: one for one in COLUMNS}
_DAY: Final = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)")
_REIWA: Final = re.compile(r"令和(元|\d{1,2})年(\d{1,2})月(\d{1,2})日")
_REIWA_BEGAN: Final = date(2019, 5, 1)
_DIVIDERS: Final = re.compile(r"[;,、\n]")
_POWER: Final = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """One row as far as it goes without the store: the body, or what is wrong."""

    row: int
    reference: str | None
    body: Body | None
    faults: tuple[RowFault, ...] = ()

    def but(self, *faults: RowFault) -> "Reading":
        """The same row, refused for *faults*."""
        return Reading(self.row, self.reference, None, (*self.faults, *faults))


def read_table(content: bytes, form: Format) -> Table:
    """The table in the file *content*. Raises UnfitFile."""
    return read_csv(content) if form == "csv" else read_xlsx(content)


def documents_named(table: Table) -> set[str]:
    """What the rows of *table* call their documents."""
    told = (one.cells.get(DOCUMENT) for one in table.rows)
    return {unicodedata.normalize("NFC", one.strip()) for one in told if isinstance(one, str) and one.strip()}


def readings(table: Table, known: Known) -> list[Reading]:
    """Every row of *table*, with the documents that are *known*; rows with one reference are refused together."""
    found = [_reading(row, known) for row in table.rows]
    places: dict[str, list[int]] = defaultdict(list)
    for one in found:
        if one.reference:
            places[plain(one.reference).casefold()].append(one.row)
    return [_alone(one, places) for one in found]


def _alone(one: Reading, places: Mapping[str, list[int]]) -> Reading:
    rows = places.get(plain(one.reference).casefold(), []) if one.reference else []
    others = [row for row in rows if row != one.row]
    if not others:
        return one
    return one.but(RowFault.of("doubled_reference", REFERENCE, rows=", ".join(map(str, others[:5]))))


def _reading(row: Row, known: Known) -> Reading:
    if row.faults:
        return Reading(row.number, None, None, row.faults)
    data: dict[str, Any] = {}
    faults: list[RowFault] = []
    for field, cell in row.cells.items():
        told = _told(_BY_FIELD[field], cell, known)
        if isinstance(told, Flaw):
            faults.append(RowFault.of(told.code, field))
        elif told is not None:
            _put(data, field, told)
    reference = data.get(REFERENCE)
    body = _fit(data, faults)
    return Reading(row.number, _kept(reference), None if faults else body, tuple(faults))


def _fit(data: Mapping[str, Any], faults: list[RowFault]) -> Body | None:
    """The body with *data*; what does not fit is added to *faults*, once for a column."""
    try:
        return fit(body_of(NEED), json.dumps({"data": data}).encode())
    except Problem as problem:
        blamed = {one.column for one in faults}
        for fault in problem.faults:
            column, _ = column_at(fault.at)
            if column not in blamed:
                blamed.add(column)
                faults.append(RowFault(column, problem.code, fault.text))
        return None


def _put(data: dict[str, Any], field: str, value: Any) -> None:
    *above, name = field.split(".")
    for part in above:
        data = data.setdefault(part, {})
    data[name] = value


def _kept(reference: object) -> str | None:
    """The reference as the report may show it."""
    return reference[:300] if isinstance(reference, str) and reference.isprintable() else None


def _told(column: Column, cell: Cell, known: Known) -> Any:
    """What *cell* says in *column*, as JSON has it; None for nothing, a Flaw where it cannot be taken."""
    if cell is None or isinstance(cell, Flaw):
        return cell
    if isinstance(cell, date):
        return cell.isoformat() if column.kind is Kind.day else Flaw("not_a_text")
    if isinstance(cell, int):
        return Flaw("unclear_date") if column.kind is Kind.day else _written(column, str(cell), known)
    text = cell.strip()
    if any("\ue000" <= char <= "\uf8ff" or char > "\U000effff" for char in text):
        return Flaw("private_character")
    return _written(column, text, known) if text else None


def _written(column: Column, text: str, known: Known) -> Any:
    match column.kind:
        case Kind.text:
            return text
        case Kind.sign:
            return Flaw("number_mangled") if _POWER.fullmatch(plain(text)) else plain(text)
        case Kind.day:
            return _day(plain(text)) or Flaw("unclear_date")
        case Kind.choice:
            return column.code_of(plain(text))
        case Kind.choices:
            return [column.code_of(one.strip()) for one in _DIVIDERS.split(plain(text)) if one.strip()]
        case Kind.document:
            return _document(unicodedata.normalize("NFC", text), known)


def _day(text: str) -> str | None:
    """The day that *text* names beyond doubt, as JSON has it: a past era, or a year of two digits, is doubtful."""
    try:
        if western := _DAY.fullmatch(text):
            year, *rest = [int(part) for part in western.groups() if part]
            return date(year, *rest).isoformat()
        if reiwa := _REIWA.fullmatch(text):
            year = 1 if reiwa[1] == "元" else int(reiwa[1])
            day = date(2018 + year, int(reiwa[2]), int(reiwa[3]))
            return day.isoformat() if year and day >= _REIWA_BEGAN else None
    except ValueError:
        return None
    return None


def _document(text: str, known: Known) -> Any:
    ids = known.get(text, ())
    if len(ids) == 1:
        return ids[0]
    return Flaw("ambiguous_document" if ids else "unknown_document")


assert _BY_FIELD.keys() >= {REFERENCE, DOCUMENT}
assert REFERENCE in ReferNeed.model_fields

"""xlsx as rows of cells, read as a stream; what is packed in it is weighed before anything is unpacked."""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from gateway.batches.columns import plain
from gateway.batches.faults import UnfitFile
from gateway.batches.table import Cell, Cells, Flaw, Table, table_of

SHEET: Final = ("ニーズ", "needs")
"""What the template calls the sheet with the data, in either language."""
GUIDE: Final = ("記入要領", "guide", "一覧", "lists")
"""Sheets of the template that hold no data."""
_MOST_BYTES: Final = 64 * 1024 * 1024
"""Of everything in the file, unpacked: 5,000 full rows are some 20 MB."""
_MOST_PARTS: Final = 500
_MERGE: Final = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="[A-Z]+(\d+):[A-Z]+(\d+)"')
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, expat.ExpatError),
    *(
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ),
    *(OverflowError, AssertionError, LookupError),
)
"""What openpyxl and zipfile raise on a file that is no workbook: they check little and stumble where it ends."""


def read_xlsx(content: bytes) -> Table:
    """The table in the workbook *content*. Raises UnfitFile."""
    if not content:
        raise UnfitFile("empty_file")
    try:
        _require_harmless(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of parts it leaves out
            return _table(content)
    except _BROKEN as error:
        raise UnfitFile("not_xlsx") from error


def _require_harmless(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if len(parts) > _MOST_PARTS or sum(one.file_size for one in parts) > _MOST_BYTES:
            raise UnfitFile("too_much_inside")
        if any(one.filename.lower().endswith("vbaproject.bin") for one in parts):
            raise UnfitFile("macros")
        if b"macroEnabled" in archive.read("[Content_Types].xml"):
            raise UnfitFile("macros")
        for one in parts:
            if one.filename.lower().endswith((".xml", ".rels")):
                with archive.open(one) as part:
                    _require_no_doctype(part.read(_MOST_BYTES))


def _require_no_doctype(part: bytes) -> None:
    """Refuse a document type: with it come entities, and with those files and addresses of others."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise UnfitFile("forbidden_xml")

    def stop(*_: object) -> None:
        raise _Begun

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop  # a document type comes before the first element
    try:
        parser.Parse(part, True)
    except _Begun:
        return


class _Begun(Exception):
    """The first element was reached."""


def _table(content: bytes) -> Table:
    book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    try:
        sheet = _sheet(book)
        sheet.reset_dimensions()  # what the file says of its own size may be wrong
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            merged = _merged(archive.read(sheet._worksheet_path))  # no public way leads to merged cells of a stream
        return table_of(_rows(sheet), merged=merged)
    finally:
        book.close()


def _sheet(book: Any) -> Any:
    by_name = {plain(one.title).lower(): one for one in book.worksheets}
    named = [by_name[name] for name in SHEET if name in by_name]
    if len(named) == 1:
        return named[0]
    filled = [one for name, one in by_name.items() if name not in GUIDE and _has_cells(one)]
    if not filled:
        raise UnfitFile("empty_file")
    if len(filled) > 1:
        raise UnfitFile("several_sheets")
    return filled[0]


def _has_cells(sheet: Any) -> bool:
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(values_only=True)):
        if any(cell is not None for cell in cells):
            return True
        if number > 100:
            break
    return False


def _merged(sheet: bytes) -> frozenset[int]:
    """The rows that merged cells touch, as far as rows may go at all; a merged header shows in its columns."""
    spans = [(int(first), int(last)) for first, last in _MERGE.findall(sheet)]
    return frozenset(row for first, last in spans for row in range(first, min(last, first + 20_000) + 1))


def _rows(sheet: Any) -> Iterator[Cells]:
    width = 0
    for cells in sheet.iter_rows():
        found = [_cell(one) for one in cells]
        width = width or len(found)
        yield [*found, *[None] * (width - len(found))]


def _cell(cell: Any) -> Cell:
    value = cell.value
    if cell.data_type == "f":
        return Flaw("formula_in_cell")
    if cell.data_type == "e":
        return Flaw("cell_error")
    match value:
        case None | str():
            return value
        case bool():
            return Flaw("not_a_text")
        case int():
            return value
        case datetime() if value.time() == time():
            return value.date()
        case date() if not isinstance(value, datetime):
            return value
        case float():
            return Flaw("number_mangled")
        case _:
            return Flaw("not_a_text")

"""Tables of needs for the tests: sound ones, to be broken."""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook

from gateway.batches.columns import COLUMNS

FIELDS = [one.field for one in COLUMNS]
HEADER = [one.header("ja") for one in COLUMNS]
CSV = {"Content-Type": "text/csv"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def row(reference: str = "T-1", **changes: Any) -> list[Any]:
    """The cells of one sound row; *changes* by field, __ for a dot."""
    told = {name.replace("__", "."): value for name, value in changes.items()}
    assert told.keys() <= set(FIELDS), told
    return [told.get(one.field, reference if one.field == "bank_reference" else one.example) for one in COLUMNS]


def text_of(rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> str:
    """A CSV."""
    told = io.StringIO()
    csv.writer(told).writerows([header, *rows])
    return told.getvalue()


def csv_of(*rows: Sequence[Any], encoding: str = "utf-8") -> bytes:
    """A CSV with the header of the template."""
    return text_of(rows).encode(encoding)


def book_of(rows: Sequence[Sequence[Any]], header: Sequence[Any] = HEADER) -> Workbook:
    """A workbook with one sheet."""
    book = Workbook()
    book.active.append(list(header))
    for one in rows:
        book.active.append(list(one))
    return book


def saved(book: Workbook) -> bytes:
    """*book* as a file."""
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def xlsx_of(*rows: Sequence[Any]) -> bytes:
    """A workbook with the header of the template."""
    return saved(book_of(rows))


def parts_of(book: bytes) -> dict[str, bytes]:
    """What is packed in a workbook."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {one.filename: archive.read(one) for one in archive.infolist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A workbook of *parts*."""
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return told.getvalue()


def shared(book: bytes) -> bytes:
    """*book* as spreadsheets save it: each text once, in a part of its own, and not in its cells."""
    parts, texts = parts_of(book), list[bytes]()

    def cell(found: "re.Match[bytes]") -> bytes:
        texts.append(found[2])
        return found[1] + b' t="s"><v>' + str(len(texts) - 1).encode() + b"</v>"

    sheet = re.sub(rb'(<c [^>]*?) t="inlineStr"><is>(<t.*?)</is>', cell, parts["xl/worksheets/sheet1.xml"])
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    table = b"<sst " + space + b">" + b"".join(b"<si>" + one + b"</si>" for one in texts) + b"</sst>"
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    told = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    types = parts["[Content_Types].xml"].replace(b"</Types>", told)
    more = {"xl/sharedStrings.xml": table, "xl/worksheets/sheet1.xml": sheet, "[Content_Types].xml": types}
    return packed({**parts, **more})


def by_row(items: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, list[tuple[str, str]]]]:
    """The rows of a report: number, state, and column and code of each fault."""
    return [
        (one["row"], one["state"], [(fault["column"], fault["code"]) for fault in one.get("faults", [])])
        for one in items
    ]

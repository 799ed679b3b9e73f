"""CSV as rows of cells: the encoding is known or the file is not taken; nothing is guessed."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from gateway.batches.faults import UnfitFile
from gateway.batches.table import Cells, Flaw, Table, table_of

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_THREE_BYTES: Final = re.compile(rb"[\xe1-\xef][\x80-\xbf]{2}")
"""Kana and kanji in UTF-8."""

csv.field_size_limit(16 * 1024 * 1024)  # the file's own limit holds; a cell too long is a fault of its row


def read_csv(content: bytes) -> Table:
    """The table in the CSV file *content*. Raises UnfitFile."""
    text, encoding = decoded(content)
    return table_of(_rows(text), encoding=encoding)


def decoded(content: bytes) -> tuple[str, str]:
    """The text of *content* and its encoding: UTF-8, with or without BOM, else strictly CP932. Raises UnfitFile."""
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise UnfitFile("empty_file")
    if content.startswith(_UTF16) or b"\x00" in content[:4]:
        raise UnfitFile("utf16")
    if content.startswith(b"PK\x03\x04"):
        raise UnfitFile("not_csv")
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        utf8 = error
    if content.startswith(b"\xef\xbb\xbf"):
        raise UnfitFile("unknown_encoding", facts={"byte": utf8.start + 3})
    _require_unmixed(content, utf8)
    try:
        return content.decode("cp932"), "cp932"
    except UnicodeDecodeError as error:
        raise UnfitFile("unknown_encoding", facts={"byte": error.start}) from error


def _require_unmixed(content: bytes, utf8: UnicodeDecodeError) -> None:
    """Refuse a line that is Japanese in UTF-8 amid CP932: it would decode, into other characters."""
    for number, line in enumerate(content.split(b"\n"), 1):
        if _THREE_BYTES.search(line):
            try:
                line.decode()
            except UnicodeDecodeError:
                continue
            raise UnfitFile("mixed_encodings", number, facts={"line": number, "byte": utf8.start}) from utf8


def _rows(text: str) -> Iterator[Cells]:
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnfitFile("malformed_csv", number) from error
        yield [Flaw("formula_in_cell") if cell.startswith("=") else cell for cell in cells]

"""Broken tables of needs, each with what a bank is told of it: made here, written into a folder by the tests."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from tables import HEADER, book_of, csv_of, packed, parts_of, row, saved, shared, text_of, xlsx_of

GOOD: Final = "T-0"


class Broken(NamedTuple):
    """A file with its name, and the faults it has: row, field of the column, code; row 0 is the file as a whole."""

    name: str
    content: bytes
    faults: list[tuple[int, str, str]]
    whole: bool = False
    """Whether nothing of it is taken."""


def _file(name: str, content: bytes, code: str, row: int = 0, column: str = "") -> Broken:
    return Broken(name, content, [(row, column, code)], whole=True)


def _second(name: str, column: str, code: str = "invalid_field", form: str = "csv", **changes: Any) -> Broken:
    """A file whose first row is sound and whose second has one fault."""
    rows = (row(GOOD), row(**changes))
    return Broken(f"{name}.{form}", csv_of(*rows) if form == "csv" else xlsx_of(*rows), [(3, column, code)])


def all_broken() -> list[Broken]:
    """Every file."""
    return [*_encodings(), *_shapes(), *_cells(), *_rules(), *_workbooks(), *_packed()]


def _encodings() -> Iterator[Broken]:
    text = text_of([row()])
    shift = text.encode("cp932")
    yield _file("utf-16-le.csv", text.encode("utf-16"), "utf16")
    yield _file("utf-16-without-bom.csv", text_of([row()], ["bank_reference"]).encode("utf-16-le"), "utf16")
    yield _file("utf-8-cut-in-a-character.csv", text.encode()[:-60][: _cut(text)], "unknown_encoding")
    yield _file("bom-and-cp932.csv", b"\xef\xbb\xbf" + shift, "unknown_encoding")
    yield _file("euc-jp.csv", text.encode("euc-jp"), "unknown_encoding")
    header, line = text.split("\r\n")[:2]
    yield _file("header-cp932-row-utf-8.csv", f"{header}\r\n".encode("cp932") + line.encode(), "mixed_encodings", 2)
    yield _file("header-utf-8-row-cp932.csv", f"{header}\r\n".encode() + line.encode("cp932"), "mixed_encodings", 1)
    half = line.encode().replace("耐熱".encode(), b"\xed\xa1\x82")
    yield _file("half-a-character.csv", f"{header}\r\n".encode() + half, "mixed_encodings", 1)
    yield _file("latin-1.csv", b"caf\xe9\xff\xfe,1\n2,3\n", "unknown_encoding")


def _cut(text: str) -> int:
    """Where the bytes of *text* can be cut inside of a character."""
    return next(place for place, byte in enumerate(text.encode()) if byte > 0x7F) + 1


def _shapes() -> Iterator[Broken]:
    yield _file("empty.csv", b"", "empty_file")
    yield _file("bom-alone.csv", b"\xef\xbb\xbf\r\n", "empty_file")
    yield _file("header-alone.csv", csv_of(), "no_rows")
    yield _file("empty-rows-alone.csv", csv_of([""] * len(HEADER), [""] * len(HEADER)), "no_rows")
    missing = [one for one in HEADER if "[title]" not in one]
    yield _file("missing-column.csv", text_of([row()], missing).encode(), "missing_column", 1, "title")
    yield _file("unknown-column.csv", text_of([[*row(), ""]], [*HEADER, "備考"]).encode(), "unknown_column", 1, "備考")
    yield _file("column-without-a-name.csv", text_of([row()], ["", *HEADER[1:]]).encode(), "unknown_column", 1)
    doubled = [*HEADER, "件名"]
    yield _file("doubled-column.csv", text_of([[*row(), "x"]], doubled).encode(), "doubled_column", 1, "title")
    yield _file("semicolons.csv", text_of([row()]).replace(",", "\t").encode(), "unknown_column", 1, _start(HEADER))
    yield _file("bare-cr.csv", csv_of(row(), row("T-2")).replace(b"\r\n", b"\r"), "malformed_csv", 1)
    yield _file("cr-in-a-row.csv", csv_of(row()).replace(b"T-1", b"T\r1"), "malformed_csv", 2)
    yield _file("quote-never-closed.csv", csv_of(row()) + b'"F-2,4990101234567', "malformed_csv", 3)
    yield _file("text-after-a-quote.csv", csv_of(row()) + b'"F-2"x,4990101234567', "malformed_csv", 3)
    yield _file("xlsx-named.csv", xlsx_of(row()), "not_csv")
    yield _file("5001-rows.csv", csv_of(*(row(f"T-{n}") for n in range(5001))), "too_many_rows", 5002)
    yield Broken("too-few-cells.csv", csv_of(row(GOOD), row()[:-3]), [(3, "", "ragged_row")])
    yield Broken("too-many-cells.csv", csv_of(row(GOOD), [*row(), "x"]), [(3, "", "ragged_row")])


def _start(header: list[str]) -> str:
    return "\t".join(header)[:100]


def _cells() -> Iterator[Broken]:
    yield _second("formula", "title", "formula_in_cell", title='=HYPERLINK("http://evil.example","x")')
    yield _second("text-as-formula", "company.corporate_number", "formula_in_cell", company__corporate_number='="1"')
    yield _second("nul", "title", title="耐熱\x00ガラス")
    yield _second("bare-cr-in-quotes", "description", description="上\r下")
    yield _second("two-lines-in-a-line", "title", title="上\n下")
    yield _second("very-long-cell", "description", description="長" * 20_001)
    yield _second("very-long-title", "title", title="長" * 301)
    yield _second("empty-title", "title", title="  ")
    yield _second("reference-missing", "bank_reference", bank_reference="")
    yield _second("wrong-check-digit", "company.corporate_number", company__corporate_number="1234567890123")
    yield _second("twelve-digits", "company.corporate_number", company__corporate_number="499010123456")
    mangled = {"company__corporate_number": "4.9901E+12"}
    yield _second("number-turned-by-excel", "company.corporate_number", "number_mangled", **mangled)
    yield _second("date-of-a-past-era", "desired_by", "unclear_date", desired_by="平成40年3月31日")
    yield _second("era-by-a-letter", "desired_by", "unclear_date", desired_by="R9.3.31")
    yield _second("day-before-its-era", "desired_by", "unclear_date", desired_by="令和元年4月30日")
    yield _second("excel-serial-date", "desired_by", "unclear_date", desired_by="46477")
    yield _second("american-date", "desired_by", "unclear_date", desired_by="3/31/2027")
    yield _second("31-february", "desired_by", "unclear_date", desired_by="2027-02-31")
    yield _second("past-date", "desired_by", desired_by="2020-03-31")
    yield _second("unknown-urgency", "urgency", urgency="至急")
    yield _second("unknown-band", "budget_band", budget_band="500")
    yield _second("unknown-field-code", "field_codes", field_codes="陶磁器")
    yield _second("twenty-one-field-codes", "field_codes", field_codes=";".join(f"a{n}" for n in range(21)))
    yield _second("private-character", "company.name", "private_character", company__name="\ue000藤工業")
    yield _second("unassigned-character", "title", title="a\U0003fffe")


def _rules() -> Iterator[Broken]:
    none = {f"consent__{name}": "" for name in ("recipients", "purposes", "data_classes", "valid_until", "given_by")}
    yield _second("no-consent", "consent", "consent_required", **none, consent__method="")
    yield _second("half-a-consent", "consent.valid_until", consent__valid_until="")
    yield _second("consent-past", "consent.valid_until", consent__valid_until="2021-03-31")
    lending = {"consent__purposes": "融資評価"}
    yield _second("consent-to-another-end", "consent.purposes", "consent_required", **lending)
    others = {"consent__recipients": "universities"}
    yield _second("consent-without-the-center", "consent.recipients", "consent_required", **others)
    yield _second("unknown-paper", "consent.document_id", "unknown_document", consent__document_id="ない書類.pdf")
    twice = [(number, "bank_reference", "doubled_reference") for number in (2, 3, 5)]
    content = csv_of(row(), row("T-1", title="別"), row("T-2"), row("Ｔ-1"))
    yield Broken("doubled-references.csv", content, twice)
    faults = [(2, "title", "invalid_field"), (2, "urgency", "invalid_field"), (3, "", "ragged_row")]
    yield Broken("several-faults.csv", csv_of(row(title="", urgency="x"), ["a"]), faults)


def _workbooks() -> Iterator[Broken]:
    yield _second("formula", "title", "formula_in_cell", "xlsx", title="=1+1")
    yield _second("error-value", "title", "cell_error", "xlsx", title="#N/A")
    yield _second("yes-and-no", "urgency", "not_a_text", "xlsx", urgency=True)
    yield _second("fraction", "bank_reference", "number_mangled", "xlsx", bank_reference=31.5)
    yield _second("serial-date", "desired_by", "unclear_date", "xlsx", desired_by=46477)
    yield _second(
        "day-with-a-time", "desired_by", "not_a_text", "xlsx", desired_by=datetime.fromisoformat("2027-03-31T09:00")
    )
    yield _second("day-as-a-title", "title", "not_a_text", "xlsx", title=datetime.fromisoformat("2027-03-31T00:00"))
    book = book_of([row(GOOD), row("T-1"), row("T-2")])
    book.active.merge_cells("H3:H4")
    yield Broken("merged-cells.xlsx", saved(book), [(3, "", "merged_cells"), (4, "", "merged_cells")])
    book = book_of([row()])
    book.create_sheet("別").append(["x"])
    yield _file("several-sheets.xlsx", saved(book), "several_sheets")
    yield _file("no-cells.xlsx", saved(book_of([], [])), "empty_file")
    yield _file("header-alone.xlsx", xlsx_of(), "no_rows")
    book = book_of([])
    book.active.cell(1_048_576, 1, "T-1")
    yield _file("row-at-the-end.xlsx", saved(book), "too_many_rows", 20_001)


def _packed() -> Iterator[Broken]:
    sound = shared(xlsx_of(row()))
    yield _file("empty.xlsx", b"", "empty_file")
    yield _file("no-zip.xlsx", b"not a workbook", "not_xlsx")
    yield _file("csv-named.xlsx", csv_of(row()), "not_xlsx")
    yield _file("cut-off.xlsx", sound[:-400], "not_xlsx")
    yield _file("password.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), "not_xlsx")
    yield _file("zip-of-something.xlsx", packed({"a.txt": b"a"}), "not_xlsx")
    yield _file(
        "zip-bomb.xlsx", _changed(sound, "xl/sharedStrings.xml", lambda _: b" " * 80_000_000), "too_much_inside"
    )
    yield _file("many-parts.xlsx", packed({f"{n}.xml": b"" for n in range(600)}), "too_much_inside")
    yield _file("macros.xlsm", packed({**parts_of(sound), "xl/vbaProject.bin": b"x"}), "macros")
    enabled = _changed(sound, "[Content_Types].xml", lambda told: told.replace(b"sheet.main", b"macroEnabled.main"))
    yield _file("macro-type.xlsm", enabled, "macros")
    entity = b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst>'
    outside = _changed(sound, "xl/sharedStrings.xml", lambda told: re.sub(rb"<sst[^>]*>", entity, told))
    yield _file("external-entity.xlsx", outside, "forbidden_xml")
    laughs = b'<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><sst>'
    laughing = _changed(sound, "xl/sharedStrings.xml", lambda told: re.sub(rb"<sst[^>]*>", laughs, told))
    yield _file("billion-laughs.xlsx", laughing, "forbidden_xml")
    hidden = _changed(sound, "xl/workbook.xml", lambda told: ("<!DOCTYPE a>" + told.decode()).encode("utf-16"))
    yield _file("document-type-in-utf-16.xlsx", hidden, "forbidden_xml")
    broken = _changed(sound, "xl/worksheets/sheet1.xml", lambda told: told[:-40])
    yield _file("broken-xml.xlsx", broken, "not_xlsx")
    half = _changed(sound, "xl/sharedStrings.xml", lambda told: told.replace("耐熱".encode(), b"&#xD842;"))
    yield _file("half-a-character.xlsx", half, "not_xlsx")
    lost = _changed(sound, "xl/worksheets/sheet1.xml", lambda told: re.sub(rb"<v>\d+</v>", b"<v>99999</v>", told))
    yield _file("string-that-is-not-there.xlsx", lost, "not_xlsx")


def _changed(book: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    parts = parts_of(book)
    return packed({**parts, name: change(parts[name])})

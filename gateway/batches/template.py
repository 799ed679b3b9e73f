"""The empty table to fill in, as xlsx with lists to choose from and as CSV; in Japanese or English."""

import csv
import io
from typing import Any, Final, Literal, TypeAlias

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from domain.reasons import Wording
from gateway.batches.columns import COLUMNS, Column, Kind
from gateway.batches.faults import MOST_ROWS
from gateway.batches.workbook import GUIDE, SHEET

Language: TypeAlias = Literal["ja", "en"]
_REQUIRED: Final = PatternFill("solid", fgColor="FFF2CC")
_OTHER: Final = PatternFill("solid", fgColor="E7E6E6")
_GUIDE_HEADER: Final = (
    Wording("列", "Column"),
    Wording("必須", "Required"),
    Wording("記入方法", "How to fill it in"),
    Wording("使える値", "Values"),
    Wording("例", "Example"),
)
_YES: Final = Wording("必須", "required")
_LAST: Final = MOST_ROWS + 1


def template_csv(language: Language) -> bytes:
    """The header alone, in UTF-8 with BOM, as spreadsheets know it."""
    text = io.StringIO()
    csv.writer(text).writerow([one.header(language) for one in COLUMNS])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def template_xlsx(language: Language) -> bytes:
    """A workbook with the table, lists to choose from, and a sheet that explains each column."""
    place = 0 if language == "ja" else 1
    book = Workbook()
    needs, guide, lists = book.active, book.create_sheet(GUIDE[place]), book.create_sheet(GUIDE[place + 2])
    needs.title = SHEET[place]
    for number, column in enumerate(COLUMNS, 1):
        _head(needs, number, column, language)
        source = _list(lists, number, column, language)
        _validate(needs, number, column, source, language)
    needs.freeze_panes = "B2"
    lists.sheet_state = "hidden"
    _explain(guide, language)
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def _head(sheet: Any, number: int, column: Column, language: Language) -> None:
    cell = sheet.cell(1, number, column.header(language))
    cell.font = Font(bold=True)
    cell.fill = _REQUIRED if column.is_required else _OTHER
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    letter = get_column_letter(number)
    sheet.column_dimensions[letter].width = 40 if column.kind is Kind.text else 24
    sheet.column_dimensions[letter].number_format = "@"  # a text, so that no spreadsheet turns it into a number


def _list(sheet: Any, number: int, column: Column, language: Language) -> str:
    """Write the values to choose from into a sheet of their own; where they stand."""
    for row, (code, words) in enumerate(column.choices.items(), 1):
        sheet.cell(row, number, f"{getattr(words, language)} [{code}]")
    letter = get_column_letter(number)
    return f"'{sheet.title}'!${letter}$1:${letter}${len(column.choices)}"


def _validate(sheet: Any, number: int, column: Column, source: str, language: Language) -> None:
    """Offer the values of *column*; where several go into one cell, and to words of one's own, it does not insist."""
    rule = DataValidation(type="list", formula1=source) if column.choices else DataValidation()
    rule.allow_blank = True
    rule.showErrorMessage = column.kind is Kind.choice
    rule.showInputMessage = True
    rule.promptTitle = getattr(column.label, language)[:32]
    rule.prompt = getattr(column.help, language)[:255]
    letter = get_column_letter(number)
    rule.add(f"{letter}2:{letter}{_LAST}")
    sheet.add_data_validation(rule)
    for row in range(2, 52):  # the first rows; Excel goes by the column's own format for the others
        sheet.cell(row, number).number_format = "@"


def _explain(sheet: Any, language: Language) -> None:
    sheet.append([getattr(one, language) for one in _GUIDE_HEADER])
    for column in COLUMNS:
        values = "\n".join(f"{getattr(words, language)} [{code}]" for code, words in column.choices.items())
        required = getattr(_YES, language) if column.is_required else ""
        sheet.append([column.header(language), required, getattr(column.help, language), values, column.example])
    for letter, width in zip("ABCDE", (36, 8, 60, 44, 40), strict=True):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=cell.row == 1)
            cell.number_format = "@"

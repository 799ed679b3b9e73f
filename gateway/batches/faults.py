"""What is wrong with a table of needs: in which row and column, under which code, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.reasons import Wording

MOST_ROWS: Final = 5_000
OF_A_FILE: Final[Mapping[str, Wording]] = {
    "empty_file": Wording("ファイルが空です。", "The file is empty."),
    "utf16": Wording(
        "UTF-16 のファイルです。UTF-8 の CSV で保存し直してください。", "It is in UTF-16; save it as CSV in UTF-8."
    ),
    "unknown_encoding": Wording(
        "UTF-8 でも CP932(Shift_JIS)でもありません({byte}バイト目)。UTF-8 で保存し直してください。",
        "It is neither UTF-8 nor CP932 (Shift_JIS) at byte {byte}; save it as UTF-8.",
    ),
    "mixed_encodings": Wording(
        "{byte}バイト目は UTF-8 ではなく、{line}行目は CP932 ではありません。UTF-8 で保存し直してください。",
        "Byte {byte} is no UTF-8, and line {line} is no CP932: save it in one encoding, best in UTF-8.",
    ),
    "not_csv": Wording("CSV ではありません。", "It is no CSV."),
    "malformed_csv": Wording(
        "CSV として読めません。閉じていない引用符や、CR だけの改行がないか確かめてください。",
        "It cannot be read as CSV: look for a quote that is never closed, or a line that ends in CR alone.",
    ),
    "not_xlsx": Wording(
        "xlsx として読めません。壊れているか、パスワードで保護されています。",
        "It cannot be read as xlsx: it is broken, or protected by a password.",
    ),
    "macros": Wording(
        "マクロを含むファイルは受け付けません。xlsx で保存し直してください。",
        "A file with macros is not taken; save it as xlsx.",
    ),
    "too_much_inside": Wording("展開すると大きすぎます。", "What is packed in it is too large."),
    "forbidden_xml": Wording("使えない XML(DTD)を含みます。", "It holds XML with a document type, which is not taken."),
    "several_sheets": Wording(
        "データのあるシートが複数あります。「ニーズ」という名前のシートを一つだけにしてください。",
        "Several sheets hold data; leave one, or call it needs.",
    ),
    "unknown_column": Wording("この列はありません。", "There is no such column."),
    "doubled_column": Wording("同じ列が二つあります。", "The column is there twice."),
    "missing_column": Wording("この列は必須です。", "This column is required."),
    "no_rows": Wording("見出しの下に行がありません。", "There is no row below the header."),
    "too_many_rows": Wording(
        f"一つのファイルは{MOST_ROWS}行までです。", f"A file has at most {MOST_ROWS} rows; divide it."
    ),
}
"""Faults of a file as a whole: nothing of it is kept."""

OF_A_ROW: Final[Mapping[str, Wording]] = {
    "ragged_row": Wording("見出しと列の数が違います。", "It has not as many cells as the header."),
    "merged_cells": Wording("結合されたセルがあります。結合を解除してください。", "Cells are merged; split them."),
    "formula_in_cell": Wording("数式ではなく値を入れてください。", "This is a formula; enter its value."),
    "cell_error": Wording("セルがエラー値です。", "The cell holds an error."),
    "not_a_text": Wording("文字で入力してください。", "Enter this as text."),
    "number_mangled": Wording(
        "表計算ソフトが数値に変えています。文字列の書式で入力し直してください。",
        "The spreadsheet has turned it into a number; format the cell as text and enter it again.",
    ),
    "unclear_date": Wording(
        "日付は 2027-03-31、2027/3/31、2027年3月31日、令和9年3月31日のいずれかで入力してください。",
        "Write the date as 2027-03-31, 2027/3/31, 2027年3月31日 or 令和9年3月31日.",
    ),
    "private_character": Wording(
        "外字は他の環境で読めません。ほかの文字で入力してください。",
        "It holds a character of your own system (外字) that nobody else can read.",
    ),
    "doubled_reference": Wording(
        "同じ整理番号が{rows}行目にもあります。どちらも受け付けません。",
        "The same reference is in row {rows}; neither is taken.",
    ),
    "unknown_document": Wording(
        "この書類は登録されていません。先に登録してください。", "There is no such document; upload it before."
    ),
    "ambiguous_document": Wording(
        "同じ名前の書類が複数あります。書類ID(doc_…)で指定してください。",
        "Several documents have this name; name it by its id doc_….",
    ),
}
"""Faults of a row beside those that the rules of a need know (`domain.refusals`)."""


@dataclass(frozen=True)
class RowFault:
    """One thing wrong with one row: the field of the column, empty for the row as a whole."""

    column: str
    code: str
    text: Wording

    @classmethod
    def of(cls, code: str, column: str = "", **facts: object) -> "RowFault":
        """The fault *code* of a row, its sentences filled with *facts*."""
        return cls(column, code, _filled(OF_A_ROW[code], facts))

    def told(self) -> dict[str, Any]:
        """As it is kept and told."""
        return {"column": self.column, "code": self.code, "ja": self.text.ja, "en": self.text.en}


@dataclass(eq=False)
class UnfitFile(Exception):
    """A file that is not taken: which fault, and where. Rows count from 1, the header's; 0 is the file as a whole."""

    code: str
    row: int = 0
    column: str = ""
    facts: Mapping[str, object] | None = None

    @property
    def text(self) -> Wording:
        """What is wrong and where, in both languages."""
        told = _filled(OF_A_FILE[self.code], self.facts or {})
        ja = [*([f"{self.row}行目"] if self.row else []), *([f"列「{self.column}」"] if self.column else [])]
        en = [*([f"row {self.row}"] if self.row else []), *([f"column {self.column}"] if self.column else [])]
        return Wording(f"{'、'.join(ja)}: {told.ja}", f"{', '.join(en)}: {told.en}") if ja else told


def _filled(text: Wording, facts: Mapping[str, object]) -> Wording:
    return Wording(text.ja.format(**facts), text.en.format(**facts))

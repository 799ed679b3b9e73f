"""What a bank reads of its batch: how far it is, and every row with what is wrong with it, as JSON and as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.cloud_events import instant
from domain.reasons import Wording
from gateway.batches.columns import column_at
from store.batches import Batch, BatchRow

_STATES: Final[Mapping[str, Wording]] = {
    "ready": Wording("受付可能", "ready"),
    "already_there": Wording("受付済み", "already there"),
    "refused": Wording("受付不可", "refused"),
    "committed": Wording("受付完了", "committed"),
}
_HEADER: Final = (
    "行 row",
    "整理番号 reference",
    "状態 state",
    "案件 case_id",
    "列 column",
    "コード code",
    "日本語",
    "English",
)
_ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r")
_KNOWN: Final = frozenset({"already_there", "committed"})
"""States in which the row's case is one of the bank's."""


def told_batch(batch: Batch) -> dict[str, Any]:
    """How far *batch* is."""
    counts = {state: batch.rows.get(state, 0) for state in _STATES}  # type: ignore[call-overload]
    return {
        "batch_id": batch.batch_id,
        "state": batch.state,
        "format": batch.format,
        **({"encoding": batch.encoding} if batch.encoding else {}),
        "sha256": batch.sha256,
        "bytes": batch.bytes,
        "created_at": instant(batch.created_at),
        "moved_at": instant(batch.moved_at),
        "rows": {"total": sum(counts.values()), **counts},
    }


def told_row(row: BatchRow) -> dict[str, Any]:
    """What became of *row*."""
    told: dict[str, Any] = {"row": row.row, "state": row.state}
    if row.reference is not None:
        told["reference"] = row.reference
    if row.case_id is not None and row.state in _KNOWN:
        told["case_id"] = row.case_id
    if row.faults:
        told["faults"] = [{**one, **_label(one["column"])} for one in row.faults]
    return told


def report_csv(rows: Iterable[BatchRow]) -> bytes:
    """The report as a spreadsheet opens it: UTF-8 with BOM, a line for each fault, no cell that acts."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEADER)
    for row in rows:
        state = _STATES[row.state]
        case_id = row.case_id if row.state in _KNOWN else None
        start = [row.row, row.reference or "", f"{state.ja} {row.state}", case_id or ""]
        for fault in row.faults or ({},):
            labels = _label(fault.get("column", ""))
            column = f"{labels['label_ja']} {labels['label_en']} [{fault['column']}]" if labels else ""
            cells = [*start, column, fault.get("code", ""), fault.get("ja", ""), fault.get("en", "")]
            writer.writerow([_at_rest(str(cell)) for cell in cells])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _label(field: str) -> dict[str, str]:
    """What the column of *field* is called; nothing for the row as a whole."""
    if not field:
        return {}
    label = column_at(f"/data/{field.replace('.', '/')}")[1]
    return {"label_ja": label.ja, "label_en": label.en}


def _at_rest(cell: str) -> str:
    """*cell* so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_ACTIVE) else cell

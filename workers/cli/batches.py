"""`hashi needs import`, `batch` and `template`: needs in bulk, checked first, then committed."""

import time
from pathlib import Path
from typing import Any, Final, Literal

import click

from workers.cli import show
from workers.cli.api import Api, acts, language, path
from workers.cli.faults import BAD_INPUT, DONE, BadInput
from workers.cli.progress import bar
from workers.cli.shape import wants_json

_KINDS: Final = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PAUSE: Final = 0.3
_SHOWN: Final = 20
_OUT = click.Path(dir_okay=False, path_type=Path)
_REPORT = click.option("--report", type=_OUT, help="Write the report of every row to this CSV file.")


@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--commit", is_flag=True, help="Take the rows that are sound, and wait until that is done.")
@_REPORT
@acts
def import_table(api: Api, file: Path, commit: bool, report: Path | None) -> int:
    """Check the table of needs in FILE (.csv or .xlsx), and commit it. 一括受付

    Every row is checked as a single need would be; nothing is taken without --commit. Rows with a fault are left out,
    the others are taken one by one. The same file may come again: what is there already is not taken twice.
    Exit status 2 when a row was refused. Ctrl-C leaves a commit going on; `hashi needs batch` follows it.
    """
    kind = _KINDS.get(file.suffix.lower())
    if kind is None:
        raise BadInput(f"FILE: {file.name} is neither .csv nor .xlsx", field="FILE")
    batch = api.upload("/v1/intake-batches", file.read_bytes(), kind).body
    return _shown(api, _committed(api, batch) if commit else batch, report)


@click.argument("batch_id", metavar="BATCH")
@click.option("--commit", is_flag=True, help="Take the rows that are sound, or go on with it, and wait.")
@click.option("--cancel", is_flag=True, help="Stop after the row under way; what was taken stays.")
@_REPORT
@acts
def follow(api: Api, batch_id: str, commit: bool, cancel: bool, report: Path | None) -> int:
    """Follow, commit or cancel the batch that `hashi needs import` made. 一括受付の続き"""
    if commit and cancel:
        raise BadInput("--commit and --cancel: one of them", field="--cancel")
    batch = api.get(path("intake-batches", batch_id)).body
    if cancel:
        batch = api.post(path("intake-batches", batch_id, "cancel"), {}).body
    if commit:
        batch = _committed(api, batch)
    return _shown(api, batch, report)


@click.option("--lang", type=click.Choice(["ja", "en"]), help="Default: that of the locale.")
@click.option("-o", "out", type=_OUT, required=True, help="The file to write: .xlsx or .csv.")
def template(lang: Literal["ja", "en"] | None, out: Path) -> None:
    """Write the empty table to fill in, as .xlsx or .csv. ひな形

    The workbook has lists to choose from and a page that explains each column. It needs no running system.
    """
    from gateway.batches.template import template_csv, template_xlsx  # noqa: PLC0415 - not for every `hashi needs`

    makers = {".csv": template_csv, ".xlsx": template_xlsx}
    if out.suffix.lower() not in makers:
        raise BadInput(f"-o: {out.name} is neither .csv nor .xlsx", field="-o")
    content = makers[out.suffix.lower()](lang or language())
    _write(out, content, "-o")
    if wants_json():
        show.document({"file": str(out), "bytes": len(content)})
    else:
        show.say(f"Fill in {out}, then: hashi needs import {out}")


def _committed(api: Api, batch: dict[str, Any]) -> dict[str, Any]:
    """*batch* once nothing of it is under way any more."""
    address = path("intake-batches", batch["batch_id"])
    batch = api.post(f"{address}/commit", {}).body
    with bar("Committing") as tell:
        while True:
            rows = batch["rows"]
            tell(rows["total"] - rows["ready"], rows["total"])
            if batch["state"] != "committing":
                return batch
            time.sleep(_PAUSE)
            batch = api.get(address).body


def _shown(api: Api, batch: dict[str, Any], report: Path | None) -> int:
    address = path("intake-batches", batch["batch_id"])
    if report is not None:
        _write(report, api.download(f"{address}/report.csv"), "--report")
    rows = api.every(f"{address}/rows", limit=1000)
    refused = [one for one in rows if one["state"] == "refused"]
    if wants_json():
        show.document({**batch, "items": rows})
    else:
        _tell(api, batch, refused)
    if not refused:
        return DONE
    numbers = ", ".join(str(one["row"]) for one in refused[:_SHOWN]) + (" …" if len(refused) > _SHOWN else "")
    click.echo(f"hashi: {len(refused)} of {len(rows)} rows are refused: row {numbers}", err=True)
    return BAD_INPUT


def _tell(api: Api, batch: dict[str, Any], refused: list[dict[str, Any]]) -> None:
    said = language()
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in batch["rows"].items() if count)
    show.say(f"Batch {batch['batch_id']} ({batch['state']}): {counts}")
    faults = [(one["row"], one.get("reference"), fault) for one in refused for fault in one.get("faults", [])]
    shown = [
        (row, reference, fault.get(f"label_{said}", ""), fault["code"], fault[said])
        for row, reference, fault in faults[:_SHOWN]
    ]
    if shown:
        show.table(("Row", "Reference", "Column", "Code", "What is wrong"), shown)
    if len(faults) > _SHOWN:
        show.say(f"… and {len(faults) - _SHOWN} more; --report FILE.csv has them all")
    if batch["rows"]["ready"] and batch["state"] != "committing":
        acting = f" --as {api.person}" if api.person else ""
        show.say(f"Take what is ready with: hashi needs batch {batch['batch_id']} --commit{acting}")


def _write(out: Path, content: bytes, option: str) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{option}: {out} cannot be written: {error.strerror}", field=option) from error

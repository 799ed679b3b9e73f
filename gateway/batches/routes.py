"""Needs in bulk over HTTP: upload a table and read what is wrong, then commit it and follow it."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from domain.envelope import Actor
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.terms import Role
from gateway.auth import actor_of
from gateway.batches.checking import checked
from gateway.batches.faults import UnfitFile
from gateway.batches.reading import Format
from gateway.batches.report import report_csv, told_batch, told_row
from gateway.batches.template import Language, template_csv, template_xlsx
from gateway.bodies import bounded
from gateway.commands import NEED
from gateway.parts import Gateway, gateway_of
from gateway.problems import Problem, language_of, refused, unknown_batch
from gateway.views import answer
from store.batches import Batch

router: Final = APIRouter(tags=["intake batches"])
CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS: Final[dict[str, Format]] = {CSV: "csv", XLSX: "xlsx"}
_BINARY: Final = {"type": "string", "format": "binary"}
_BATCH: Final = {"x-answer": "IntakeBatch"}
_UPLOAD: Final = {
    **_BATCH,
    "requestBody": {"required": True, "content": {one: {"schema": _BINARY} for one in _FORMATS}},
}
_Language = Annotated[Language | None, Query(description="`ja` or `en`; by default the one of Accept-Language.")]


@router.post("/v1/intake-batches", status_code=201, openapi_extra=_UPLOAD)
async def check_batch(request: Request) -> Response:
    """Upload a table of needs, as CSV or xlsx: every row is checked as `POST /v1/needs` would be, none is taken yet."""
    gateway, actor = gateway_of(request), await _officer(request)
    form = _format(request)
    content = await Request(request.scope, bounded(request, gateway.settings.batch_limit)).body()
    try:
        upload, rows = await checked(gateway, actor, content, form)
    except UnfitFile as unfit_file:
        raise _problem(unfit_file) from None
    batch = await _get(gateway, await gateway.store.batches.keep(upload, rows), actor)
    return answer(told_batch(batch), 201, {"Location": f"/v1/intake-batches/{batch.batch_id}"})


@router.get("/v1/intake-batches/template.csv", openapi_extra={"x-content": CSV})
async def csv_template(request: Request, lang: _Language = None) -> Response:
    """The empty table as CSV: its header, in UTF-8."""
    await actor_of(request)
    return _file(template_csv(_language(request, lang)), f"{CSV}; charset=utf-8", "needs.csv")


@router.get("/v1/intake-batches/template.xlsx", openapi_extra={"x-content": XLSX})
async def xlsx_template(request: Request, lang: _Language = None) -> Response:
    """The empty table as a workbook, with lists to choose from and a page that explains each column."""
    await actor_of(request)
    return _file(await asyncio.to_thread(template_xlsx, _language(request, lang)), XLSX, "needs.xlsx")


@router.get("/v1/intake-batches/{batch_id}", openapi_extra=_BATCH)
async def read_batch(request: Request, batch_id: str) -> Response:
    """How far a batch is: its state, and how many of its rows are ready, refused, there already or committed."""
    return answer(told_batch(await _get(gateway_of(request), batch_id, await _officer(request))))


@router.get("/v1/intake-batches/{batch_id}/rows", openapi_extra={"x-answer": "IntakeRows"})
async def list_rows(
    request: Request,
    batch_id: str,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """The rows of a batch in order, each with what is wrong with it: `next` goes into `after`."""
    gateway = gateway_of(request)
    batch = await _get(gateway, batch_id, await _officer(request))
    found = await gateway.store.batches.rows(batch.batch_id, after, limit + 1)
    following = str(found[limit - 1].row) if len(found) > limit else None
    return answer({"items": [told_row(one) for one in found[:limit]], "next": following})


@router.get("/v1/intake-batches/{batch_id}/report.csv", openapi_extra={"x-content": CSV})
async def csv_report(request: Request, batch_id: str) -> Response:
    """The report of every row as CSV, for spreadsheets: UTF-8 with BOM, a line for each fault."""
    gateway = gateway_of(request)
    batch = await _get(gateway, batch_id, await _officer(request))
    rows = await gateway.store.batches.rows(batch.batch_id)
    return _file(await asyncio.to_thread(report_csv, rows), f"{CSV}; charset=utf-8", f"{batch.batch_id}.csv")


@router.post("/v1/intake-batches/{batch_id}/commit", status_code=202, openapi_extra=_BATCH)
async def commit_batch(request: Request, batch_id: str) -> Response:
    """Take the rows that are ready, one by one in the background; again after a cancellation it goes on."""
    gateway, actor = gateway_of(request), await _officer(request)
    batch = await _get(gateway, batch_id, actor)
    await gateway.store.batches.commit(batch.batch_id, actor.person)
    batch = await _get(gateway, batch_id, actor)
    if batch.state == "committing":
        await gateway.engine.begin(batch.batch_id)
    return answer(told_batch(batch), 202, {"Location": f"/v1/intake-batches/{batch.batch_id}"})


@router.post("/v1/intake-batches/{batch_id}/cancel", openapi_extra=_BATCH)
async def cancel_batch(request: Request, batch_id: str) -> Response:
    """Stop a batch after the row under way; what was taken stays, and a later commit goes on with the rest."""
    gateway, actor = gateway_of(request), await _officer(request)
    batch = await _get(gateway, batch_id, actor)
    if not await gateway.store.batches.cancel(batch.batch_id) and batch.state == "done":
        raise refused(Refusal.of("already_done", fact="done"))
    return answer(told_batch(await _get(gateway, batch_id, actor)))


async def _officer(request: Request) -> Actor:
    """Who asks, an officer of a bank. Raises Problem."""
    actor = await actor_of(request)
    if actor.role is not Role.bank_officer:
        raise refused(Refusal.of("not_permitted", role=actor.role, command=NEED))
    return actor


async def _get(gateway: Gateway, batch_id: str, actor: Actor) -> Batch:
    batch = await gateway.store.batches.get(batch_id) if batch_id.isascii() and batch_id.isprintable() else None
    if batch is None or batch.org_id != actor.org_id:
        raise unknown_batch()
    return batch


def _format(request: Request) -> Format:
    told = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if told not in _FORMATS:
        text = Wording(f"Content-Type は {CSV} か {XLSX} です。", f"The Content-Type is {CSV} or {XLSX}.")
        raise Problem("unsupported_media_type", text, headers={"Accept-Post": f"{CSV}, {XLSX}"})
    return _FORMATS[told]


def _problem(fault: UnfitFile) -> Problem:
    where: dict[str, Any] = {"fault": fault.code, "row": fault.row or None, "column": fault.column or None}
    facts = {name: str(value) for name, value in where.items() if value is not None}
    return Problem("unfit_file", fault.text, facts=facts)


def _language(request: Request, asked: Language | None) -> Language:
    return asked or ("ja" if language_of(request.headers.get("accept-language", "")) == "ja" else "en")


def _file(content: bytes, kind: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, headers=headers, media_type=kind)

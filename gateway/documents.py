"""Files by reference: kept once for an organization, cited by id, never sent with a command."""

import re
from dataclasses import asdict
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile

from domain.envelope import Actor
from domain.reasons import Wording
from domain.records import Key, Line
from domain.visibility import CENTER_ROLES
from gateway.auth import actor_of
from gateway.bodies import bounded, too_large
from gateway.conditions import is_known
from gateway.parts import gateway_of
from gateway.problems import Fault, Problem, unfit
from gateway.views import UNCHANGED, answer
from store.documents import Document

router: Final = APIRouter(tags=["documents"])
_NAME: Final = TypeAdapter[str](Line)
_ID: Final = TypeAdapter[str](Key)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_ANY: Final = "application/octet-stream"
_ROOM: Final = 64 * 1024
"""Bytes that a form may have around its file."""
_ONE_FILE: Final = Wording(
    "`file` という名前のファイルを1つだけ送ってください。", "Send one part named `file`, which is a file."
)
_EMPTY: Final = Wording("ファイルが空です。", "The file is empty.")
_NO_NAME: Final = Wording("ファイル名に使えない文字があります。", "The file's name holds what no name may hold.")
_FORM: Final = {
    "x-answer": "Document",
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "contentMediaType": _ANY}},
                }
            }
        },
    },
}


@router.post("/v1/documents", status_code=201, openapi_extra=_FORM)
async def keep_document(request: Request) -> Response:
    """Keep a file for the sender's organization; the same bytes are one document, as first sent."""
    gateway, actor = gateway_of(request), await actor_of(request)
    limit = gateway.settings.document_limit
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        text = Wording("multipart/form-data で送ってください。", "Send it as multipart/form-data.")
        raise Problem("unsupported_media_type", text, headers={"Accept-Post": "multipart/form-data"})
    async with Request(request.scope, bounded(request, limit + _ROOM)).form(max_files=1, max_fields=0) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise unfit(Fault("/file", _ONE_FILE))
        content, name, kind = await file.read(), _name_of(file), _kind_of(file)
    if not 0 < len(content) <= limit:
        raise unfit(Fault("/file", _EMPTY)) if not content else too_large(limit)
    kept = await gateway.store.documents.keep(content, kind, name, actor.org_id)
    return answer(asdict(kept), 201, {"Location": f"/v1/documents/{kept.document_id}"})


@router.get("/v1/documents/{document_id}", openapi_extra={"x-content": "*/*"}, responses=UNCHANGED)
async def read_document(request: Request, document_id: str) -> Response:
    """A file, for the organization that sent it and for the center."""
    gateway, actor = gateway_of(request), await actor_of(request)
    document = await gateway.store.documents.get(document_id) if _is_key(document_id) else None
    if document is None or not _may_read(document, actor):
        raise Problem("unknown_document", Wording("この書類はありません。", "There is no such document."))
    headers = {
        "Content-Disposition": _disposition(document.file_name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{document.ref.sha256}"',
    }
    if is_known(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(document.content, headers=headers, media_type=document.ref.media_type)


def _is_key(document_id: str) -> bool:
    try:
        _ID.validate_python(document_id)
    except ValidationError:
        return False
    return True


def _may_read(document: Document, actor: Actor) -> bool:
    return actor.org_id == document.org_id or actor.role in CENTER_ROLES


def _disposition(name: str | None) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}" if name else "attachment"


def _kind_of(file: UploadFile) -> str:
    told = (file.content_type or _ANY).split(";")[0].strip().lower()
    return told if _MEDIA_TYPE.fullmatch(told) else _ANY


def _name_of(file: UploadFile) -> str | None:
    name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
    try:
        return _NAME.validate_python(name) if name else None
    except (ValidationError, UnicodeEncodeError) as error:
        raise unfit(Fault("/file", _NO_NAME)) from error

"""What a dossier says, as an answer: the bytes that were issued, or a preview, as JSON, HTML or PDF."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from starlette.responses import Response

from audit.evidence import evidence_of
from domain.canonical import canonical
from domain.catalogue.dossier_events import Dossier, Issue, Language
from domain.law import Refused
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.state import Case
from domain.statements.brief import Brief
from domain.statements.handing import handed_over
from dossier.document import document_of, hash_of
from dossier.glyphs import NoGlyph
from dossier.html import html_of
from dossier.pdf import Attachment, pdf_of
from gateway.parts import Gateway
from gateway.problems import Problem, refused
from store.briefs import brief_of, kept_bodies, preview_of


class Form(StrEnum):
    """The forms of a dossier."""

    json = "json"
    html = "html"
    pdf = "pdf"


@dataclass(frozen=True)
class Wanted:
    """In which form and language somebody reads; `lang` None: in that of the dossier."""

    form: Form = Form.json
    lang: Language | None = None


_MEDIA_TYPES: Final = {
    Form.json: "application/json",
    Form.html: "text/html; charset=utf-8",
    Form.pdf: "application/pdf",
}
_EVIDENCE: Final = {"ja": "根拠となる記録と証明", "en": "records, proofs and checkpoint"}
_ERASED: Final = Wording("この版の内容は消去されました。", "What this version said was erased; its hash stays.")


def chosen(dossier: Dossier, version: int | None, as_of: datetime | None) -> Issue:
    """The issue that is meant: the version named, or the last one issued up to *as_of*. Raises Problem."""
    fits = [one for one in dossier.issues if version in (None, one.version) and (not as_of or one.issued_at <= as_of)]
    if not fits:
        raise refused(Refusal.of("not_yet_happened", at="EvidenceDossierIssued"))
    return fits[-1]


async def issued(gateway: Gateway, dossier: Dossier, issue: Issue, wanted: Wanted) -> Response:
    """The *issue* of *dossier* as it was issued. Raises Problem where its content was erased."""
    kept = await gateway.store.documents.issued(dossier.case_id, issue.content_hash)
    if kept is None or hash_of(kept.content) != issue.content_hash:
        raise Problem("unknown_document", _ERASED)
    case = await gateway.cases.at(dossier.case_id, issue.cut_off_version)
    assert case is not None
    brief = await brief_of(gateway.store, dossier, case, issue.issued_at, issue=issue.version)
    return await _shown(gateway, kept.content, brief, replace(wanted, lang=wanted.lang or dossier.lang))


async def preview(gateway: Gateway, case: Case, lender_id: str, as_of: datetime | None, wanted: Wanted) -> Response:
    """What a dossier of *case* for the lender would say as of *as_of*, or now. Raises Problem."""
    now = await gateway.store.clock.now()
    at = min(as_of or now, now)
    try:
        seen = await _state_at(gateway, case, at)
        brief = await preview_of(gateway.store, seen, lender_id, at, now=now)
        _, document = document_of(brief)
    except Refused as no:
        raise refused(no.refusal) from no
    return await _shown(gateway, canonical(document), brief, wanted)


async def _state_at(gateway: Gateway, case: Case, at: datetime) -> Case:
    """*case* after the events recorded up to *at*; at least its first. Consents are those of today."""
    events = await gateway.cases.events(case.case_id)
    version = sum(one.recorded_at <= at for one in events)
    seen = await gateway.cases.at(case.case_id, max(version, 1))
    assert seen is not None
    return seen.but(consents=case.consents)


async def _shown(gateway: Gateway, body: bytes, brief: Brief, wanted: Wanted) -> Response:
    """The canonical *body* of a dossier in the form *wanted*."""
    language = (wanted.lang or Language.ja).value
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Content-Language": language,
        "ETag": f'"{hash_of(body)}"',
        "X-Content-Type-Options": "nosniff",
    }
    try:
        content = await _rendered(gateway, body, brief, wanted.form, language)
    except NoGlyph as lacking:
        raise refused(Refusal.of("not_rendered", problem=str(lacking))) from lacking
    return Response(content, 200, headers, _MEDIA_TYPES[wanted.form])


async def _rendered(gateway: Gateway, body: bytes, brief: Brief, form: Form, language: str) -> bytes:
    if form is Form.json:
        return body
    if form is Form.html:
        return html_of(body, language)
    whole = handed_over(brief)
    kept = await kept_bodies(gateway.store, brief.case)
    bodies = {
        one.event.event_id: content
        for one, (_, content) in zip(brief.exhibits, kept, strict=True)
        if one.event.event_id in whole
    }
    evidence = await evidence_of(gateway.store.pool, body, bodies)
    attached = [Attachment("evidence.zip", evidence, "application/zip", _EVIDENCE[language])] if evidence else []
    return await asyncio.to_thread(pdf_of, body, language, attached)

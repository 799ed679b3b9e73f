"""What a dossier says, as an answer: the bytes that were issued, or a preview, as JSON, HTML or PDF."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from starlette.responses import Response

from domain.catalogue.dossier_events import Dossier, Issue, Language
from domain.law import Refused
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.state import Case
from dossier.document import canonical, document_of, hash_of
from gateway.parts import Gateway
from gateway.problems import Problem, refused
from store.briefs import preview_of


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
    return shown(kept.content, wanted, dossier.lang)


async def preview(gateway: Gateway, case: Case, lender_id: str, as_of: datetime | None, wanted: Wanted) -> Response:
    """What a dossier of *case* for the lender would say as of *as_of*, or now. Raises Problem."""
    now = await gateway.store.clock.now()
    at = min(as_of or now, now)
    try:
        seen = await _state_at(gateway, case, at)
        _, document = document_of(await preview_of(gateway.store, seen, lender_id, at, now=now))
    except Refused as no:
        raise refused(no.refusal) from no
    return shown(canonical(document), wanted, Language.ja)


async def _state_at(gateway: Gateway, case: Case, at: datetime) -> Case:
    """*case* after the events recorded up to *at*; at least its first. Consents are those of today."""
    events = await gateway.cases.events(case.case_id)
    version = sum(one.recorded_at <= at for one in events)
    seen = await gateway.cases.at(case.case_id, max(version, 1))
    assert seen is not None
    return seen.but(consents=case.consents)


def shown(body: bytes, wanted: Wanted, lang: Language) -> Response:
    """The canonical *body* of a dossier in the form *wanted*."""
    headers = {
        "Cache-Control": "private, no-store",
        "ETag": f'"{hash_of(body)}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, 200, headers, _MEDIA_TYPES[wanted.form])

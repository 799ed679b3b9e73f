"""A dossier as JSON: canonical bytes (RFC 8785), whose SHA-256 stands in the event of its issue.

Whatever is shown to people is made from these bytes, so that every form says the same.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.calendar import after_days
from domain.catalogue.dossier_events import VALID_DAYS
from domain.cloud_events import instant
from domain.statements.brief import Brief, Content
from domain.statements.compose import compose
from domain.statements.vocabulary import FIXED

FORMAT: Final = "hashi-evidence-dossier/1"
TITLE: Final = {"ja": "技術評価補完資料", "en": "Evidence dossier: a supplement to technical evaluation"}
LIMITS: Final = {
    "ja": (
        "各行は記録から定型文で作成し、根拠となる記録を引用している。自由記述や推測は加えていない。",
        "記録がないことは、その事実がなかったことを意味しない。",
        "早期に終了した事項は理由区分とともに記す。その終了は技術についての結論ではない。",
        "共有の取消し後は新たな閲覧ができなくなるが、既に取得された写しは回収できない。",
    ),
    "en": (
        "Each line is made by a template from records, which it cites; nothing is added in free words or by inference.",
        "That there is no record does not mean that the thing did not happen.",
        "What ended early is told with the class of its reason; such an end is no finding on the technology.",
        "A revoked share stops new access; copies that were taken cannot be recalled.",
    ),
}


def document_of(brief: Brief) -> tuple[Content, dict[str, Any]]:
    """What a dossier made from *brief* says, and its JSON. Raises Refused."""
    content = compose(brief)
    told = {
        "format": FORMAT,
        "template": brief.template,
        "title": TITLE,
        "notice": {"ja": FIXED[0], "en": FIXED[1]},
        "limits": {language: list(lines) for language, lines in LIMITS.items()},
        **_head(brief),
        "summary": content.summary.model_dump(mode="json"),
        "sections": [
            {
                "section": one.section,
                "title": {"ja": one.title_ja, "en": one.title_en},
                "lines": [line.model_dump(mode="json", by_alias=True, exclude_none=True) for line in one.lines],
            }
            for one in content.sections
        ],
        "citations": [_citation(one.model_dump()) for one in content.citations],
    }
    return content, told


def _head(brief: Brief) -> dict[str, Any]:
    case, consent = brief.case, brief.consent
    head = {
        "dossier_id": brief.dossier_id,
        "version": brief.version,
        "preview": True if brief.version is None else None,
        "case_id": brief.case_name,
        "company": _organization(brief, case.company_id),
        "lender": _organization(brief, brief.lender_id),
        "purpose": "lending_evaluation",
        "lending_context": brief.lending_context,
        "consent": {
            "consent_id": consent.consent_id,
            "data_classes": list(consent.data_classes),
            "recorded_at": instant(consent.recorded_at),
            "valid_until": consent.valid_until.isoformat(),
        },
        "cut_off_version": case.version,
        "issued_at": instant(brief.issued_at),
        "valid_until": instant(after_days(brief.issued_at, VALID_DAYS)),
    }
    return {name: value for name, value in head.items() if value is not None}


def _organization(brief: Brief, org_id: str | None) -> dict[str, str] | None:
    return {"id": org_id, "name": brief.names.get(org_id, org_id)} if org_id else None


def _citation(told: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: instant(value) if isinstance(value, datetime) else value for name, value in told.items()}
    kind = {"ja": plain.pop("type_ja"), "en": plain.pop("type_en")}
    return {**plain, "type_name": kind}


def hash_of(body: bytes) -> str:
    """The content hash of a dossier's canonical bytes, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def leaf_hash(body: bytes) -> str:
    """The hash of an event's kept bytes as a leaf of the transparency log (RFC 9162), in hexadecimal."""
    return hashlib.sha256(b"\0" + body).hexdigest()

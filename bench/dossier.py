"""How long an evidence dossier takes to become a PDF, warm: from its events to the bytes, a new dossier each time."""

import statistics
import time
from datetime import date
from typing import Final

from bench.figures import Figures
from bench.told import told_case
from domain.canonical import canonical
from domain.envelope import Event
from domain.state import Case, Consent
from domain.statements.brief import Brief, Exhibit
from domain.statements.compose import TEMPLATE
from domain.streams import fold
from dossier.document import document_of, leaf_hash
from dossier.pdf import Attachment, pdf_of
from store.codec import encode

_EVIDENCE: Final = Attachment("evidence.zip", bytes(range(256)) * 200, "application/zip", "evidence")
"""As many bytes as the evidence of such a dossier has."""


def measure(events: int, count: int) -> Figures:
    """The figures of *count* dossiers that cite *events* events each; one more, before them, warms up."""
    took, processor, sizes = [], [], []
    case, told = _case(events)
    for number in range(count + 1):
        brief = _brief(case, told, f"dossier-{number}")
        wall, used = time.perf_counter(), time.process_time()
        paper = pdf_of(canonical(document_of(brief)[1]), "ja", [_EVIDENCE])
        took.append(1000 * (time.perf_counter() - wall))
        processor.append(1000 * (time.process_time() - used))
        sizes.append(len(paper))
    warm = sorted(took[1:])
    figures = {
        "events": float(events),
        "dossiers": float(count),
        "p50_ms": round(statistics.median(warm), 1),
        "p95_ms": round(warm[min(count - 1, int(0.95 * count))], 1),
        "cpu_p50_ms": round(statistics.median(processor[1:]), 1),
        "first_ms": round(took[0], 1),
        "bytes": float(statistics.median(sizes)),
    }
    return Figures("dossier", figures, {})


def _case(events: int) -> tuple[Case, list[Event]]:
    """The case of the script ceramics, and its events with so many more assessments that dossiers cite *events*."""
    told = [one for one in told_case() if one.type not in {"CompanyConsentRecorded", "CompanyConsentChanged"}]
    case = fold(told_case())
    assert isinstance(case, Case)
    like = next(one for one in told if one.type == "ReadinessAssessed")
    missing = events - len({one.event_id for one in told if one.type in _cited(case, told)})
    more = [like.model_copy(update={"event_id": f"{like.event_id[:-4]}{place:04x}"}) for place in range(missing)]
    return case, [*told, *more]


def _cited(case: Case, told: list[Event]) -> set[str]:
    content, _ = document_of(_brief(case, told, "dossier"))
    return {one.type for one in content.citations}


def _brief(case: Case, told: list[Event], dossier_id: str) -> Brief:
    consent = Consent(
        consent_id="everything",
        recipients=("lenders",),
        purposes=("lending_evaluation",),
        data_classes=("public_summary", "need_detail", "trade_secret"),
        valid_until=date(2099, 3, 31),
        recorded_at=told[-1].recorded_at,
    )
    return Brief(
        template=TEMPLATE,
        dossier_id=dossier_id,
        version=1,
        case=case,
        case_name=case.case_id,
        exhibits=tuple(
            Exhibit(event=one, leaf_index=place, leaf_hash=leaf_hash(encode(one))) for place, one in enumerate(told)
        ),
        consent=consent,
        lender_id="lender",
        issued_at=told[-1].recorded_at,
    )

"""One row a case for statistics: what kind it was, how far and how fast it came, how it ended; no names, no texts."""

from datetime import datetime

from domain.calendar import fiscal_year
from domain.records import Record
from domain.state import Case
from domain.terms import Disposition, Origin, Stage, Status


class CaseFacts(Record):
    """What is counted of one case."""

    case_id: str
    origin: Origin
    fiscal_year: int
    """The Japanese fiscal year in which it was opened."""
    field_codes: tuple[str, ...]
    company_id: str | None
    institution_id: str | None
    """The institution of the lead researcher, or else of the agreement made last."""
    status: Status
    disposition: Disposition | None
    reason_code: str | None
    """The last reason given for ending, declining or turning back."""
    furthest_stage: Stage
    stages: tuple[Stage, ...]
    """Every stage the case came to, in order; one it came back to stands there again."""
    entered_at: tuple[datetime, ...]
    """When it came to each of *stages*."""
    opened_at: datetime
    closed_at: datetime | None


def facts_of(case: Case) -> CaseFacts:
    """The row of *case*."""
    return CaseFacts(
        case_id=case.case_id,
        origin=case.origin,
        fiscal_year=fiscal_year(case.opened_at),
        field_codes=case.need.field_codes if case.need else (),
        company_id=case.company_id,
        institution_id=_institution(case),
        status=case.status,
        disposition=case.disposition,
        reason_code=case.reason.code if case.reason else None,
        furthest_stage=case.furthest_stage,
        stages=tuple(stage for stage, _ in case.entered),
        entered_at=tuple(at for _, at in case.entered),
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


def _institution(case: Case) -> str | None:
    lead = next((one.institution_id for one in case.leads), None)
    signed = [one.institution_id for one in case.agreements.values() if one.is_signed and one.institution_id]
    return lead or (signed[-1] if signed else None)

"""The fact that each end of a case rests on (invariant 22); ends without one rest on a person's word and a reason."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.state import Agreement, Case
from domain.terms import (
    RESEARCH_KINDS,
    ROUTES_TO_A_RESEARCHER,
    ConsultationOutcome,
    Disposition,
    Feasibility,
    ResearchOutcome,
)

ABANDONED: Final = "abandoned"
"""How a negotiation ends that the parties give up."""
RECALLED: Final = "recalled"
"""How a negotiation ends that falls with its case."""


def _concluded(case: Case, outcome: ConsultationOutcome) -> bool:
    return any(one.outcome is outcome for one in case.consultations.values())


def _was_advised(case: Case) -> bool:
    """An answer was given: by a consultation, at a visit, by an expert, or by the route itself."""
    answered = any(one.answer_doc for one in case.questions) or any(one.held_at for one in case.visits.values())
    by_route = case.triage is not None and case.triage.route not in ROUTES_TO_A_RESEARCHER
    return answered or by_route or _concluded(case, ConsultationOutcome.solved)


def _agreement_failed(case: Case) -> bool:
    """A negotiation was given up, and no research was agreed."""
    agreements = case.agreements.values()
    agreed = any(one.is_signed and one.kind in RESEARCH_KINDS for one in agreements)
    return not agreed and any(one.ended == ABANDONED for one in agreements)


def _researched(case: Case) -> list[Agreement]:
    return [one for one in case.agreements.values() if one.research]


def _succeeded(one: Agreement) -> bool:
    return one.outcome in {ResearchOutcome.achieved, ResearchOutcome.partly}


def _failed(one: Agreement) -> bool:
    """Tried and not achieved, or broken off with its agreement."""
    return one.outcome is ResearchOutcome.not_achieved or (one.outcome is None and one.ended is not None)


def _not_feasible(case: Case) -> bool:
    """The last report says so, or a consultation stopped."""
    reports = [one.report for one in case.visits.values() if one.report]
    infeasible = bool(reports) and reports[-1].feasibility is Feasibility.infeasible
    return infeasible or _concluded(case, ConsultationOutcome.stop)


FOUNDATIONS: Final[Mapping[Disposition, Callable[[Case], Any]]] = {
    Disposition.commercialized: lambda case: any(one.released_on for one in case.products.values()),
    Disposition.transferred: lambda case: case.transfers,
    Disposition.research_completed: lambda case: any(map(_succeeded, _researched(case))),
    Disposition.research_failed: lambda case: _researched(case) and all(map(_failed, _researched(case))),
    Disposition.declined: lambda case: case.declined_at,
    Disposition.redirected: lambda case: "NeedRedirected" in case.event_types.values(),
    Disposition.no_researcher: lambda case: any(one.concluded for one in case.searches.values()),
    Disposition.agreement_failed: _agreement_failed,
    Disposition.resolved_by_advice: _was_advised,
    Disposition.consent_withdrawn: lambda case: any(one.withdrawn_at for one in case.consents.values()),
    Disposition.merged: lambda case: case.merged_into,
    Disposition.not_feasible: _not_feasible,
}

"""Which records a lender gets byte by byte: only those that tell it nothing beyond its dossier (invariants 2, 24).

The kept bytes of an event are whole or nothing: a field cannot be left out without breaking the proof. So an event goes
along only where all that is not sealed in it is the lender's to know; of the others it gets hash and proof.
"""

from typing import Final

from domain.envelope import Event
from domain.secrecy import SECRET
from domain.statements.brief import Brief
from domain.statements.reading import Reading
from domain.terms import Role
from domain.visibility import told

_WHOLE: Final = frozenset(
    {
        *("NeedTriaged", "ResearcherAssigned", "ConflictOfInterestDecided", "ResearcherReleased", "NoResearcherFound"),
        *("VisitHeld", "VisitCancelled", "VisitReportConfirmed", "ConsultationConcluded", "AgreementRenewed"),
        *("AgreementTerminated", "AgreementExpired", "AgreementAbandoned", "ResearchStarted", "ResearchSuspended"),
        *("ResearchResumed", "ResearchCompleted", "MilestoneReached", "MilestoneMissed", "MilestoneDropped"),
        *("InventionOwnershipDecided", "StartupFounded", "StartupListed", "ProductPrototyped", "ProductReleased"),
        *("OrdersReported", "FundingRecorded", "CompanyFactsDeclared", "FollowUpRecorded", "CorrectionRecorded"),
        *("CaseHeld", "CaseResumed", "CaseClosed"),
    }
)
"""Types of which a dossier tells everything that is not sealed."""
_NAMELESS: Final = frozenset({Role.researcher, Role.expert, Role.bank_officer})
"""Whose acts name a person or a bank that a dossier does not name."""


def handed_over(brief: Brief) -> frozenset[str]:
    """The ids of the events whose kept bytes go along; none where the lender knows the case by another id."""
    if brief.case_name != brief.case.case_id:
        return frozenset()
    return frozenset(one.event_id for one in Reading(brief).seen if _is_whole(one, brief))


def _is_whole(event: Event, brief: Brief) -> bool:
    if event.type not in _WHOLE or event.actor.role in _NAMELESS or event.on_behalf_of:
        return False
    sealed = {path[0] for path in SECRET.get(event.type, ()) if len(path) == 1}
    open_ones = {kind for name, kind in event.data.classes().items() if name not in sealed}
    if not open_ones <= set(brief.consent.data_classes):
        return False
    people = [*(told(event, "attended") or ()), *(told(event, "absent") or ())]
    return all(one.person is None and _is_nobody_elses(one.role, one.org, brief) for one in people)


def _is_nobody_elses(role: Role, org: str | None, brief: Brief) -> bool:
    return role is not Role.bank_officer or org == brief.lender_id

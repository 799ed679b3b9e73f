"""What a lender may learn of a case: the events that the sections of an evidence dossier are made from.

`domain.md` 3b names the events of each section, 6a what of them: from the moment a consent for the lender is in force,
in the same reduction as a bank sees them, and never what a bank may not see.
"""

from collections.abc import Mapping
from typing import Final

from domain.law import FACTS, View

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "D1": ("NeedReferred", "NeedSupplemented"),
    "D2": ("NeedTriaged", "SpecialistConsulted"),
    "D3": ("ResearcherAssigned", "ConflictOfInterestDecided"),
    "D4": ("VisitHeld", "VisitReportFiled", "VisitReportConfirmed"),
    "D5": ("ReadinessAssessed", "MilestoneReached"),
    "D6": ("AgreementSigned", "AgreementAmended", "AgreementRenewed", "AgreementTerminated"),
    "D7": (
        *("MilestonePlanned", "MilestoneReached", "MilestoneMissed"),
        *("ResearchStarted", "ResearchSuspended", "ResearchResumed", "ResearchCompleted"),
    ),
    "D8": ("InventionOwnershipDecided", "PatentApplicationFiled", "LicenseGranted", "RightsAssigned"),
    "D9": ("ProductPrototyped", "ProductReleased", "OrdersReported", "FundingRecorded"),
    "D10": ("CompanyFactsDeclared",),
    "D11": ("CorrectionRecorded",),
}
"""The sections of a dossier that come from events, and the types of these."""

SOURCES: Final = frozenset(name for names in SECTIONS.values() for name in names)
"""Every event type that a lender's feed may hold."""

TURNS: Final = frozenset(
    {
        *("CompanyConsentRecorded", "CompanyConsentChanged", "NeedDeclined", "NeedRedirected", "NoResearcherFound"),
        *("ResearcherReleased", "VisitCancelled", "ConsultationStarted", "ConsultationConcluded"),
        *("AgreementAbandoned", "AgreementExpired", "MilestoneDropped"),
        *("PatentGranted", "KnowHowTransferred", "TransferAbandoned", "StartupFounded", "StartupListed"),
        *("CaseHeld", "CaseResumed", "CaseClosed", "CaseReopened", "FollowUpRecorded"),
    }
)
"""What a dossier cites beside these: the consent it rests on, and the turns and ends without which it would tell the
good news only (`domain.md` 3c: selective export is forbidden)."""
CITED: Final = SOURCES | TURNS
"""Every event type that a dossier may cite."""


def lender_view(name: str) -> View:
    """How much a lender with the company's consent sees of an event of the type *name*."""
    return FACTS[name].bank if name in SOURCES else View.hidden


def dossier_view(name: str) -> View:
    """How much a dossier may say of an event of the type *name*: what a bank sees of it at least by its type."""
    return FACTS[name].bank if name in CITED else View.hidden

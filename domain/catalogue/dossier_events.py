"""What happens to an evidence dossier 技術評価補完資料, and how it stands after that (`domain.md` 6b)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pydantic import Field

from domain.calendar import after_days
from domain.catalogue.entry import Entry, EntryDue, begun
from domain.envelope import CENTER, Event, EventData
from domain.law import Ask, evolves
from domain.records import Code, Key, Line, Record
from domain.state import Case
from domain.terms import Purpose, Role

STREAM: Final = "dossier"
VALID_DAYS: Final = 90
"""How long an issue stands for what is known (`domain.md` 3b, D0)."""
_WARNED_BEFORE: Final = timedelta(days=14)


class LendingContext(StrEnum):
    """What the lender looks at it for; the loan itself stays outside."""

    new_loan = "new_loan"
    business_evaluation = "business_evaluation"
    enterprise_value_charge = "enterprise_value_charge"
    monitoring = "monitoring"


class Language(StrEnum):
    """The language a dossier is read in."""

    ja = "ja"
    en = "en"


class LoanMade(StrEnum):
    """What became of the loan, as the lender says."""

    yes = "yes"
    no = "no"
    unknown = "unknown"


class EvidenceDossierRequested(EventData):
    """A lender, or the bank that referred the need, asks for a dossier."""

    case_id: Key
    lender_id: Key
    purpose: Purpose
    lending_context: LendingContext | None = None
    lang: Language | None = None


class EvidenceDossierIssued(EventData):
    """A version was issued: what stands in it is fixed by its content's hash."""

    version: int
    cut_off_version: int
    """The last version of the case that it draws on."""
    content_hash: str
    """SHA-256 of the dossier's canonical JSON, in hexadecimal."""
    consent_id: Key
    data_classes: tuple[Code, ...] = ()
    """What the consent let it tell."""
    template: int | None = None
    """The version of the templates that made its sentences."""
    names: Mapping[Key, Line] = Field(default_factory=dict)
    """The names of organizations as they were, by id: with them the same content can be made again in any year."""


class EvidenceDossierSuperseded(EventData):
    """What a version cited was corrected."""

    version: int
    corrected_event_id: Key | None = None


class EvidenceShareRevoked(EventData):
    """No new access from now on; copies cannot be recalled."""

    version: int


class EvidenceDossierExpiring(EventData):
    """The last issue soon no longer stands for what is known."""

    version: int


class EvidenceDossierExpired(EventData):
    """The last issue is marked as expired."""

    version: int


class DossierViewed(EventData):
    """The lender looked at it."""

    version: int


class LoanOutcomeNoted(EventData):
    """What became of the loan; for the statistics alone, never shown to a researcher."""

    made: LoanMade


class Issue(Record):
    """One issued version."""

    version: int
    cut_off_version: int
    content_hash: str
    consent_id: str
    data_classes: tuple[str, ...] = ()
    template: int | None = None
    names: Mapping[str, str] = Field(default_factory=dict)
    issued_at: datetime
    superseded: bool = False
    warned: bool = False
    expired: bool = False


class Dossier(Entry):
    """One dossier of one case for one lender."""

    case_id: str
    lender_id: str
    requested_by: str
    lending_context: LendingContext | None = None
    lang: Language = Language.ja
    issues: tuple[Issue, ...] = ()
    revoked_at: datetime | None = None
    viewed: tuple[int, ...] = ()
    """The versions the lender has looked at."""

    @property
    def standing(self) -> str:
        """Requested, issued, expired, superseded or revoked."""
        if self.revoked_at:
            return "revoked"
        if not self.issues:
            return "requested"
        last = self.issues[-1]
        return "superseded" if last.superseded else "expired" if last.expired else "issued"

    def exists_for(self, ask: Ask) -> bool:
        """For its lender, the company it is about, and the center."""
        org_id, case = ask.actor.org_id, ask.context.others.get(f"case-{self.case_id}")
        if ask.actor.role is Role.company_representative:
            return isinstance(case, Case) and case.company_id == org_id
        return ask.actor.role is not Role.lender_officer or org_id == ask.directory.today(self.lender_id)

    def due(self) -> EntryDue | None:
        """The end of the last issue's validity, and the notice before it."""
        if self.standing != "issued":
            return None
        last = self.issues[-1]
        ends = after_days(last.issued_at, VALID_DAYS)
        return EntryDue("PassDossierDeadline", ends if last.warned else ends - _WARNED_BEFORE)


@evolves(EvidenceDossierRequested, stream=STREAM)
def evidence_dossier_requested(dossier: Dossier | None, fact: EvidenceDossierRequested, event: Event) -> Dossier:
    """A coordinator is to release it."""
    return Dossier(
        case_id=fact.case_id,
        lender_id=fact.lender_id,
        requested_by=event.actor.org_id or CENTER,
        lending_context=fact.lending_context,
        lang=fact.lang or Language.ja,
        **begun(event),
    )


@evolves(EvidenceDossierIssued, stream=STREAM)
def evidence_dossier_issued(dossier: Dossier, fact: EvidenceDossierIssued, event: Event) -> Dossier:
    """The lender may look at it; older versions stay to be read."""
    one = Issue(issued_at=event.recorded_at, **fact.model_dump())
    return dossier.but(issues=(*dossier.issues, one))


def _with_last(dossier: Dossier, **changes: Any) -> Dossier:
    return dossier.but(issues=(*dossier.issues[:-1], dossier.issues[-1].model_copy(update=changes)))


@evolves(EvidenceDossierSuperseded, stream=STREAM)
def evidence_dossier_superseded(dossier: Dossier, fact: EvidenceDossierSuperseded, event: Event) -> Dossier:
    """It stays to be read, marked as superseded."""
    return _with_last(dossier, superseded=True)


@evolves(EvidenceShareRevoked, stream=STREAM)
def evidence_share_revoked(dossier: Dossier, fact: EvidenceShareRevoked, event: Event) -> Dossier:
    """The lender's link answers that it was withdrawn by the company."""
    return dossier.but(revoked_at=event.recorded_at)


@evolves(EvidenceDossierExpiring, stream=STREAM)
def evidence_dossier_expiring(dossier: Dossier, fact: EvidenceDossierExpiring, event: Event) -> Dossier:
    """Notice was given."""
    return _with_last(dossier, warned=True)


@evolves(EvidenceDossierExpired, stream=STREAM)
def evidence_dossier_expired(dossier: Dossier, fact: EvidenceDossierExpired, event: Event) -> Dossier:
    """It stays to be read, marked as expired."""
    return _with_last(dossier, expired=True)


@evolves(DossierViewed, stream=STREAM)
def dossier_viewed(dossier: Dossier, fact: DossierViewed, event: Event) -> Dossier:
    """Whoever viewed a version is told when it is superseded."""
    return dossier.but(viewed=tuple(dict.fromkeys((*dossier.viewed, fact.version))))


@evolves(LoanOutcomeNoted, stream=STREAM)
def loan_outcome_noted(dossier: Dossier, fact: LoanOutcomeNoted, event: Event) -> Dossier:
    """It counts in the statistics alone."""
    return dossier

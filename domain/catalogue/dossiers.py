"""Evidence dossiers 技術評価補完資料: requested, issued, superseded, revoked, viewed (invariants 3, 26, 27).

What a dossier says is rendered elsewhere, from the events of its case up to a version; here is who may have one, and
that each issue rests on the company's consent to this very lender at this moment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from domain.catalogue.entry import Entry, EntryDue, begun, require_new
from domain.consents import covers, is_active
from domain.envelope import (
    CENTER,
    SYSTEM,
    Command,
    CommandData,
    Event,
    EventData,
    Organization,
    Reason,
    made_id,
)
from domain.law import Ask, decides, evolves, refuse, require
from domain.records import Key, Record
from domain.state import Case, Consent
from domain.terms import Purpose, Role
from domain.visibility import is_party

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


class EvidenceDossierIssued(EventData):
    """A version was issued: what stands in it is fixed by its content's hash."""

    version: int
    cut_off_version: int
    """The last version of the case that it draws on."""
    content_hash: str
    """SHA-256 of the dossier's canonical JSON, in hexadecimal."""
    consent_id: Key


class EvidenceDossierSuperseded(EventData):
    """What a version cited was corrected, or a newer one was issued."""

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


class RequestDossier(CommandData):
    """Ask for a dossier of a case."""

    example: ClassVar[Mapping[str, Any]] = {"case_id": "a1", "lender_id": "jfs-fukuoka", "lending_context": "new_loan"}
    dossier_id: Key | None = None
    case_id: Key | None = None
    lender_id: Key | None = None
    purpose: Purpose = Purpose.lending_evaluation
    lending_context: LendingContext | None = None


class ReleaseDossier(CommandData):
    """Issue a version of what is known now."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


class RevokeShare(CommandData):
    """End the lender's access."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


class ViewDossier(CommandData):
    """Look at the version issued last."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


class NoteLoanOutcome(CommandData):
    """Say whether a loan was made; optional."""

    example: ClassVar[Mapping[str, Any]] = {"made": "yes"}
    dossier_id: Key | None = None
    made: LoanMade


class SupersedeDossier(CommandData):
    """The clock's or the correction's command: the version issued last no longer stands."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None
    corrected_event_id: Key | None = None


class PassDossierDeadline(CommandData):
    """The clock's command: the last issue is about to expire, or has."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


class Issue(Record):
    """One issued version."""

    version: int
    cut_off_version: int
    content_hash: str
    consent_id: str
    issued_at: datetime
    superseded: bool = False
    warned: bool = False
    expired: bool = False


class Dossier(Entry):
    """One dossier of one case for one lender."""

    case_id: str
    lender_id: str
    requested_by: str
    issues: tuple[Issue, ...] = ()
    revoked: bool = False
    viewed: tuple[int, ...] = ()
    """The versions the lender has looked at."""

    @property
    def standing(self) -> str:
        """Requested, issued, expired, superseded or revoked."""
        if self.revoked:
            return "revoked"
        if not self.issues:
            return "requested"
        last = self.issues[-1]
        return "superseded" if last.superseded else "expired" if last.expired else "issued"

    def due(self) -> EntryDue | None:
        """The end of the last issue's validity, and the notice before it."""
        if self.standing != "issued":
            return None
        last = self.issues[-1]
        ends = last.issued_at + timedelta(days=VALID_DAYS)
        return EntryDue(PassDossierDeadline.__name__, ends if last.warned else ends - _WARNED_BEFORE)


def _case(case_id: str, ask: Ask) -> Case:
    found = ask.context.others.get(f"case-{case_id}")
    if not isinstance(found, Case):
        refuse("unknown_case")
    return found


def lending_consent(case: Case, lender: Organization, now: datetime) -> Consent | None:
    """The company's consent in force that lets *lender* have evidence for its evaluation."""
    purpose = Purpose.lending_evaluation
    held = (one for one in reversed(case.consents.values()) if is_active(one, now, purpose))
    return next((one for one in held if covers(one, lender)), None)


def _consent(case: Case, lender_id: str, ask: Ask) -> Consent:
    lender = ask.directory.organizations.get(lender_id)
    if lender is None:
        refuse("invalid_field", "/data/lender_id", problem=f"{lender_id} is no known organization")
    consent = lending_consent(case, lender, ask.now)
    if consent is None:
        refuse("lending_consent_required", "/data/lender_id", lender=lender_id)
    return consent


def _require_lender(dossier: Dossier, ask: Ask) -> None:
    """To another lender it does not exist."""
    require(ask.actor.org_id == dossier.lender_id, "unknown_entry")


def _last(dossier: Dossier) -> Issue:
    if not dossier.issues:
        refuse("not_yet_happened", at="EvidenceDossierIssued")
    return dossier.issues[-1]


@decides(RequestDossier, by={Role.lender_officer, Role.bank_officer}, stream=STREAM, opens=True)
def request_dossier(dossier: Dossier | None, data: RequestDossier, ask: Ask) -> Iterable[EventData]:
    """The consent names purpose and lender; a bank asks for its own referrals only (invariant 27)."""
    require_new(dossier)
    if data.case_id is None:
        refuse("invalid_field", "/data/case_id", problem="which case is it about?")
    case = _case(data.case_id, ask)
    mine = ask.actor.role is Role.lender_officer or is_party(case, ask.actor, ask.now)
    require(mine, "unknown_case")
    lender_id = data.lender_id or ask.actor.org_id
    if ask.actor.role is Role.lender_officer:
        require(lender_id == ask.actor.org_id, "not_permitted", role=ask.actor.role, command=ask.command.name)
    _consent(case, lender_id, ask)
    return [
        EvidenceDossierRequested(
            case_id=data.case_id, lender_id=lender_id, purpose=data.purpose, lending_context=data.lending_context
        )
    ]


@decides(ReleaseDossier, by={Role.coordinator}, stream=STREAM)
def release_dossier(dossier: Dossier, data: ReleaseDossier, ask: Ask) -> Iterable[EventData]:
    """The consent is asked again at the moment of issue; an older version is superseded by the newer one."""
    require(not dossier.revoked, "already_done", fact="EvidenceShareRevoked")
    case = _case(dossier.case_id, ask)
    consent = _consent(case, dossier.lender_id, ask)
    paper = ask.context.paper
    if paper is None:
        refuse("not_yet_happened", at="rendering")
    facts: list[EventData] = []
    if dossier.issues and not dossier.issues[-1].superseded:
        facts.append(EvidenceDossierSuperseded(version=dossier.issues[-1].version))
    return [
        *facts,
        EvidenceDossierIssued(
            version=len(dossier.issues) + 1,
            cut_off_version=paper.cut_off_version,
            content_hash=paper.content_hash,
            consent_id=consent.consent_id,
        ),
    ]


@decides(
    RevokeShare, by={Role.company_representative, Role.senior_coordinator, Role.system}, stream=STREAM, reason=True
)
def revoke_share(dossier: Dossier, data: RevokeShare, ask: Ask) -> Iterable[EventData]:
    """The company, or a senior coordinator, stops new access; a withdrawn consent does so by itself."""
    if ask.actor.role is Role.company_representative:
        require(_case(dossier.case_id, ask).company_id == ask.actor.org_id, "unknown_entry")
    if ask.actor.role is Role.system:
        lender = ask.directory.organizations.get(dossier.lender_id)
        if dossier.revoked or (lender and lending_consent(_case(dossier.case_id, ask), lender, ask.now)):
            return []
    require(not dossier.revoked, "already_done", fact="EvidenceShareRevoked")
    return [EvidenceShareRevoked(version=len(dossier.issues))]


@decides(ViewDossier, by={Role.lender_officer}, stream=STREAM)
def view_dossier(dossier: Dossier, data: ViewDossier, ask: Ask) -> Iterable[EventData]:
    """Every look is on record; after a revocation there is none."""
    _require_lender(dossier, ask)
    last = _last(dossier)
    require(not dossier.revoked, "consent_withdrawn", day=ask.today)
    return [DossierViewed(version=last.version)]


@decides(NoteLoanOutcome, by={Role.lender_officer}, stream=STREAM)
def note_loan_outcome(dossier: Dossier, data: NoteLoanOutcome, ask: Ask) -> Iterable[EventData]:
    """The lender may say so, and may say so anew."""
    _require_lender(dossier, ask)
    _last(dossier)
    return [LoanOutcomeNoted(made=data.made)]


@decides(SupersedeDossier, by={Role.system}, stream=STREAM)
def supersede_dossier(dossier: Dossier, data: SupersedeDossier, ask: Ask) -> Iterable[EventData]:
    """A version is superseded once; without one there is nothing to do."""
    if not dossier.issues or dossier.issues[-1].superseded:
        return []
    return [EvidenceDossierSuperseded(version=dossier.issues[-1].version, corrected_event_id=data.corrected_event_id)]


@decides(PassDossierDeadline, by={Role.system}, stream=STREAM)
def pass_dossier_deadline(dossier: Dossier, data: PassDossierDeadline, ask: Ask) -> Iterable[EventData]:
    """What falls due now, if it still does."""
    due = dossier.due()
    if due is None or due.at > ask.now:
        return []
    last = dossier.issues[-1]
    kind = EvidenceDossierExpired if last.warned else EvidenceDossierExpiring
    return [kind(version=last.version)]


def dossier_consequence(event: Event, dossier_id: str) -> Command | None:
    """What *event* of a case means for one of its dossiers: revoked, superseded, or nothing (invariants 3, 26)."""
    data: CommandData
    reason: Reason | None
    if event.type in {"CompanyConsentWithdrawn", "CompanyConsentChanged"}:
        data, reason = RevokeShare(), Reason(code="consent_withdrawn")
    elif event.type == "CorrectionRecorded":
        data, reason = SupersedeDossier(corrected_event_id=event.data.model_dump()["corrects_event_id"]), event.reason
    else:
        return None
    command_id = made_id("dossier", f"{event.event_id}:{dossier_id}")
    name = type(data).__name__
    return Command(command_id=command_id, case_id=dossier_id, name=name, data=data, actor=SYSTEM, reason=reason)


@evolves(EvidenceDossierRequested, stream=STREAM)
def evidence_dossier_requested(dossier: Dossier | None, fact: EvidenceDossierRequested, event: Event) -> Dossier:
    """A coordinator is to release it."""
    return Dossier(
        case_id=fact.case_id, lender_id=fact.lender_id, requested_by=event.actor.org_id or CENTER, **begun(event)
    )


@evolves(EvidenceDossierIssued, stream=STREAM)
def evidence_dossier_issued(dossier: Dossier, fact: EvidenceDossierIssued, event: Event) -> Dossier:
    """The lender may look at it."""
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
    return dossier.but(revoked=True)


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

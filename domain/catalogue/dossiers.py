"""Evidence dossiers: who may have one, and that each issue rests on the company's consent (invariants 3, 26, 27).

What a dossier says is rendered elsewhere, from the events of its case up to a version. The consent to this very lender
is asked at the request, at each issue and at each look.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import Field

from domain.calendar import japanese_day
from domain.catalogue.dossier_events import (
    STREAM,
    Dossier,
    DossierViewed,
    EvidenceDossierExpired,
    EvidenceDossierExpiring,
    EvidenceDossierIssued,
    EvidenceDossierRequested,
    EvidenceDossierSuperseded,
    EvidenceShareRevoked,
    Issue,
    Language,
    LendingContext,
    LoanMade,
    LoanOutcomeNoted,
)
from domain.catalogue.entry import require_new
from domain.consents import lending_consent
from domain.envelope import SYSTEM, Command, CommandData, Directory, Event, Paper, Reason, made_id
from domain.evidence import CITED
from domain.law import Ask, decides, refuse, require
from domain.records import Key
from domain.state import Case, Consent
from domain.terms import Purpose, Role
from domain.visibility import is_party, referral_of

__all__ = ["Dossier", "RequestDossier", "ViewDossier", "consent_to", "consequence"]

_WITHDRAWN: Final = Reason(code="consent_withdrawn")


class RequestDossier(CommandData):
    """Ask for a dossier of a case."""

    example: ClassVar[Mapping[str, Any]] = {
        "case_id": "a1",
        "lender_id": "jfs-fukuoka",
        "lending_context": "new_loan",
        "lang": "ja",
    }
    dossier_id: Key | None = None
    case_id: Key | None = None
    lender_id: Key | None = None
    purpose: Purpose = Purpose.lending_evaluation
    lending_context: LendingContext | None = None
    lang: Language | None = None


class ReleaseDossier(CommandData):
    """Issue a version of what is known now."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


class RevokeShare(CommandData):
    """End the lender's access; copies cannot be recalled."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


class ViewDossier(CommandData):
    """Look at the version issued last, or at an older one."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None
    version: int | None = Field(None, ge=1)


class NoteLoanOutcome(CommandData):
    """Say whether a loan was made; optional."""

    example: ClassVar[Mapping[str, Any]] = {"made": "yes"}
    dossier_id: Key | None = None
    made: LoanMade


class SupersedeDossier(CommandData):
    """The correction's command: what the version issued last cites was corrected."""

    example: ClassVar[Mapping[str, Any]] = {"corrected_event_id": "019d4000-0000-7000-8000-000000000000"}
    dossier_id: Key | None = None
    corrected_event_id: Key


class PassDossierDeadline(CommandData):
    """The clock's command: the last issue is about to expire, or has."""

    example: ClassVar[Mapping[str, Any]] = {}
    dossier_id: Key | None = None


def _case(case_id: str, ask: Ask) -> Case:
    found = ask.context.others.get(f"case-{case_id}")
    if not isinstance(found, Case):
        refuse("unknown_case")
    return found


def _consent(case: Case | None, lender_id: str, ask: Ask) -> Consent:
    require(lender_id in ask.directory.organizations, "invalid_field", "/data/lender_id", problem="is not known")
    consent = consent_to(case, lender_id, ask.directory, ask.now) if case else None
    if consent is None:
        refuse("lending_consent_required", "/data/lender_id", lender=lender_id)
    return consent


def consent_to(case: Case, lender_id: str, directory: Directory, now: datetime) -> Consent | None:
    """The consent that lets the lender, or the one it has merged into, look now."""
    known = directory.organizations
    lenders = dict.fromkeys((lender_id, directory.today(lender_id)))
    found = (lending_consent(case, known[one], now) for one in lenders if one in known)
    return next((one for one in found if one), None)


def _require_share(dossier: Dossier, ask: Ask, version: int | None = None) -> Issue:
    """The version issued last, or *version*, as long as it is shared and the consent covers it (invariants 2, 3)."""
    _require_not_revoked(dossier)
    consent = _consent(_case(dossier.case_id, ask), dossier.lender_id, ask)
    issues = [one for one in dossier.issues if version in (None, one.version)]
    if not issues:
        refuse("not_yet_happened", at="EvidenceDossierIssued")
    beyond = sorted(set(issues[-1].data_classes) - set(consent.data_classes))
    require(not beyond, "disclosure_exceeds_consent", name=", ".join(beyond))
    return issues[-1]


def _require_not_revoked(dossier: Dossier) -> None:
    if dossier.revoked_at:
        refuse("consent_withdrawn", day=japanese_day(dossier.revoked_at))


@decides(RequestDossier, by={Role.lender_officer, Role.bank_officer}, stream=STREAM, opens=True)
def request_dossier(dossier: Dossier | None, data: RequestDossier, ask: Ask) -> Iterable[EvidenceDossierRequested]:
    """The consent names purpose and lender; a bank asks for its own referrals only (invariant 27).

    To a lender without a consent a case that is there and one that is not are the same.
    """
    require_new(dossier)
    if data.case_id is None:
        refuse("invalid_field", "/data/case_id", problem="which case is it about?")
    fits = data.purpose is Purpose.lending_evaluation
    require(fits, "invalid_field", "/data/purpose", problem="a dossier serves lending_evaluation")
    lender_id = ask.directory.today(data.lender_id or ask.actor.org_id)
    if ask.actor.role is Role.lender_officer:
        require(lender_id == ask.actor.org_id, "not_permitted", role=ask.actor.role, command=ask.command.name)
    else:
        _require_referral(data.case_id, ask)
    case = ask.context.others.get(f"case-{data.case_id}")
    _consent(case if isinstance(case, Case) else None, lender_id, ask)
    return [
        EvidenceDossierRequested(
            case_id=data.case_id,
            lender_id=lender_id,
            purpose=data.purpose,
            lending_context=data.lending_context,
            lang=data.lang,
        )
    ]


def _require_referral(case_id: str, ask: Ask) -> None:
    """The bank follows the case, and its referral has not ended."""
    case = _case(case_id, ask)
    require(is_party(case, ask.actor, ask.now), "unknown_case")
    referral = referral_of(case, ask.actor.org_id)
    if referral and referral.until is not None:
        refuse("case_closed", day=japanese_day(case.updated_at))


@decides(ReleaseDossier, by={Role.coordinator}, stream=STREAM)
def release_dossier(dossier: Dossier, data: ReleaseDossier, ask: Ask) -> Iterable[EvidenceDossierIssued]:
    """The consent is asked again at the moment of issue; what was revoked is asked for anew."""
    consent = _consent(_case(dossier.case_id, ask), dossier.lender_id, ask)
    _require_not_revoked(dossier)
    paper = ask.context.paper
    if paper is None or paper.problem:
        refuse("not_rendered", problem=paper.problem if paper else "-")
    _require_cited(paper, _case(dossier.case_id, ask))
    return [_issued(dossier, paper, consent)]


def _require_cited(paper: Paper, case: Case) -> None:
    """Each line rests on events up to the cut-off, and on no report that its company has not confirmed (13, 27)."""
    before = set(list(case.event_types)[: paper.cut_off_version])
    for line_id, cites in paper.lines.items():
        require(cites and set(cites) <= before, "citation_required", line=line_id)
    confirmed = {one.report.report_id for one in case.visits.values() if one.report and one.report.confirmed_at}
    for report_id in paper.reports:
        require(report_id in confirmed, "report_unconfirmed", report=report_id)


def _issued(dossier: Dossier, paper: Paper, consent: Consent) -> EvidenceDossierIssued:
    return EvidenceDossierIssued(
        version=len(dossier.issues) + 1,
        cut_off_version=paper.cut_off_version,
        content_hash=paper.content_hash,
        consent_id=consent.consent_id,
        data_classes=consent.data_classes,
        template=paper.template,
        names=paper.names,
    )


@decides(
    RevokeShare, by={Role.company_representative, Role.senior_coordinator, Role.system}, stream=STREAM, reason=True
)
def revoke_share(dossier: Dossier, data: RevokeShare, ask: Ask) -> Iterable[EvidenceShareRevoked]:
    """The company, or a senior coordinator, stops new access; a withdrawn consent does so by itself."""
    standing = consent_to(_case(dossier.case_id, ask), dossier.lender_id, ask.directory, ask.now)
    if ask.actor.role is Role.system and (dossier.revoked_at or standing):
        return []
    require(dossier.revoked_at is None, "already_done", fact="EvidenceShareRevoked")
    return [EvidenceShareRevoked(version=len(dossier.issues))]


@decides(ViewDossier, by={Role.lender_officer}, stream=STREAM)
def view_dossier(dossier: Dossier, data: ViewDossier, ask: Ask) -> Iterable[DossierViewed]:
    """Every look is on record; after a revocation there is none, nor at more than the consent covers today."""
    return [DossierViewed(version=_require_share(dossier, ask, data.version).version)]


@decides(NoteLoanOutcome, by={Role.lender_officer}, stream=STREAM)
def note_loan_outcome(dossier: Dossier, data: NoteLoanOutcome, ask: Ask) -> Iterable[LoanOutcomeNoted]:
    """The lender may say so, and may say so anew."""
    _require_share(dossier, ask)
    return [LoanOutcomeNoted(made=data.made)]


@decides(SupersedeDossier, by={Role.system}, stream=STREAM)
def supersede_dossier(
    dossier: Dossier, data: SupersedeDossier, ask: Ask
) -> Iterable[EvidenceDossierSuperseded | EvidenceDossierIssued]:
    """A version that draws on what was corrected is superseded once, where the consent holds by a new version."""
    case = _case(dossier.case_id, ask)
    if not dossier.issues or dossier.issues[-1].superseded or not _draws_on(case, data.corrected_event_id, dossier):
        return []
    old = EvidenceDossierSuperseded(version=dossier.issues[-1].version, corrected_event_id=data.corrected_event_id)
    consent, paper = consent_to(case, dossier.lender_id, ask.directory, ask.now), ask.context.paper
    renewed = consent and paper and not paper.problem and not dossier.revoked_at
    return [old, _issued(dossier, paper, consent)] if renewed and paper and consent else [old]


def _draws_on(case: Case, event_id: str, dossier: Dossier) -> bool:
    """Whether the version issued last may cite the event: it was there, and is of a type that dossiers are made of."""
    before = list(case.event_types)[: dossier.issues[-1].cut_off_version]
    return event_id in before and case.event_types[event_id] in CITED


@decides(PassDossierDeadline, by={Role.system}, stream=STREAM)
def pass_dossier_deadline(
    dossier: Dossier, data: PassDossierDeadline, ask: Ask
) -> Iterable[EvidenceDossierExpired | EvidenceDossierExpiring]:
    """What falls due now, if it still does."""
    due = dossier.due()
    if due is None or due.at > ask.now:
        return []
    last = dossier.issues[-1]
    kind = EvidenceDossierExpired if last.warned else EvidenceDossierExpiring
    return [kind(version=last.version)]


def consequence(event: Event, dossier_id: str) -> Command | None:
    """What *event*, of a case or of the dossier itself, means for the dossier (invariants 3, 26); None: nothing.

    An issue asks for the consent once more: it may have been withdrawn while the dossier was issued.
    """
    data: CommandData
    reason: Reason | None
    if event.type in {"CompanyConsentWithdrawn", "CompanyConsentChanged", EvidenceDossierIssued.__name__}:
        data, reason = RevokeShare(), _WITHDRAWN
    elif event.type == "CorrectionRecorded":
        data, reason = SupersedeDossier(corrected_event_id=event.data.model_dump()["corrects_event_id"]), event.reason
    else:
        return None
    command_id = made_id("dossier", f"{event.event_id}:{dossier_id}")
    name = type(data).__name__
    return Command(command_id=command_id, case_id=dossier_id, name=name, data=data, actor=SYSTEM, reason=reason)

"""S6 agreement 契約: drafted, countered, approved, signed; then changed only by amendment (invariants 14-16)."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import AliasChoices, BeforeValidator, Field

from domain.dispositions import ABANDONED
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.reasons import ReasonKind
from domain.records import Amount, Day, Key, Line, Plain, Record, Text
from domain.state import Agreement, AgreementVersion, Case, changed
from domain.terms import (
    RESEARCH_KINDS,
    AgreementKind,
    Band,
    OptionRight,
    OwnershipRule,
    Party,
    Role,
    Stage,
    TemplateFamily,
)
from domain.tracks import fallen

LATE_RENEWAL_DAYS: Final = 90
_SIDES: Final = {Role.company_representative: Party.company, Role.university_liaison: Party.institution}


class OpenPoint(Record):
    """A clause that is not agreed yet, and whose wish it is."""

    clause: Line
    party: Line | None = None
    note: Text | None = None


class Costs(Record):
    """What the company pays, JPY."""

    direct: Amount = "0"
    indirect: Amount = "0"
    visiting: Amount = "0"
    success_fee: Amount | None = None
    total: Amount | None = None


def _open_point(value: Any) -> Any:
    return {"clause": value} if isinstance(value, str) else value


def _option(value: Any) -> Any:
    return value.get("right", value) if isinstance(value, dict) else value


def _party(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("org") or value.get("org_id") or value.get("party") or value.get("role")
    return value


OpenPoints = Annotated[tuple[Annotated[OpenPoint, BeforeValidator(_open_point)], ...], Field(max_length=50)]
Options = tuple[Annotated[OptionRight, BeforeValidator(_option)], ...]
Parties = Annotated[tuple[Annotated[Line, BeforeValidator(_party)], ...], Field(max_length=20)]


class AgreementDrafted(EventData):
    """The first text is on the table."""

    agreement_id: Key
    kind: AgreementKind
    template_family: TemplateFamily | None = None
    template_no: Line | None = None
    version: int
    parties: tuple[Line, ...]
    institution_id: Key | None = None


class AgreementCountered(EventData):
    """A new text, with the points still open."""

    agreement_id: Key
    version: int
    open_points: tuple[OpenPoint, ...] = ()


class AgreementApproved(EventData):
    """One party approves one version."""

    agreement_id: Key
    version: int
    party: Party


class AgreementSigned(EventData):
    """The parties are bound."""

    happens: ClassVar[str] = "signed_on"
    agreement_id: Key
    version: int
    signed_on: Day
    effective_on: Day
    ends_on: Day
    costs: Costs
    ownership: OwnershipRule | None = None
    options: tuple[OptionRight, ...] = ()
    publication_delay_days: int | None = None
    confidential_until: Day | None = None
    signatories: tuple[Line, ...] = ()
    document_id: Key | None = None
    payment_first: bool = False


class AgreementAbandoned(EventData):
    """The parties do not come together."""

    agreement_id: Key
    open_points: tuple[OpenPoint, ...] = ()


class AgreementAmended(EventData):
    """The signed agreement changes by consent of both."""

    agreement_id: Key
    changes: Mapping[str, Plain]


class AgreementRenewed(EventData):
    """The signed agreement goes on."""

    agreement_id: Key
    new_ends_on: Day
    successor_id: Key | None = None
    late: bool = False


class AgreementTerminated(EventData):
    """A party ended the agreement."""

    agreement_id: Key
    by: Party


class AgreementExpired(EventData):
    """The agreement reached its end."""

    agreement_id: Key


class DraftAgreement(CommandData):
    """Put a first text on the table."""

    creates: ClassVar[Mapping[str, str]] = {"agreement_id": "agreement"}
    example: ClassVar[Mapping[str, Any]] = {
        "kind": "joint_research",
        "template_family": "sakura",
        "template_no": "4",
        "parties": ["kyudai", "ariake"],
    }
    agreement_id: Key | None = None
    kind: AgreementKind = AgreementKind.joint_research
    template_family: TemplateFamily | None = None
    template_no: Annotated[Line | None, BeforeValidator(lambda one: str(one) if isinstance(one, int) else one)] = None
    parties: Parties = ()


class CounterAgreement(CommandData):
    """Put a new text on the table, with the points still open."""

    example: ClassVar[Mapping[str, Any]] = {"open_points": [{"clause": "nonuse_compensation", "party": "company"}]}
    agreement_id: Key | None = None
    open_points: OpenPoints = ()


class ApproveAgreement(CommandData):
    """Approve one version for one's own side."""

    example: ClassVar[Mapping[str, Any]] = {"version": 2}
    agreement_id: Key | None = None
    version: int | None = Field(None, ge=1)


class SignAgreement(CommandData):
    """Record the signed agreement: the last version, approved by every party."""

    example: ClassVar[Mapping[str, Any]] = {
        "signed_on": "2026-11-17",
        "effective_on": "2026-11-17",
        "ends_on": "2027-03-31",
        "costs": {"direct": "2000000", "indirect": "600000"},
        "ownership": "institution",
        "options": ["exclusive_license"],
        "publication_delay_days": 60,
        "confidential_until": "2030-03-31",
        "signatories": ["学長", "代表取締役"],
    }
    agreement_id: Key | None = None
    version: int | None = Field(None, ge=1)
    signed_on: Day | None = None
    effective_on: Day
    ends_on: Day
    costs: Costs = Costs()
    ownership: OwnershipRule | None = None
    options: Options = ()
    publication_delay_days: int | None = Field(None, ge=0, le=3650)
    confidential_until: Day | None = None
    signatories: tuple[Line, ...] = Field((), max_length=20)
    document_id: Key | None = Field(None, validation_alias=AliasChoices("document_id", "document"))
    prior_relationship: bool = False


class AbandonAgreement(CommandData):
    """Give the negotiation up."""

    example: ClassVar[Mapping[str, Any]] = {"open_points": [{"clause": "ip_ownership"}]}
    agreement_id: Key | None = None
    open_points: OpenPoints = ()


class AmendAgreement(CommandData):
    """Change a signed agreement; the other side confirms."""

    example: ClassVar[Mapping[str, Any]] = {"changes": {"scope": "試験条件の追加", "direct": "800000"}}
    agreement_id: Key | None = None
    changes: Mapping[str, Plain] = Field(min_length=1)


class RenewAgreement(CommandData):
    """Let a signed agreement go on; the other side confirms."""

    example: ClassVar[Mapping[str, Any]] = {"new_ends_on": "2028-03-31"}
    agreement_id: Key | None = None
    new_ends_on: Day
    successor_id: Key | None = None


class TerminateAgreement(CommandData):
    """End a signed agreement before its time."""

    example: ClassVar[Mapping[str, Any]] = {}
    agreement_id: Key | None = None


def find(case: Case, agreement_id: str | None, *, signed: bool | None = None) -> Agreement:
    """The agreement meant; without an id the newest that fits. Refuses with `unknown_agreement`."""
    if agreement_id:
        found = case.agreements.get(agreement_id)
    else:
        fits = (one for one in reversed(case.agreements.values()) if signed in (None, one.is_signed))
        found = next(fits, None) or next(reversed(case.agreements.values()), None)
    if found is None:
        refuse("unknown_agreement", "/data/agreement_id", agreement=agreement_id or "-")
    return found


def _require_side(one: Agreement, ask: Ask) -> None:
    """Another institution's office has no say in the agreement (invariants 15, 29)."""
    mine = ask.actor.role is not Role.university_liaison or ask.actor.org_id in {one.institution_id, *one.parties}
    require(mine, "not_permitted", role=ask.actor.role, command=ask.command.name)


def _negotiated(case: Case, agreement_id: str | None, ask: Ask) -> Agreement:
    found = find(case, agreement_id, signed=False)
    _require_side(found, ask)
    require(not found.is_signed, "agreement_immutable", "/data/agreement_id", agreement=found.agreement_id)
    require(not found.ended, "already_done", "/data/agreement_id", fact=f"{found.agreement_id}: {found.ended}")
    return found


def _signed(case: Case, agreement_id: str | None, ask: Ask) -> Agreement:
    found = find(case, agreement_id, signed=True)
    _require_side(found, ask)
    require(found.is_signed, "agreement_not_effective", "/data/agreement_id", fact=found.agreement_id)
    over = found.ended == "terminated"
    require(not over, "agreement_not_effective", "/data/agreement_id", fact=f"{found.agreement_id}: {found.ended}")
    return found


@decides(DraftAgreement, by={Role.university_liaison}, coordinated=True)
def draft_agreement(case: Case, data: DraftAgreement, ask: Ask) -> Iterable[EventData]:
    """A draft names its parties; by default the institution and the company."""
    agreement_id = data.agreement_id or ask.new_id("agreement")
    existing = case.agreements.get(agreement_id)
    if existing is not None:
        require(not existing.is_signed, "agreement_immutable", "/data/agreement_id", agreement=agreement_id)
        refuse("already_done", "/data/agreement_id", fact=agreement_id)
    parties = data.parties or tuple(one for one in (ask.actor.org_id, case.company_id) if one)
    return [
        AgreementDrafted(
            agreement_id=agreement_id,
            kind=data.kind,
            template_family=data.template_family,
            template_no=data.template_no,
            version=1,
            parties=parties,
            institution_id=ask.actor.org_id,
        )
    ]


@decides(CounterAgreement, by={Role.university_liaison, Role.company_representative})
def counter_agreement(case: Case, data: CounterAgreement, ask: Ask) -> Iterable[EventData]:
    """A new version needs new approvals."""
    one = _negotiated(case, data.agreement_id, ask)
    return [
        AgreementCountered(agreement_id=one.agreement_id, version=one.latest.version + 1, open_points=data.open_points)
    ]


@decides(ApproveAgreement, by={Role.university_liaison, Role.company_representative})
def approve_agreement(case: Case, data: ApproveAgreement, ask: Ask) -> Iterable[EventData]:
    """A party may approve any version that was on the table; only the last can be signed."""
    one = _negotiated(case, data.agreement_id, ask)
    wanted = data.version or one.latest.version
    version = next((text for text in one.versions if text.version == wanted), None)
    if version is None:
        refuse("invalid_field", "/data/version", problem=f"there is no version {wanted}")
    party = _SIDES[ask.actor.role]
    require(party not in version.approvals, "already_done", "/data/version", fact=f"version {wanted}: {party}")
    return [AgreementApproved(agreement_id=one.agreement_id, version=wanted, party=party)]


@decides(
    SignAgreement,
    by={Role.university_liaison},
    confirmed_by=frozenset({Role.senior_coordinator}),
    confirmed_when=lambda data: data.prior_relationship,
    coordinated=True,
)
def sign_agreement(case: Case, data: SignAgreement, ask: Ask) -> Iterable[EventData]:
    """Approved by all, costs that add up, a visit before research or two persons' word (invariants 14, 15)."""
    one = _negotiated(case, data.agreement_id, ask)
    signed_on = data.signed_on or ask.day
    require(signed_on <= ask.today, "occurred_after_recorded", "/data/signed_on", at=signed_on)
    ordered = data.effective_on <= data.ends_on
    require(ordered, "invalid_field", "/data/ends_on", problem="effective_on <= ends_on")
    if one.kind in RESEARCH_KINDS and not data.prior_relationship:
        require(_has_visit(case), "visit_required")
    _require_approved(one, data.version)
    _require_costs(one, data.costs, ask)
    body = data.model_dump(exclude={"agreement_id", "version", "signed_on", "prior_relationship"})
    return [
        AgreementSigned(
            agreement_id=one.agreement_id,
            version=one.latest.version,
            signed_on=signed_on,
            payment_first=_owes_payment(one, data.costs, ask),
            **body,
        )
    ]


def _has_visit(case: Case) -> bool:
    confirmed = any(one.report and one.report.confirmed_at for one in case.visits.values())
    return confirmed or any(one.outcome for one in case.consultations.values())


def _require_approved(one: Agreement, version: int | None) -> None:
    latest = one.latest
    missing = [party for party in (Party.company, Party.institution) if party not in latest.approvals]
    old = version is not None and version != latest.version
    if missing or old:
        words = ", ".join(missing) or f"latest: {latest.version}"
        refuse("version_not_approved", "/data/version", version=version or latest.version, missing=words)


def _require_costs(one: Agreement, costs: Costs, ask: Ask) -> None:
    direct, indirect = Decimal(costs.direct), Decimal(costs.indirect)
    if costs.total is not None:
        total = direct + indirect + Decimal(costs.visiting)
        words = f"{costs.direct} + {costs.indirect} + {costs.visiting} = {total}"
        if total != Decimal(costs.total):
            refuse("costs_inconsistent", "/data/costs/total", fact=words, fact_ja=words)
    institution = ask.directory.organizations.get(one.institution_id or "")
    if institution is None or institution.indirect_rate is None or ask.reason is not None:
        return
    due = (direct * Decimal(institution.indirect_rate)).quantize(Decimal(1), ROUND_HALF_UP)
    if abs(due - indirect) > 1:
        fact = f"indirect {indirect}, but direct {direct} x {institution.indirect_rate} = {due}"
        fact_ja = f"間接経費 {indirect} 円に対し、直接経費 {direct} 円 × {institution.indirect_rate} = {due} 円"
        refuse("costs_inconsistent", "/data/costs/indirect", fact=fact, fact_ja=fact_ja)


def _owes_payment(one: Agreement, costs: Costs, ask: Ask) -> bool:
    institution = ask.directory.organizations.get(one.institution_id or "")
    wanted = institution is None or institution.payment_first
    return wanted and Decimal(costs.direct) + Decimal(costs.indirect) + Decimal(costs.visiting) > 0


@decides(AbandonAgreement, by={Role.university_liaison, Role.company_representative}, reason=ReasonKind.agreement)
def abandon_agreement(case: Case, data: AbandonAgreement, ask: Ask) -> Iterable[EventData]:
    """A negotiation may end without a result, with its reason."""
    one = _negotiated(case, data.agreement_id, ask)
    return [AgreementAbandoned(agreement_id=one.agreement_id, open_points=data.open_points)]


_BOTH_SIDES: Final = frozenset({Role.company_representative, Role.university_liaison})


@decides(AmendAgreement, by=_BOTH_SIDES, confirmed_by=_BOTH_SIDES)
def amend_agreement(case: Case, data: AmendAgreement, ask: Ask) -> Iterable[EventData]:
    """The only way to change what was signed (invariant 16)."""
    one = _signed(case, data.agreement_id, ask)
    try:
        ends_on = new_end(data.changes)
    except ValueError as error:
        refuse("invalid_field", "/data/changes/ends_on", problem=str(error))
    if ends_on and one.effective_on and one.ends_on:
        require(ends_on >= one.effective_on, "invalid_field", "/data/changes/ends_on", problem=f">= {one.effective_on}")
        late = ends_on > one.ends_on and (ask.today - one.ends_on).days > LATE_RENEWAL_DAYS
        require(not late, "renewal_too_late", "/data/changes/ends_on", ends_on=one.ends_on)
    return [AgreementAmended(agreement_id=one.agreement_id, changes=data.changes)]


@decides(RenewAgreement, by=_BOTH_SIDES, confirmed_by=_BOTH_SIDES)
def renew_agreement(case: Case, data: RenewAgreement, ask: Ask) -> Iterable[EventData]:
    """Before the end, or within 90 days after it as late (invariant 16)."""
    one = _signed(case, data.agreement_id, ask)
    assert one.ends_on is not None
    require(data.new_ends_on > one.ends_on, "invalid_field", "/data/new_ends_on", problem=f"> {one.ends_on}")
    past = (ask.today - one.ends_on).days
    require(past <= LATE_RENEWAL_DAYS, "renewal_too_late", "/data/new_ends_on", ends_on=one.ends_on)
    return [
        AgreementRenewed(
            agreement_id=one.agreement_id,
            new_ends_on=data.new_ends_on,
            successor_id=data.successor_id,
            late=past > 0,
        )
    ]


@decides(TerminateAgreement, by=_BOTH_SIDES, reason=True)
def terminate_agreement(case: Case, data: TerminateAgreement, ask: Ask) -> Iterable[EventData]:
    """One side may end it, with a reason."""
    one = _signed(case, data.agreement_id, ask)
    require(not one.ended, "already_done", "/data/agreement_id", fact=f"{one.agreement_id}: {one.ended}")
    return [AgreementTerminated(agreement_id=one.agreement_id, by=_SIDES[ask.actor.role])]


def new_end(changes: Mapping[str, Any]) -> date | None:
    """The new end that an amendment names, if it does. Raises ValueError for what is no day."""
    told = changes.get("ends_on", changes.get("new_ends_on"))
    return None if told is None else date.fromisoformat(str(told))


def _with(case: Case, agreement_id: str, **changes: Any) -> Case:
    return case.with_("agreements", agreement_id, changed(case.agreements[agreement_id], **changes))


@evolves(AgreementDrafted, bank=View.summary, enters=Stage.agreement)
def agreement_drafted(case: Case, fact: AgreementDrafted, event: Event) -> Case:
    """Negotiation begins."""
    one = Agreement(
        agreement_id=fact.agreement_id,
        kind=fact.kind,
        parties=fact.parties,
        institution_id=fact.institution_id,
        versions=(AgreementVersion(version=fact.version),),
        drafted_at=event.recorded_at,
        active_at=event.recorded_at,
    )
    return case.with_("agreements", fact.agreement_id, one)


@evolves(AgreementCountered, bank=View.summary)
def agreement_countered(case: Case, fact: AgreementCountered, event: Event) -> Case:
    """A new version, approved by nobody yet."""
    text = AgreementVersion(version=fact.version, open_points=tuple(one.clause for one in fact.open_points))
    versions = (*case.agreements[fact.agreement_id].versions, text)
    return _with(case, fact.agreement_id, versions=versions, active_at=event.recorded_at)


@evolves(AgreementApproved, bank=View.summary)
def agreement_approved(case: Case, fact: AgreementApproved, event: Event) -> Case:
    """One more approval of one version."""
    versions = tuple(
        changed(one, approvals=(*one.approvals, fact.party)) if one.version == fact.version else one
        for one in case.agreements[fact.agreement_id].versions
    )
    return _with(case, fact.agreement_id, versions=versions)


@evolves(AgreementSigned, bank=View.full)
def agreement_signed(case: Case, fact: AgreementSigned, event: Event) -> Case:
    """The text is fixed."""
    return _with(
        case,
        fact.agreement_id,
        signed_on=fact.signed_on,
        effective_on=fact.effective_on,
        ends_on=fact.ends_on,
        owes_payment=fact.payment_first,
        active_at=event.recorded_at,
    )


@evolves(AgreementAbandoned, bank=View.summary)
def agreement_abandoned(case: Case, fact: AgreementAbandoned, event: Event) -> Case:
    """Without another text on the table the case falls back to what carried it before."""
    return fallen(_with(case, fact.agreement_id, ended=ABANDONED).but(reason=event.reason or case.reason))


@evolves(AgreementAmended, bank=View.full)
def agreement_amended(case: Case, fact: AgreementAmended, event: Event) -> Case:
    """A new end, where the amendment names one."""
    ends_on = new_end(fact.changes)
    return _with(case, fact.agreement_id, ends_on=ends_on) if ends_on else case


@evolves(AgreementRenewed, bank=View.full)
def agreement_renewed(case: Case, fact: AgreementRenewed, event: Event) -> Case:
    """It binds until its new end."""
    return _with(case, fact.agreement_id, ends_on=fact.new_ends_on, ended=None, active_at=event.recorded_at)


@evolves(AgreementTerminated, bank=View.full)
def agreement_terminated(case: Case, fact: AgreementTerminated, event: Event) -> Case:
    """It no longer binds."""
    return _with(case, fact.agreement_id, ended="terminated").but(reason=event.reason or case.reason)


@evolves(AgreementExpired, bank=View.full)
def agreement_expired(case: Case, fact: AgreementExpired, event: Event) -> Case:
    """It no longer binds, unless it is renewed late."""
    return _with(case, fact.agreement_id, ended="expired")


def band_of(amount: Decimal) -> Band:
    """The band that holds *amount* JPY."""
    limits = ((1_000_000, Band.under_1m), (3_000_000, Band.from_1m_to_3m), (10_000_000, Band.from_3m_to_10m))
    for limit, band in (*limits, (50_000_000, Band.from_10m_to_50m)):
        if amount < limit:
            return band
    return Band.over_50m

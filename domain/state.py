"""The state of a case: a record of entities, built by folding its events and by nothing else.

The tracks of a case (search, assignments, visits, agreements, inventions, products) run side by side; its stage
is derived from them.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Self

from pydantic import Field

from domain.envelope import Event, Reason
from domain.records import Record
from domain.terms import (
    STAGE_ORDER,
    AgreementKind,
    AssignmentRole,
    AssignmentState,
    Band,
    CheckResult,
    ConflictDecision,
    ConsultationKind,
    ConsultationOutcome,
    Disposition,
    Exclusivity,
    Feasibility,
    MilestoneResult,
    OrganizationKind,
    Origin,
    Owner,
    Party,
    ResearchOutcome,
    Role,
    Route,
    SearchScope,
    Stage,
    Status,
    Urgency,
)


class Need(Record):
    """The company's technical need."""

    need_id: str
    title: str
    public_summary: str
    description: str | None = None
    field_codes: tuple[str, ...] = ()
    program_tags: tuple[str, ...] = ()
    urgency: Urgency = Urgency.normal
    desired_by: date | None = None
    budget_band: Band | None = None
    tried_before: str | None = None
    documents: tuple[str, ...] = ()


class Referral(Record):
    """One bank's sending of one need."""

    referral_id: str
    bank_id: str
    bank_reference: str
    seen: int = 0
    """How many events of the case this bank may see: its own version of the case."""
    seen_at: datetime | None = None
    """When the last of them was recorded."""
    since: int = 1
    """The first version of the case this bank may see."""
    until: int | None = None
    """The last version it may see, once its referral has ended."""
    strange_consents: tuple[str, ...] = ()
    """Consents that are for others than this bank, of which it learns nothing."""
    attached_from: str | None = None
    """The case that was merged into this one and brought the referral along."""
    home: str | None = None
    """The case under whose id the bank knows its referral, where that is another one than this."""
    need: Need | None = None
    """The need as this bank knows it, where another one has said more of it."""
    added: dict[str, Any] = Field(default_factory=dict)
    """What was said of the need, for this bank to read, since the referral was attached."""
    formerly: tuple[tuple[int, str], ...] = ()
    """What the bank was before it merged, each with the last version of the case at which it was that."""

    def bank_at(self, version: int) -> str:
        """The bank as it was at *version* of the case."""
        return next((bank for last, bank in self.formerly if version <= last), self.bank_id)

    @property
    def banks(self) -> frozenset[str]:
        """The bank under every id it has had."""
        return frozenset({self.bank_id, *(bank for _, bank in self.formerly)})


class Consent(Record):
    """What the company lets be known: to whom, which data, what for, until when."""

    consent_id: str
    recipients: tuple[str, ...]
    purposes: tuple[str, ...]
    data_classes: tuple[str, ...]
    valid_until: date
    given_by: str | None = None
    recorded_at: datetime
    withdrawn_at: datetime | None = None


class InformationRequest(Record):
    """A question to the bank or company that waits for an answer."""

    questions: tuple[str, ...]
    due_on: date | None
    from_role: Role = Role.bank_officer
    asked_at: datetime


class Triage(Record):
    """The outcome of the review."""

    route: Route
    decided_at: datetime
    initial_trl: int | None = None


class Question(Record):
    """One question to one expert, who sees nothing else."""

    expert_kind: str
    expert_id: str | None
    question: str
    answer_doc: str | None = None


class Search(Record):
    """The search for a researcher, in one ring at a time."""

    search_id: str
    scope: SearchScope
    opened_at: datetime
    candidates: tuple[str, ...] | None = None
    """Researchers shortlisted in the present ring; None until a shortlist exists."""
    concluded: bool = False


class Assignment(Record):
    """One request to one researcher; never used again for another."""

    assignment_id: str
    researcher_id: str
    institution_id: str
    institution_kind: OrganizationKind | None = None
    role: AssignmentRole
    state: AssignmentState
    offered_at: datetime
    respond_by: date | None = None
    disclosed_fields: tuple[str, ...] = ()
    yes: tuple[Party, ...] = ()
    accepted_at: datetime | None = None
    """When a side said yes, for the last time."""
    declared_at: datetime | None = None
    interests: tuple[str, ...] = ()
    conflict: ConflictDecision | None = None
    conditions: tuple[str, ...] = ()
    assigned_at: datetime | None = None
    ended_by: str | None = None
    """The reason code with which it ended."""

    @property
    def is_pending(self) -> bool:
        """Whether the request is neither settled nor ended."""
        return self.state in {AssignmentState.offered, AssignmentState.accepted}

    @property
    def is_active(self) -> bool:
        """Whether the researcher is asked or takes part."""
        return self.is_pending or self.state is AssignmentState.assigned


class Attendee(Record):
    """Who takes part in a visit, by role and organization."""

    role: str
    org: str | None = None
    person: str | None = None


class VisitReport(Record):
    """What the visitors found; others read it only as the company confirmed it."""

    report_id: str
    version: int
    findings: str
    feasibility: Feasibility
    proposed_step: str | None = None
    trl_seen: int | None = None
    filed_at: datetime
    filed_by: str
    confirmed_at: datetime | None = None
    redactions: tuple[str, ...] = ()


class Visit(Record):
    """One visit to the company."""

    visit_id: str
    at: datetime
    place: str | None
    attendees: tuple[Attendee, ...]
    bank_attends: bool
    scheduled_at: datetime
    shows_trade_secrets: bool = False
    held_at: datetime | None = None
    attended: tuple[Attendee, ...] = ()
    absent: tuple[Attendee, ...] = ()
    cancelled: bool = False
    report: VisitReport | None = None


class Consultation(Record):
    """A consultation, academic guidance or feasibility study."""

    consultation_id: str
    kind: ConsultationKind
    started_at: datetime
    outcome: ConsultationOutcome | None = None


class AgreementVersion(Record):
    """One text on the table, and who has approved it."""

    version: int
    open_points: tuple[str, ...] = ()
    approvals: tuple[Party, ...] = ()


class Agreement(Record):
    """An agreement from first draft to its end."""

    agreement_id: str
    kind: AgreementKind
    parties: tuple[str, ...]
    institution_id: str | None
    versions: tuple[AgreementVersion, ...]
    drafted_at: datetime
    active_at: datetime
    """When its text last changed."""
    signed_on: date | None = None
    effective_on: date | None = None
    ends_on: date | None = None
    paid: bool = False
    owes_payment: bool = False
    progress_at: datetime | None = None
    """When its research last showed progress."""
    research: str | None = None
    """None, `started`, `suspended` or `completed`."""
    outcome: ResearchOutcome | None = None
    ended: str | None = None
    """None, `abandoned`, `recalled` (fell with the case), `terminated` or `expired`."""

    @property
    def latest(self) -> AgreementVersion:
        """The text on the table now."""
        return self.versions[-1]

    @property
    def is_signed(self) -> bool:
        """Whether it binds or has bound the parties."""
        return self.signed_on is not None

    @property
    def is_negotiated(self) -> bool:
        """Whether a text is on the table and nobody has signed or given up."""
        return self.signed_on is None and self.ended is None

    def is_in_force(self, day: date) -> bool:
        """Whether it binds the parties on *day*."""
        if self.effective_on is None or self.ends_on is None or self.ended:
            return False
        return self.effective_on <= day <= self.ends_on


class Milestone(Record):
    """A planned step of the research and what became of it."""

    milestone_id: str
    title: str
    due_on: date
    agreement_id: str
    planned_at: datetime
    secret: bool = False
    """Whether its title tells a trade secret."""
    result: MilestoneResult | None = None


class Readiness(Record):
    """One assessment of the technology's readiness."""

    level: int
    scale: str
    assessor_ref: str
    assessed_at: datetime


class Invention(Record):
    """An invention from its disclosure on."""

    invention_id: str
    agreement_id: str
    disclosed_at: datetime
    owner: Owner | None = None
    filings: tuple[str, ...] = ()
    institution_id: str | None = None
    """The institution it was disclosed to, which decides on its owner."""
    granted: bool = False
    given_up: bool = False
    """Whether no transfer is to come of it."""
    handed_over: bool = False
    """Whether the right itself was assigned to another."""

    @property
    def is_open(self) -> bool:
        """Whether a publication might still spoil its novelty: undecided, or neither granted nor given up."""
        return self.owner is not Owner.inventor and not self.granted and not self.given_up


class Publication(Record):
    """A planned publication under review."""

    publication_id: str
    requested_at: datetime
    due_on: date | None
    cleared: bool = False
    delayed_until: date | None = None
    published_on: date | None = None


class Transfer(Record):
    """A license, an assignment of rights, or know-how handed over."""

    transfer_id: str
    kind: str
    invention_ids: tuple[str, ...]
    exclusivity: Exclusivity | None = None
    listed: bool = False
    """Whether this start-up went public."""


class Product(Record):
    """A product on its way from prototype to orders."""

    product_id: str
    name: str | None
    prototyped: bool = False
    released_on: date | None = None
    orders: tuple[Band, ...] = ()


class Proposal(Record):
    """A decision that wants a second person."""

    proposal_id: str
    command: str
    data: Mapping[str, Any]
    proposed_by: str
    proposed_role: Role
    proposed_at: datetime
    reason: Reason | None = None


class Cancellation(Record):
    """A party's request that the case end, which waits for the center."""

    by: Role
    org_id: str
    at: datetime
    reason: str


class Suspicion(Record):
    """Another case may be about the same wish."""

    since: datetime
    by_system: bool
    """Whether nobody but the system has said so yet."""


class Erasure(Record):
    """A request that a subject's data be erased."""

    erasure_id: str
    subject: str
    basis: str
    requested_by: str
    at: datetime
    decision: str | None = None
    executed: bool = False


class Correction(Record):
    """What is right instead of what one event said."""

    corrects_event_id: str
    right_value: Any
    at: datetime


class Wait(Record):
    """How far the reminders of one wait have gone."""

    since: datetime
    level: int


class Extension(Record):
    """By how much one wait takes longer, from its next step on."""

    since: datetime
    by: timedelta


class Case(Record):
    """Everything the rules need to know of one case."""

    case_id: str
    case_no: str
    version: int
    origin: Origin
    company_id: str | None
    center_id: str
    seed_id: str | None = None
    """The technology seed a seed-driven case starts from."""
    seed_institution_id: str | None = None
    seed_researcher_ids: tuple[str, ...] = ()
    referrer_id: str | None = None
    """The chamber or body, not a bank, that introduced the company."""
    opened_at: datetime
    status: Status = Status.open
    stage: Stage = Stage.intake
    furthest_stage: Stage = Stage.intake
    stage_since: datetime
    """When the case came to its present stage, for the last time."""
    entered: tuple[tuple[Stage, datetime], ...] = ()
    """Every stage the case came to and when, in order; a stage it came back to stands there again."""
    disposition: Disposition | None = None
    closed_at: datetime | None = None
    held_since: datetime | None = None
    held_until: date | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    """When the case was held; waits end later by as much."""
    referrals: tuple[Referral, ...] = ()
    need: Need | None = None
    consents: dict[str, Consent] = Field(default_factory=dict)
    coordinator_id: str | None = None
    coordinators: tuple[str, ...] = ()
    """Every coordinator there ever was, in order."""
    interested: tuple[str, ...] = ()
    """People of the center, and experts, who declared an interest: they do no work on the case."""
    review_started_at: datetime | None = None
    declined_at: datetime | None = None
    information: InformationRequest | None = None
    compliance: dict[str, CheckResult] = Field(default_factory=dict)
    triage: Triage | None = None
    questions: tuple[Question, ...] = ()
    """What experts were asked."""
    nda_until: date | None = None
    nda_parties: tuple[str, ...] = ()
    searches: dict[str, Search] = Field(default_factory=dict)
    assignments: dict[str, Assignment] = Field(default_factory=dict)
    visits: dict[str, Visit] = Field(default_factory=dict)
    consultations: dict[str, Consultation] = Field(default_factory=dict)
    agreements: dict[str, Agreement] = Field(default_factory=dict)
    milestones: dict[str, Milestone] = Field(default_factory=dict)
    readiness: tuple[Readiness, ...] = ()
    inventions: dict[str, Invention] = Field(default_factory=dict)
    publications: dict[str, Publication] = Field(default_factory=dict)
    transfers: dict[str, Transfer] = Field(default_factory=dict)
    products: dict[str, Product] = Field(default_factory=dict)
    proposals: dict[str, Proposal] = Field(default_factory=dict)
    cancellations: tuple[Cancellation, ...] = ()
    corrections: tuple[Correction, ...] = ()
    erasures: dict[str, Erasure] = Field(default_factory=dict)
    extensions: dict[str, Extension] = Field(default_factory=dict)
    """Waits that were given more time."""
    duplicates: dict[str, Suspicion] = Field(default_factory=dict)
    """Cases that may be about the same wish, and since when it is suspected."""
    merged_into: str | None = None
    """The case in which this one goes on."""
    went_into: tuple[str, ...] = ()
    """Every case this one was ever merged into, in order."""
    officers: dict[str, str] = Field(default_factory=dict)
    """The officer who follows the case, by bank."""
    event_types: dict[str, str] = Field(default_factory=dict)
    """The type of every event of the case, by event id."""
    last_proposal_id: str | None = None
    reason: Reason | None = None
    """The last reason given for ending, declining or turning back."""
    bank_reason: Reason | None = None
    """The same as a bank may read it: without its words where the event is only summarized for banks."""
    waits: dict[str, Wait] = Field(default_factory=dict)
    recent: tuple[str, ...] = ()
    """The types of the last events."""
    news_at: datetime
    """When something last happened that a bank could see and that was not a timer."""
    updated_at: datetime

    def but(self, **changes: Any) -> Self:
        """This state with *changes*."""
        return self.model_copy(update=changes)

    def completed(self, changes: dict[str, Any]) -> Self:
        """This state with *changes*, in place: only for whoever has just made it and given it to nobody."""
        self.__dict__.update(changes)
        return self

    def with_(self, collection: str, key: str, entity: Record) -> Self:
        """This state with *entity* under *key* of *collection*."""
        return self.model_copy(update={collection: {**getattr(self, collection), key: entity}})

    def at_stage(self, stage: Stage) -> Self:
        """This state, now at *stage*; the furthest stage never falls back."""
        furthest = max(self.furthest_stage, stage, key=STAGE_ORDER.__getitem__)
        return self.model_copy(update={"stage": stage, "furthest_stage": furthest})

    @property
    def is_open(self) -> bool:
        """Whether work goes on (a held case is open)."""
        return self.status is not Status.closed

    def referral_of(self, bank_id: str) -> Referral | None:
        """The referral through which *bank_id* follows the case; one that still runs before one that has ended."""
        theirs = [one for one in self.referrals if one.bank_id == bank_id]
        return next((one for one in theirs if one.until is None), theirs[0] if theirs else None)

    @property
    def consent(self) -> Consent | None:
        """The consent recorded last."""
        return next(reversed(self.consents.values()), None) if self.consents else None

    @property
    def leads(self) -> Iterable[Assignment]:
        """The lead researchers that are assigned now."""
        return (
            one
            for one in self.assignments.values()
            if one.state is AssignmentState.assigned and one.role is AssignmentRole.lead
        )

    @property
    def assigned(self) -> Iterable[Assignment]:
        """All researchers that are assigned now."""
        return (one for one in self.assignments.values() if one.state is AssignmentState.assigned)

    @property
    def search(self) -> Search | None:
        """The search opened last."""
        return next(reversed(self.searches.values()), None) if self.searches else None


def changed(entity: Any, **changes: Any) -> Any:
    """*entity* with *changes*, of the same type."""
    return entity.model_copy(update=changes)


def last_reason(case: Case, event: Event) -> Reason | None:
    """The reason to show for *case* after *event*."""
    return event.reason or case.reason

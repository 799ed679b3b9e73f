"""S2 review 審査・振り分け: a coordinator takes the case, checks it, sends it on its way (invariants 5, 6, 7, 11)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from domain.consents import NEED_DETAIL, require_recipient
from domain.envelope import CommandData, Event, EventData, Organization
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.reasons import ReasonKind
from domain.records import Code, Day, Key, Line, Record, Text, Trl
from domain.stages.closing import CaseClosed, open_work
from domain.state import Case, Question, Triage
from domain.terms import (
    ROUTES_TO_A_RESEARCHER,
    CheckResult,
    ComplianceKind,
    Disposition,
    OrganizationKind,
    Role,
    Route,
    Stage,
)


class Criterion(Record):
    """One question of the triage sheet and its answer."""

    code: Code
    met: bool
    note: Text | None = None


class CoordinatorAssigned(EventData):
    """A coordinator owns the case from now on."""

    coordinator_id: Key
    previous_id: Key | None = None


class ReviewStarted(EventData):
    """The review began."""

    coordinator_id: Key


class ComplianceChecked(EventData):
    """A compliance check was made."""

    kind: ComplianceKind
    result: CheckResult
    checked_by: Key


class NeedTriaged(EventData):
    """The review sent the need on its way."""

    carries: ClassVar[Mapping[str, str]] = {"criteria": NEED_DETAIL}
    route: Route
    criteria: tuple[Criterion, ...] = ()
    initial_trl: Trl | None = None


class NeedDeclined(EventData):
    """The center does not take the need up; the case stays open for advice."""

    carries: ClassVar[Mapping[str, str]] = {"advice": NEED_DETAIL}
    advice: Text | None = None


class NeedRedirected(EventData):
    """Another body can help better."""

    to_org: Line
    programme: Line | None = None


class SpecialistConsulted(EventData):
    """An expert was asked one question."""

    carries: ClassVar[Mapping[str, str]] = {"question": NEED_DETAIL, "answer_doc": NEED_DETAIL}
    expert_kind: Code
    expert_id: Key | None = None
    question: Text
    answer_doc: Key | None = None
    fee_by: Code | None = None


class NdaExecuted(EventData):
    """A non-disclosure agreement binds its parties."""

    nda_id: Key
    parties: tuple[Line, ...]
    valid_until: Day
    document_id: Key | None = None


class AssignCoordinator(CommandData):
    """Give the case a coordinator, or hand it over."""

    example: ClassVar[Mapping[str, Any]] = {"coordinator_id": "tanaka"}
    coordinator_id: Key


class StartReview(CommandData):
    """Begin the review."""

    example: ClassVar[Mapping[str, Any]] = {}


class RecordComplianceCheck(CommandData):
    """Record a compliance check and how it ended."""

    example: ClassVar[Mapping[str, Any]] = {"kind": "antisocial", "result": "passed"}
    kind: ComplianceKind
    result: CheckResult
    checked_by: Key | None = None


class TriageNeed(CommandData):
    """Decide which way the need goes."""

    example: ClassVar[Mapping[str, Any]] = {
        "route": "joint_research",
        "criteria": [{"code": "technical_question", "met": True, "note": "課題が明確である。"}],
        "initial_trl": 2,
    }
    route: Route
    criteria: tuple[Criterion, ...] = Field((), max_length=50)
    initial_trl: Trl | None = None


class DeclineNeed(CommandData):
    """Propose not to take the need up; a senior coordinator confirms."""

    example: ClassVar[Mapping[str, Any]] = {"advice": "省エネルギー診断の利用をお勧めします。"}
    advice: Text | None = None


class RedirectNeed(CommandData):
    """Send the need to a body that can help better; the case closes as redirected."""

    example: ClassVar[Mapping[str, Any]] = {"to_org": "省エネルギー診断窓口", "programme": "省エネ診断"}
    to_org: Line
    programme: Line | None = None


class ConsultSpecialist(CommandData):
    """Ask an expert of the network one question."""

    example: ClassVar[Mapping[str, Any]] = {"expert_kind": "lawyer", "question": "不実施補償の条項は妥当ですか。"}
    expert_kind: Code
    expert_id: Key | None = None
    question: Text
    answer_doc: Key | None = None
    fee_by: Code | None = None


class RecordNda(CommandData):
    """Record an executed non-disclosure agreement."""

    creates: ClassVar[Mapping[str, str]] = {"nda_id": "nda"}
    example: ClassVar[Mapping[str, Any]] = {"parties": ["ariake", "kyudai"], "valid_until": "2029-03-31"}
    nda_id: Key | None = None
    parties: tuple[Line, ...] = Field(min_length=1, max_length=20)
    valid_until: Day
    document_id: Key | None = Field(None, validation_alias=AliasChoices("document_id", "document"))


@decides(AssignCoordinator, by={Role.coordinator})
def assign_coordinator(case: Case, data: AssignCoordinator, ask: Ask) -> Iterable[EventData]:
    """One coordinator at each time; nobody owns a case they have an interest in (invariants 5, 11)."""
    person = ask.directory.people.get(data.coordinator_id)
    if person is None or person.role not in {Role.coordinator, Role.senior_coordinator}:
        refuse("invalid_field", "/data/coordinator_id", problem=f"{data.coordinator_id} is no coordinator")
    require(data.coordinator_id not in case.interested, "own_interest", person=data.coordinator_id)
    require(case.coordinator_id != data.coordinator_id, "already_done", fact=data.coordinator_id)
    return [CoordinatorAssigned(coordinator_id=data.coordinator_id, previous_id=case.coordinator_id)]


@decides(StartReview, by={Role.coordinator}, coordinated=True)
def start_review(case: Case, data: StartReview, ask: Ask) -> Iterable[EventData]:
    """The review begins once."""
    require(case.review_started_at is None, "already_done", fact="ReviewStarted")
    return [ReviewStarted(coordinator_id=case.coordinator_id or ask.actor.person)]


@decides(RecordComplianceCheck, by={Role.coordinator, Role.university_liaison}, coordinated=True)
def record_compliance_check(case: Case, data: RecordComplianceCheck, ask: Ask) -> Iterable[EventData]:
    """The newest check of a kind counts."""
    checked_by = data.checked_by or ask.actor.person
    return [ComplianceChecked(kind=data.kind, result=data.result, checked_by=checked_by)]


@decides(TriageNeed, by={Role.coordinator}, coordinated=True)
def triage_need(case: Case, data: TriageNeed, ask: Ask) -> Iterable[EventData]:
    """The route is decided in a review that has begun."""
    require(case.review_started_at, "triage_required", fact="StartReview")
    return [NeedTriaged(route=data.route, criteria=data.criteria, initial_trl=data.initial_trl)]


@decides(
    DeclineNeed,
    by={Role.coordinator},
    confirmed_by=frozenset({Role.senior_coordinator}),
    coordinated=True,
    reason=ReasonKind.decline,
)
def decline_need(case: Case, data: DeclineNeed, ask: Ask) -> Iterable[EventData]:
    """A second person confirms; the case stays open in review (invariant 6)."""
    require(case.review_started_at, "triage_required", fact="StartReview")
    require(case.declined_at is None, "already_done", fact="NeedDeclined")
    _require_no_work(case)
    return [NeedDeclined(advice=data.advice)]


def _require_no_work(case: Case) -> None:
    """A need that somebody works on is neither declined nor sent away (invariant 22)."""
    work = open_work(case) + [one.assignment_id for one in case.assigned]
    require(not work, "work_open", work=", ".join(work))


@decides(RedirectNeed, by={Role.coordinator}, coordinated=True)
def redirect_need(case: Case, data: RedirectNeed, ask: Ask) -> Iterable[EventData]:
    """The need moves on and the case closes."""
    require(case.review_started_at, "triage_required", fact="StartReview")
    _require_no_work(case)
    return [
        NeedRedirected(to_org=data.to_org, programme=data.programme),
        CaseClosed(disposition=Disposition.redirected),
    ]


@decides(ConsultSpecialist, by={Role.coordinator}, coordinated=True)
def consult_specialist(case: Case, data: ConsultSpecialist, ask: Ask) -> Iterable[EventData]:
    """The expert sees the one question, where the consent reaches (invariant 2)."""
    if data.expert_id is not None:
        person = ask.directory.people.get(data.expert_id)
        office = Organization(
            org_id=person.org_id if person else data.expert_id, kind=OrganizationKind.expert_office, name="-"
        )
        require_recipient(case, office, ask.now, "/data/expert_id")
    return [SpecialistConsulted(**data.model_dump())]


@decides(RecordNda, by={Role.coordinator, Role.university_liaison})
def record_nda(case: Case, data: RecordNda, ask: Ask) -> Iterable[EventData]:
    """The agreement is on record with its end."""
    require(data.valid_until >= ask.today, "invalid_field", "/data/valid_until", problem="valid_until is past")
    return [NdaExecuted(**{**data.model_dump(), "nda_id": data.nda_id or ask.new_id("nda")})]


@evolves(CoordinatorAssigned, bank=View.full)
def coordinator_assigned(case: Case, fact: CoordinatorAssigned, event: Event) -> Case:
    """The case has an owner."""
    return case.but(coordinator_id=fact.coordinator_id, coordinators=(*case.coordinators, fact.coordinator_id))


@evolves(ReviewStarted, bank=View.full, enters=Stage.review)
def review_started(case: Case, fact: ReviewStarted, event: Event) -> Case:
    """The review is under way."""
    return case.but(review_started_at=event.recorded_at)


@evolves(ComplianceChecked, bank=View.hidden)
def compliance_checked(case: Case, fact: ComplianceChecked, event: Event) -> Case:
    """The newest result of each kind is kept."""
    return case.but(compliance={**case.compliance, fact.kind: fact.result})


@evolves(NeedTriaged, bank=View.full)
def need_triaged(case: Case, fact: NeedTriaged, event: Event) -> Case:
    """A route to a researcher leads to the assignment stage."""
    triage = Triage(route=fact.route, decided_at=event.recorded_at, initial_trl=fact.initial_trl)
    after = case.but(triage=triage, declined_at=None)
    early = case.stage in {Stage.intake, Stage.review}
    return after.at_stage(Stage.assignment) if early and fact.route in ROUTES_TO_A_RESEARCHER else after


@evolves(NeedDeclined, bank=View.full)
def need_declined(case: Case, fact: NeedDeclined, event: Event) -> Case:
    """The case waits for advice or its end."""
    return case.but(declined_at=event.recorded_at, reason=event.reason or case.reason)


@evolves(NeedRedirected, bank=View.full)
def need_redirected(case: Case, fact: NeedRedirected, event: Event) -> Case:
    """The redirection is on record; closing is an event of its own."""
    return case


@evolves(SpecialistConsulted, bank=View.summary)
def specialist_consulted(case: Case, fact: SpecialistConsulted, event: Event) -> Case:
    """The expert may see the question."""
    return case.but(questions=(*case.questions, Question(**fact.model_dump(exclude={"fee_by"}))))


@evolves(NdaExecuted, bank=View.summary)
def nda_executed(case: Case, fact: NdaExecuted, event: Event) -> Case:
    """Secrets are protected until the day it ends."""
    until = max(fact.valid_until, case.nda_until) if case.nda_until else fact.valid_until
    return case.but(nda_until=until, nda_parties=(*case.nda_parties, *fact.parties))

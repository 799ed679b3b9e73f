"""S3, second half: researchers are asked one by one, declare their interests and are assigned (invariants 2, 7-11)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from domain.consents import PUBLIC_SUMMARY, classes_of, require_disclosure, require_recipient
from domain.envelope import CENTER, CommandData, Event, EventData, Organization, Reason
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.reasons import ReasonKind
from domain.records import Code, Day, Key, Line, Record, Text
from domain.state import Assignment, Case, changed
from domain.terms import (
    KYUSHU,
    AssignmentRole,
    AssignmentState,
    CheckResult,
    ConflictDecision,
    OrganizationKind,
    Party,
    ReleaseCause,
    Role,
    SearchScope,
    Stage,
)
from domain.tracks import fallen

LEAD_OFFERS: Final = 1
"""How many offers for the lead may be open at one time."""
MEMBER_OFFERS: Final = 5
_GOOD: Final = frozenset({ConflictDecision.cleared, ConflictDecision.cleared_with_conditions})


class Interest(Record):
    """One tie that might bias a judgement."""

    kind: Code
    company_ref: Line | None = None
    band: Code | None = None
    note: Text | None = None


class AssignmentOffered(EventData):
    """One researcher was asked."""

    assignment_id: Key
    researcher_id: Key
    institution_id: Key
    institution_kind: OrganizationKind | None = None
    """Which groups of a consent's recipients hold the institution."""
    role: AssignmentRole
    respond_by: Day | None = None
    disclosed_fields: tuple[Code, ...]


class AssignmentAccepted(EventData):
    """The researcher, or the institution, says yes."""

    assignment_id: Key
    party: Party


class AssignmentDeclined(EventData):
    """The researcher or the institution says no."""

    assignment_id: Key


class AssignmentExpired(EventData):
    """Nobody answered in time."""

    assignment_id: Key


class ConflictOfInterestDeclared(EventData):
    """Somebody declared their interests, or that there are none."""

    assignment_id: Key | None = None
    interests: tuple[Interest, ...] = ()


class ConflictOfInterestDecided(EventData):
    """The conflict-of-interest officer decided."""

    assignment_id: Key
    decision: ConflictDecision
    conditions: tuple[Text, ...] = ()


class ResearcherAssigned(EventData):
    """The researcher takes part from now on."""

    assignment_id: Key
    lead: bool


class ResearcherReleased(EventData):
    """The researcher leaves the case."""

    assignment_id: Key
    cause: ReleaseCause


class OfferAssignment(CommandData):
    """Ask one researcher, showing no more than the consent allows."""

    creates: ClassVar[Mapping[str, str]] = {"assignment_id": "assignment"}
    example: ClassVar[Mapping[str, Any]] = {
        "researcher_id": "hayashi",
        "institution_id": "kyudai",
        "role": "lead",
        "disclosed_fields": ["title", "public_summary"],
    }
    assignment_id: Key | None = None
    researcher_id: Key
    institution_id: Key | None = None
    role: AssignmentRole = AssignmentRole.lead
    respond_by: Day | None = None
    disclosed_fields: tuple[Code, ...] = Field((PUBLIC_SUMMARY,), max_length=30)


class AcceptAssignment(CommandData):
    """Say yes, as the researcher or for the institution."""

    example: ClassVar[Mapping[str, Any]] = {}
    assignment_id: Key | None = None


class DeclineAssignment(CommandData):
    """Say no, as the researcher or for the institution."""

    example: ClassVar[Mapping[str, Any]] = {}
    assignment_id: Key | None = None


class DeclareInterests(CommandData):
    """Declare one's interests, or that there are none."""

    example: ClassVar[Mapping[str, Any]] = {"interests": []}
    assignment_id: Key | None = None
    interests: tuple[Interest, ...] = Field((), max_length=50)

    @field_validator("interests", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value in ("none", None) else value


class DecideConflict(CommandData):
    """Decide on a declared conflict of interest."""

    example: ClassVar[Mapping[str, Any]] = {"decision": "cleared", "conditions": []}
    assignment_id: Key | None = None
    decision: ConflictDecision
    conditions: tuple[Text, ...] = Field((), max_length=20)


class ConfirmAssignment(CommandData):
    """Assign the researcher: everybody has said yes."""

    example: ClassVar[Mapping[str, Any]] = {}
    assignment_id: Key | None = None
    lead: bool | None = None


class ReleaseResearcher(CommandData):
    """Let a researcher go, with the cause."""

    example: ClassVar[Mapping[str, Any]] = {"cause": "moved"}
    assignment_id: Key | None = None
    cause: ReleaseCause | None = None


def _mine(
    case: Case, assignment_id: str | None, ask: Ask, states: frozenset[AssignmentState] = frozenset(AssignmentState)
) -> Assignment:
    if assignment_id:
        found = case.assignments.get(assignment_id)
    else:
        found = next((one for one in reversed(case.assignments.values()) if _concerns(one, ask, states)), None)
    if found is None:
        refuse("invalid_field", "/data/assignment_id", problem="there is no such assignment")
    _require_own(found, ask)
    return found


def _concerns(one: Assignment, ask: Ask, states: frozenset[AssignmentState]) -> bool:
    mine = {Role.researcher: one.researcher_id, Role.university_liaison: one.institution_id}
    who = ask.actor.person if ask.actor.role is Role.researcher else ask.actor.org_id
    return mine.get(ask.actor.role, who) == who and one.state in states


def _require_own(one: Assignment, ask: Ask) -> None:
    role, person, org = ask.actor.role, ask.actor.person, ask.actor.org_id
    wrong = (role is Role.researcher and one.researcher_id != person) or (
        role is Role.university_liaison and one.institution_id != org
    )
    require(not wrong, "not_permitted", role=role, command=ask.command.name)


def _institution(data: OfferAssignment, ask: Ask) -> Organization:
    person = ask.directory.people.get(data.researcher_id)
    institution_id = data.institution_id or (person.org_id if person else "")
    institution = ask.directory.organizations.get(institution_id)
    if institution is None:
        refuse("invalid_field", "/data/institution_id", problem=f"{institution_id or 'none'} is no known institution")
    return institution


def _require_compliance(case: Case, what: str) -> None:
    if case.need is None:
        return
    results = case.compliance
    failed = [kind for kind, result in results.items() if result is not CheckResult.passed]
    require(not failed, "compliance_required", fact=", ".join(failed))
    require(results, "compliance_required", fact=what)


def _require_ring(case: Case, institution: Organization) -> None:
    near = institution.prefecture is None or institution.prefecture in KYUSHU
    if case.need is None or (near and institution.country == "jp"):
        return
    widened = any(one.scope is SearchScope.national for one in case.searches.values())
    require(widened, "regional_search_first", "/data/institution_id", fact=institution.org_id)


def _require_room(case: Case, role: AssignmentRole) -> None:
    limit = LEAD_OFFERS if role is AssignmentRole.lead else MEMBER_OFFERS
    held = [one.researcher_id for one in case.assignments.values() if one.is_pending and one.role is role]
    require(len(held) < limit, "offer_limit", "/data/role", limit=limit, held=", ".join(held))


@decides(OfferAssignment, by={Role.coordinator}, coordinated=True)
def offer_assignment(case: Case, data: OfferAssignment, ask: Ask) -> Iterable[EventData]:
    """One open offer a place, within the consent, the ring and the compliance checks."""
    if case.need is not None:
        require(case.triage, "triage_required", fact="TriageNeed")
    person = ask.directory.people.get(data.researcher_id)
    fits = person is None or person.role is Role.researcher  # whoever has no account yet may be asked
    require(fits, "invalid_field", "/data/researcher_id", problem=f"{data.researcher_id} is no researcher")
    institution = _institution(data, ask)
    require_recipient(case, institution, ask.now, "/data/institution_id")
    require_disclosure(case, data.disclosed_fields, institution, ask.now, "/data/disclosed_fields")
    if classes_of(data.disclosed_fields) - {PUBLIC_SUMMARY}:
        _require_compliance(case, "RecordComplianceCheck")
    _require_ring(case, institution)
    _require_room(case, data.role)
    assignment_id = data.assignment_id or ask.new_id("assignment")
    require(assignment_id not in case.assignments, "already_done", "/data/assignment_id", fact=assignment_id)
    if data.respond_by:
        require(data.respond_by >= ask.today, "invalid_field", "/data/respond_by", problem="respond_by is past")
    return [
        AssignmentOffered(
            assignment_id=assignment_id,
            researcher_id=data.researcher_id,
            institution_id=institution.org_id,
            institution_kind=institution.kind,
            role=data.role,
            respond_by=data.respond_by,
            disclosed_fields=data.disclosed_fields,
        )
    ]


_PENDING: Final = frozenset({AssignmentState.offered, AssignmentState.accepted})


def _require_pending(one: Assignment) -> None:
    require(one.is_pending, "already_done", "/data/assignment_id", fact=f"{one.assignment_id}: {one.state}")


@decides(AcceptAssignment, by={Role.researcher, Role.university_liaison})
def accept_assignment(case: Case, data: AcceptAssignment, ask: Ask) -> Iterable[EventData]:
    """Each side says yes once."""
    one = _mine(case, data.assignment_id, ask, _PENDING)
    _require_pending(one)
    party = Party.researcher if ask.actor.role is Role.researcher else Party.institution
    require(party not in one.yes, "already_done", "/data/assignment_id", fact=f"{one.assignment_id}: {party}")
    return [AssignmentAccepted(assignment_id=one.assignment_id, party=party)]


@decides(DeclineAssignment, by={Role.researcher, Role.university_liaison}, reason=ReasonKind.assignment)
def decline_assignment(case: Case, data: DeclineAssignment, ask: Ask) -> Iterable[EventData]:
    """No is an answer, with its reason."""
    one = _mine(case, data.assignment_id, ask, _PENDING)
    _require_pending(one)
    return [AssignmentDeclined(assignment_id=one.assignment_id)]


@decides(
    DeclareInterests,
    by={Role.researcher, Role.coordinator, Role.expert},
)
def declare_interests(case: Case, data: DeclareInterests, ask: Ask) -> Iterable[EventData]:
    """A researcher declares for the own assignment, a coordinator for the own work."""
    if ask.actor.role is not Role.researcher:
        return [ConflictOfInterestDeclared(interests=data.interests)]
    one = _mine(case, data.assignment_id, ask, _PENDING | {AssignmentState.assigned})
    return [ConflictOfInterestDeclared(assignment_id=one.assignment_id, interests=data.interests)]


@decides(DecideConflict, by={Role.university_liaison, Role.senior_coordinator})
def decide_conflict(case: Case, data: DecideConflict, ask: Ask) -> Iterable[EventData]:
    """Nobody decides on their own interest (invariant 11)."""
    one = _mine(case, data.assignment_id, ask, _PENDING | {AssignmentState.assigned})
    require(one.researcher_id != ask.actor.person, "own_interest", person=ask.actor.person)
    own_staff = ask.actor.role is not Role.senior_coordinator or one.institution_id == CENTER
    require(own_staff, "not_permitted", role=ask.actor.role, command=ask.command.name)
    require(one.declared_at, "assignment_incomplete", "/data/assignment_id", missing="DeclareInterests")
    require(one.state is not AssignmentState.refused, "already_done", fact=one.assignment_id)
    return [
        ConflictOfInterestDecided(assignment_id=one.assignment_id, decision=data.decision, conditions=data.conditions)
    ]


@decides(ConfirmAssignment, by={Role.coordinator}, coordinated=True)
def confirm_assignment(case: Case, data: ConfirmAssignment, ask: Ask) -> Iterable[EventData]:
    """Accepted by both, conflict of interest cleared, compliance passed (invariants 7, 10)."""
    one = _mine(case, data.assignment_id, ask, _PENDING)
    require(one.state is not AssignmentState.assigned, "already_done", fact=one.assignment_id)
    missing = [party for party in (Party.researcher, Party.institution) if party not in one.yes]
    if one.conflict not in _GOOD:
        missing.append("conflict_of_interest")  # type: ignore[arg-type]
    require(one.is_pending and not missing, "assignment_incomplete", missing=", ".join(missing) or one.state)
    _require_compliance(case, "RecordComplianceCheck")
    if case.need is not None:
        institution = ask.directory.organizations.get(one.institution_id)
        if institution is not None:
            require_recipient(case, institution, ask.now)
    lead = one.role is AssignmentRole.lead if data.lead is None else data.lead
    held = [other.researcher_id for other in case.leads]
    require(not (lead and held), "offer_limit", "/data/lead", limit=LEAD_OFFERS, held=", ".join(held))
    return [ResearcherAssigned(assignment_id=one.assignment_id, lead=lead)]


@decides(ReleaseResearcher, by={Role.researcher, Role.university_liaison, Role.coordinator}, when_closed=False)
def release_researcher(case: Case, data: ReleaseResearcher, ask: Ask) -> Iterable[EventData]:
    """The cause is the reason; the case may fall back to the search (invariant 23)."""
    states = _PENDING | {AssignmentState.assigned, AssignmentState.refused}
    one = _mine(case, data.assignment_id, ask, states)
    require(one.state in states, "already_done", fact=f"{one.assignment_id}: {one.state}")
    cause = data.cause or _cause(ask.reason)
    if cause is None:
        refuse("reason_required", "/data/cause")
    return [ResearcherReleased(assignment_id=one.assignment_id, cause=cause)]


def _cause(reason: Reason | None) -> ReleaseCause | None:
    if reason is None or reason.code not in set(ReleaseCause):
        return None
    return ReleaseCause(reason.code)


@evolves(AssignmentOffered, bank=View.hidden)
def assignment_offered(case: Case, fact: AssignmentOffered, event: Event) -> Case:
    """An answer is awaited."""
    one = Assignment(state=AssignmentState.offered, offered_at=event.recorded_at, **fact.model_dump())
    return case.with_("assignments", fact.assignment_id, one)


def _with(case: Case, assignment_id: str, **changes: Any) -> Case:
    return case.with_("assignments", assignment_id, changed(case.assignments[assignment_id], **changes))


@evolves(AssignmentAccepted, bank=View.summary)
def assignment_accepted(case: Case, fact: AssignmentAccepted, event: Event) -> Case:
    """One more side has said yes."""
    yes = (*case.assignments[fact.assignment_id].yes, fact.party)
    changes = {"yes": yes, "state": AssignmentState.accepted, "accepted_at": event.recorded_at}
    return _with(case, fact.assignment_id, **changes)


@evolves(AssignmentDeclined, bank=View.hidden)
def assignment_declined(case: Case, fact: AssignmentDeclined, event: Event) -> Case:
    """The request is over."""
    code = event.reason.code if event.reason else None
    return _with(case, fact.assignment_id, state=AssignmentState.declined, ended_by=code)


@evolves(AssignmentExpired, bank=View.hidden)
def assignment_expired(case: Case, fact: AssignmentExpired, event: Event) -> Case:
    """The request is over without an answer."""
    return _with(case, fact.assignment_id, state=AssignmentState.expired, ended_by="expired")


@evolves(ConflictOfInterestDeclared, bank=View.hidden)
def conflict_declared(case: Case, fact: ConflictOfInterestDeclared, event: Event) -> Case:
    """A declared interest bars a coordinator from owning the case, an expert from judging it (invariant 11)."""
    if fact.assignment_id is None:
        return case.but(interested=(*case.interested, event.actor.person)) if fact.interests else case
    kinds = tuple(one.kind for one in fact.interests)
    changes = {"declared_at": event.recorded_at, "interests": kinds}
    return _with(case, fact.assignment_id, **changes, **({"conflict": None} if kinds else {}))


@evolves(ConflictOfInterestDecided, bank=View.summary)
def conflict_decided(case: Case, fact: ConflictOfInterestDecided, event: Event) -> Case:
    """A refusal ends the request."""
    changes: dict[str, Any] = {"conflict": fact.decision, "conditions": fact.conditions}
    if fact.decision is ConflictDecision.refused:
        changes |= {"state": AssignmentState.refused, "ended_by": "conflict"}
    return fallen(_with(case, fact.assignment_id, **changes))


@evolves(ResearcherAssigned, bank=View.full, enters=Stage.visit)
def researcher_assigned(case: Case, fact: ResearcherAssigned, event: Event) -> Case:
    """The visit comes next."""
    role = AssignmentRole.lead if fact.lead else AssignmentRole.member
    return _with(case, fact.assignment_id, state=AssignmentState.assigned, assigned_at=event.recorded_at, role=role)


@evolves(ResearcherReleased, bank=View.full)
def researcher_released(case: Case, fact: ResearcherReleased, event: Event) -> Case:
    """Without a lead, a case that is not yet under agreement falls back to the assignment stage."""
    ended = case.assignments[fact.assignment_id].ended_by or fact.cause
    return fallen(_with(case, fact.assignment_id, state=AssignmentState.released, ended_by=ended))

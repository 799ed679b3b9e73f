"""The closed vocabularies of the field, named as in the glossary (`domain.md` section 5)."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """In what capacity somebody acts."""

    bank_officer = "bank_officer"
    lender_officer = "lender_officer"
    company_representative = "company_representative"
    coordinator = "coordinator"
    senior_coordinator = "senior_coordinator"
    researcher = "researcher"
    university_liaison = "university_liaison"
    tlo_officer = "tlo_officer"
    expert = "expert"
    strategy_analyst = "strategy_analyst"
    auditor = "auditor"
    data_steward = "data_steward"
    administrator = "administrator"
    system = "system"


class OrganizationKind(StrEnum):
    """What kind of body an organization is."""

    center = "center"  # type: ignore[assignment] # also a method of str
    bank = "bank"
    lender = "lender"
    company = "company"
    university = "university"
    graduate_school = "graduate_school"
    kosen = "kosen"
    research_institute = "research_institute"
    public_test_institute = "public_test_institute"
    tlo = "tlo"
    chamber = "chamber"
    support_body = "support_body"
    expert_office = "expert_office"
    government = "government"
    other = "other"


class Stage(StrEnum):
    """Where a case stands; derived from its parts, in the order of the field."""

    intake = "intake"
    review = "review"
    assignment = "assignment"
    visit = "visit"
    consultation = "consultation"
    agreement = "agreement"
    research = "research"
    transfer = "transfer"
    commercialization = "commercialization"


STAGE_ORDER: Final = {stage: place for place, stage in enumerate(Stage)}


class Status(StrEnum):
    """Whether a case goes on."""

    open = "open"
    held = "held"
    closed = "closed"


class Origin(StrEnum):
    """How a case began."""

    need = "need"
    seed = "seed"
    exchange_meeting = "exchange_meeting"
    walk_in = "walk_in"
    chamber = "chamber"


class Disposition(StrEnum):
    """How a case ended."""

    commercialized = "commercialized"
    transferred = "transferred"
    research_completed = "research_completed"
    resolved_by_advice = "resolved_by_advice"
    redirected = "redirected"
    declined = "declined"
    no_researcher = "no_researcher"
    not_feasible = "not_feasible"
    agreement_failed = "agreement_failed"
    research_failed = "research_failed"
    withdrawn_by_company = "withdrawn_by_company"
    consent_withdrawn = "consent_withdrawn"
    cancelled_by_bank = "cancelled_by_bank"
    company_insolvent = "company_insolvent"
    merged = "merged"
    expired = "expired"
    entered_in_error = "entered_in_error"


class Band(StrEnum):
    """An amount of money as a band, JPY."""

    under_1m = "under_1m"
    from_1m_to_3m = "1m_3m"
    from_3m_to_10m = "3m_10m"
    from_10m_to_50m = "10m_50m"
    over_50m = "over_50m"


class Urgency(StrEnum):
    """How pressing a need is to the company."""

    low = "low"
    normal = "normal"
    high = "high"


class Purpose(StrEnum):
    """What a company's information may be used for."""

    collaboration = "collaboration"
    lending_evaluation = "lending_evaluation"
    statistics = "statistics"


class ConsentMethod(StrEnum):
    """How a consent was given."""

    signed_paper = "signed_paper"
    electronic = "electronic"
    oral_recorded = "oral_recorded"


class ComplianceKind(StrEnum):
    """A check the law or the center's rules ask for."""

    antisocial = "antisocial"
    export_control = "export_control"
    ethics = "ethics"


class CheckResult(StrEnum):
    """How a compliance check ended."""

    passed = "passed"
    failed = "failed"
    pending = "pending"


class Route(StrEnum):
    """Where triage sends a need."""

    joint_research = "joint_research"
    guidance = "guidance"
    test_institute = "test_institute"
    advice_only = "advice_only"
    other_support = "other_support"


ROUTES_TO_A_RESEARCHER: Final = frozenset({Route.joint_research, Route.guidance})


class SearchScope(StrEnum):
    """The ring in which a researcher is sought."""

    regional = "regional"
    national = "national"


KYUSHU: Final = frozenset({"fukuoka", "saga", "nagasaki", "kumamoto", "oita", "miyazaki", "kagoshima", "okinawa"})
"""The prefectures of the regional ring."""


class AssignmentRole(StrEnum):
    """The place a researcher takes in the team."""

    lead = "lead"
    member = "member"


class AssignmentState(StrEnum):
    """The course of one request to one researcher."""

    offered = "offered"
    accepted = "accepted"
    assigned = "assigned"
    declined = "declined"
    expired = "expired"
    refused = "refused"
    released = "released"
    recalled = "recalled"


class ConflictDecision(StrEnum):
    """What the conflict-of-interest officer decided."""

    cleared = "cleared"
    cleared_with_conditions = "cleared_with_conditions"
    refused = "refused"


class ReleaseCause(StrEnum):
    """Why a researcher left a case."""

    withdrew = "withdrew"
    moved = "moved"
    retired = "retired"
    conflict = "conflict"
    replaced = "replaced"
    ill = "ill"


class Feasibility(StrEnum):
    """What the visitors think of the need."""

    feasible = "feasible"
    feasible_with_conditions = "feasible_with_conditions"
    unclear = "unclear"
    infeasible = "infeasible"


class ConsultationKind(StrEnum):
    """A lighter form of help before or instead of research."""

    free_consultation = "free_consultation"
    academic_guidance = "academic_guidance"
    feasibility_study = "feasibility_study"


class ConsultationOutcome(StrEnum):
    """How a consultation ended."""

    proceed = "proceed"
    rescope = "rescope"
    solved = "solved"
    stop = "stop"


class AgreementKind(StrEnum):
    """What an agreement is about."""

    joint_research = "joint_research"
    commissioned_research = "commissioned_research"
    academic_guidance = "academic_guidance"
    material_transfer = "material_transfer"
    heads_of_terms = "heads_of_terms"
    consortium = "consortium"


RESEARCH_KINDS: Final = frozenset(
    {AgreementKind.joint_research, AgreementKind.commissioned_research, AgreementKind.consortium}
)


class TemplateFamily(StrEnum):
    """The model contract a draft starts from."""

    sakura = "sakura"
    lambert = "lambert"
    jpo_university = "jpo_university"
    mext_2002 = "mext_2002"
    institution_form = "institution_form"
    custom = "custom"


class Party(StrEnum):
    """A side that has to say yes."""

    company = "company"
    institution = "institution"
    researcher = "researcher"


class OwnershipRule(StrEnum):
    """Who owns the results of research, by agreement."""

    institution = "institution"
    company = "company"
    joint_by_contribution = "joint_by_contribution"
    each_owns_own = "each_owns_own"


class OptionRight(StrEnum):
    """What the party that does not own may ask for."""

    exclusive_license = "exclusive_license"
    assignment = "assignment"


class Owner(StrEnum):
    """Who owns one invention, by decision."""

    institution = "institution"
    company = "company"
    joint = "joint"
    inventor = "inventor"


class Exclusivity(StrEnum):
    """How far a license shuts others out."""

    exclusive = "exclusive"
    sole = "sole"
    non_exclusive = "non_exclusive"


class ResearchOutcome(StrEnum):
    """How research ended."""

    achieved = "achieved"
    partly = "partly"
    not_achieved = "not_achieved"


class MilestoneResult(StrEnum):
    """What became of a milestone."""

    reached = "reached"
    missed = "missed"
    dropped = "dropped"


class ReadinessScale(StrEnum):
    """The scale a readiness level is read on (EU Annex G, C(2014)4995; ISO 16290)."""

    eu_annex_g = "eu_annex_g"
    iso_16290 = "iso_16290"


class Timer(StrEnum):
    """The waits of the field, in the order of `domain.md` section 6d."""

    acknowledge = "acknowledge"
    review = "review"
    information = "information"
    consent_end = "consent_end"
    duplicate = "duplicate"
    offer = "offer"
    conflict = "conflict"
    search_regional = "search_regional"
    search_national = "search_national"
    visit_date = "visit_date"
    visit = "visit"
    visit_report = "visit_report"
    next_step = "next_step"
    agreement = "agreement"
    agreement_end = "agreement_end"
    progress = "progress"
    milestone = "milestone"
    publication = "publication"
    ownership = "ownership"
    silence = "silence"
    held = "held"
    follow_up = "follow_up"
    dossier = "dossier"
    profile = "profile"

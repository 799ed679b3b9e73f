"""What people might wish for: plausible commands in any order, some of them out of place."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from random import Random
from typing import Any, Final, NamedTuple

from rules_story import ACTORS, CONSENT, NEED, Story

from domain.calendar import japanese_day
from domain.dispositions import FOUNDATIONS
from domain.law import RULES
from domain.stages.closing import open_work
from domain.state import Assignment, Case
from domain.terms import ROUTES_TO_A_RESEARCHER, Disposition, Role

EVIDENCE: Final = ("doc_evidence",)
REASONS: Final = ("other", "legal", "no_capacity", "price", "specialism", "moved", "sent_in_error", "cost")


class Wish(NamedTuple):
    """Somebody's command, not yet given."""

    person: str
    name: str
    data: Mapping[str, Any]
    around: Mapping[str, Any]


class Chance:
    """Plausible values for one step, from one seed and the case as it stands."""

    def __init__(self, story: Story, seed: int) -> None:
        self.rng = Random(seed)
        self.story = story
        self.case = story.state
        self.today = japanese_day(story.now)

    def maybe(self, share: float = 0.5) -> bool:
        """True in *share* of the cases."""
        return self.rng.random() < share

    def one(self, *choices: Any) -> Any:
        """One of *choices*."""
        return self.rng.choice(choices)

    def some(self, *choices: Any) -> list[Any]:
        """A few of *choices*, perhaps none."""
        return self.rng.sample(choices, self.rng.randint(0, len(choices)))

    def the(self, field: str, ids: Iterable[str]) -> dict[str, Any]:
        """Mostly the id of something that is there, as *field*; sometimes none and sometimes a wrong one."""
        ids = list(ids)
        if not ids or self.maybe(0.2):
            return {}
        return {field: self.rng.choice(ids) if self.maybe(0.95) else "no-such-thing"}

    def day(self, low: int = 0, high: int = 200) -> str:
        """A day from *low* to *high* days from today."""
        return (self.today + timedelta(days=self.rng.randint(low, high))).isoformat()

    def moment(self, low: int = -20, high: int = 20) -> str:
        """An instant from *low* to *high* days from now."""
        return (self.story.now + timedelta(days=self.rng.randint(low, high), hours=self.rng.randint(0, 8))).isoformat()

    def scope(self) -> dict[str, Any]:
        """A consent's scope, mostly wide enough."""
        classes = ["public_summary", "need_detail", *self.some("trade_secret")]
        return {
            "recipients": [
                "center",
                *(["universities"] if self.maybe(0.9) else ["sadai"]),
                *self.some("lender", "lenders"),
            ],
            "purposes": ["collaboration", *self.some("lending_evaluation")] if self.maybe(0.97) else ["statistics"],
            "data_classes": classes if self.maybe(0.8) else ["public_summary"],
            "valid_until": self.day(200, 3000) if self.maybe(0.9) else self.day(30, 200),
        }


def _offer(chance: Chance) -> dict[str, Any]:
    busy = {one.researcher_id for one in chance.case.assignments.values() if one.state in {"offered", "assigned"}}
    person, institution = chance.one(
        *(
            one
            for one in (("hayashi", "kyudai"), ("noda", "kyudai"), ("baba", "sadai"), ("ito", "hokudai"))
            if one[0] not in busy
        ),
        ("abe", "aist"),
    )
    role = "member" if any(chance.case.leads) or chance.maybe(0.2) else "lead"
    return {
        "researcher_id": person,
        "institution_id": institution,
        "role": role,
        "disclosed_fields": ["title", *chance.some("public_summary", "tried_before", "description")],
        **({"respond_by": chance.day(0, 40)} if chance.maybe(0.3) else {}),
    }


def _sign(chance: Chance) -> dict[str, Any]:
    effective = chance.today + timedelta(days=chance.rng.choice((0, 0, 0, 14)))
    direct = chance.one("0", "8765432")
    rate = {"0": "0"}.get(direct) or chance.one("2629630", "2629630", "0", "1753086")
    return {
        **chance.the("agreement_id", (key for key, one in chance.case.agreements.items() if one.is_negotiated)),
        "effective_on": effective.isoformat(),
        "ends_on": (effective + timedelta(days=chance.rng.randint(-1, 300))).isoformat(),
        "costs": {"direct": direct, "indirect": rate},
    }


def _attendees(chance: Chance) -> list[str]:
    return chance.one(["coordinator", "researcher"], ["coordinator", "researcher"], ["researcher"])


def _shortlist(chance: Chance) -> dict[str, Any]:
    people = chance.some("hayashi", "noda", "baba", "ito")
    return {"candidates": [{"researcher_id": one, "reasons": ["CANARY-shortlist"]} for one in people]}


def _interests(chance: Chance) -> dict[str, Any]:
    return {"interests": [{"kind": "share", "company_ref": "CANARY-interest"}] if chance.maybe(0.2) else []}


def _report(chance: Chance) -> dict[str, Any]:
    return {"findings": "CANARY-findings CANARY-redacted", "feasibility": chance.one("feasible", "unclear")}


DATA: Final[dict[str, Callable[[Chance], Mapping[str, Any]]]] = {
    "RequestInformation": lambda c: {"questions": ["?"], "from_role": c.one("bank_officer", "company_representative")},
    "SupplementNeed": lambda c: {"fields": {"tried_before": "x", **({"description": "CANARY-description"})}},
    "RecordConsent": lambda c: {**CONSENT, **c.scope()},
    "ChangeConsent": lambda c: {"new_scope": c.scope()},
    "AssignCoordinator": lambda c: {"coordinator_id": c.one("tanaka", "kondo", "mori", "hayashi")},
    "RecordComplianceCheck": lambda c: {
        "kind": c.one("antisocial", "export_control"),
        "result": "passed" if c.maybe(0.9) else "failed",
    },
    "TriageNeed": lambda c: {"route": c.one("joint_research", "joint_research", "guidance", "advice_only")},
    "RedirectNeed": lambda c: {"to_org": "診断窓口"},
    "ConsultSpecialist": lambda c: {"expert_kind": "lawyer", "question": "?"},
    "RecordNda": lambda c: {"parties": ["ariake", "kyudai"], "valid_until": c.day(-5, 400)},
    "OpenSearch": lambda c: {"scope": c.one("regional", "regional", "national")},
    "ShortlistResearchers": _shortlist,
    "OfferAssignment": _offer,
    "AcceptAssignment": lambda c: c.the("assignment_id", _pending(c.case)),
    "DeclineAssignment": lambda c: c.the("assignment_id", _pending(c.case)),
    "DeclareInterests": _interests,
    "DecideConflict": lambda c: {"decision": c.one("cleared", "cleared", "cleared_with_conditions", "refused")},
    "ConfirmAssignment": lambda c: c.the("assignment_id", _pending(c.case)),
    "ReleaseResearcher": lambda c: {"cause": c.one("moved", "ill")},
    "ScheduleVisit": lambda c: {"at": c.moment(-10, 40), "attendees": _attendees(c)},
    "RescheduleVisit": lambda c: {"new_at": c.moment(-10, 40)},
    "FileVisitReport": _report,
    "ConfirmVisitReport": lambda c: {"redactions": ["CANARY-redacted"]},
    "StartConsultation": lambda c: {"kind": c.one("free_consultation", "academic_guidance")},
    "ConcludeConsultation": lambda c: {"outcome": c.one("proceed", "rescope", "solved", "stop")},
    "DraftAgreement": lambda c: {
        "kind": c.one("joint_research", "joint_research", "academic_guidance", "heads_of_terms")
    },
    "ApproveAgreement": lambda c: c.the("agreement_id", c.case.agreements),
    "SignAgreement": _sign,
    "AmendAgreement": lambda c: {"changes": {"scope": "x", **({"ends_on": c.day(0, 400)} if c.maybe() else {})}},
    "RenewAgreement": lambda c: {"new_ends_on": c.day(0, 400)},
    "CompleteResearch": lambda c: {"outcome": c.one("achieved", "partly", "not_achieved")},
    "PlanMilestone": lambda c: {"title": "x", "due_on": c.day(-10, 100)},
    "RecordMilestone": lambda c: {"result": c.one("reached", "missed", "dropped")},
    "AssessReadiness": lambda c: {
        "level": c.rng.randint(1, 9),
        **({"evidence": ["doc_sheet"]} if c.maybe(0.8) else {}),
        **({"second_assessor_ref": "baba"} if c.maybe(0.3) else {}),
    },
    "DiscloseInvention": lambda c: {"inventors": ["hayashi"]},
    "DecideOwnership": lambda c: {"owner": c.one("institution", "company", "joint", "inventor")},
    "ClearPublication": lambda c: {"delayed_until": c.day(0, 60)} if c.maybe(0.4) else {},
    "RecordLicense": lambda c: {"co_owner_consent": "doc_yes"} if c.maybe() else {},
    "RecordAssignmentOfRights": lambda c: {"co_owner_consent": "doc_yes"} if c.maybe() else {},
    "RecordStartup": lambda c: {"startup_company_id": "model-mouse"},
    "ReportProduct": lambda c: {"released_on": c.day(-10, 1)} if c.maybe() else {"name": "反射鏡"},
    "ReportOrders": lambda c: {"order_band": c.one("under_1m", "10m_50m")},
    "RecordFunding": lambda c: {"source": "NEDO"},
    "CloseCase": lambda c: {"disposition": c.one(*_ends(c.case)), "outcome_summary": "終了。"},
    "AddNote": lambda c: {"text": "CANARY-note"},
    "ConfirmCancellation": lambda c: {"company_continues": c.maybe(0.7)},
    "RequestErasure": lambda c: {"basis": "法令", "subject": c.one("case", "sato")},
    "DecideErasure": lambda c: {"decision": c.one("approved", "rejected")},
    "ExecuteErasure": lambda c: {"erasure_id": c.one(*(c.case.erasures or ("none",))), "keys_destroyed": 1},
    "ViewRecord": lambda c: {"what": c.one("case", "feed"), "lender_id": c.one("lender", "nobody")},
    "FollowOrganization": lambda c: dict(
        zip(("organization_id", "successor_id"), c.rng.sample(("ariake", "genkai"), 2), strict=True)
    ),
    "CorrectEvent": lambda c: {
        "corrects_event_id": c.rng.choice(c.story.events).event_id if c.maybe(0.8) else "no-such-event",
        "right_value": {"note": "x"},
    },
    "SuspectDuplicate": lambda c: {"other_case_id": c.one("c2", "c3", "c1")},
    "DismissDuplicate": lambda c: {"other_case_id": c.one("c2", "c3")},
    "MergeCases": lambda c: {c.one("surviving_case_id", "absorbed_case_id"): c.one("c2", "c3")},
    "CompleteMerge": lambda c: {"surviving_case_id": "c2"} if c.maybe(0.3) else {},
    "ExtendDeadline": lambda c: {"timer": c.one("offer", "review", "agreement", "silence"), "to": c.day(-2, 60)},
    "WidenSearch": lambda c: {},
    "AssignBankOfficer": lambda c: {"officer_id": c.one("sato", "ono", "ide")},
    "FallDue": lambda c: {"timer": "offer", "subject": "a1", "since": c.moment(), "level": 1},
    "ReferNeed": lambda c: NEED,
    "OpenCase": lambda c: {"origin": "seed"},
}
"""How the data of a command may look; the others are given without."""

_OPEN: Final = {"offered", "accepted"}
_RARE_ENDS: Final = (
    Disposition.agreement_failed,
    Disposition.no_researcher,
    Disposition.not_feasible,
    Disposition.research_completed,
)
"""Ends that are taken as soon as the facts support them, since they are seldom met."""
_ANSWERS: Final = {"AcceptAssignment", "DeclineAssignment", "DeclareInterests", "DecideConflict"}


def _pending(case: Case) -> dict[str, Assignment]:
    return {key: one for key, one in case.assignments.items() if one.state in _OPEN}


def _ends(case: Case) -> list[str]:
    """Mostly the dispositions that the facts support."""
    rare = [one.value for one in _RARE_ENDS if FOUNDATIONS[one](case)]
    founded = [one.value for one, supports in FOUNDATIONS.items() if supports(case)]
    return [*rare, *rare, *founded, "company_insolvent", "entered_in_error", "expired"]


def _fitting(case: Case) -> Iterable[str]:
    """Commands that may well be next."""
    if case.status == "closed":
        return ("ReopenCase", "RecordFollowUp", "AddNote")
    if not open_work(case) and any(FOUNDATIONS[one](case) for one in _RARE_ENDS):
        return ["CloseCase", "AddNote"]
    found = ["RecordComplianceCheck", "AddNote", "RecordFunding", "DeclareCompanyFacts", "SupplementNeed", "RecordNda"]
    found += ["RequestInformation", "ConsultSpecialist", "ChangeConsent", "RecordConsent", "AssignBankOfficer"]
    found += ["ResumeCase"] * 6 if case.status == "held" else ["HoldCase"]
    if case.proposals:
        found += ["ConfirmDecision"] * 3 + ["RejectDecision"]
    if case.cancellations:
        found += ["ConfirmCancellation"] * 3
    undecided = any(one.decision is None for one in case.erasures.values())
    found += ["DecideErasure"] * 2 * undecided + ["ExecuteErasure"] * bool(case.erasures)
    if case.coordinator_id is None:
        return [*found, *["AssignCoordinator"] * 8]
    if case.review_started_at is None:
        return [*found, *["StartReview"] * 8]
    return [*found, *_in_work(case), *_later(case)]


def _in_work(case: Case) -> list[str]:
    found = [] if case.triage else ["TriageNeed"] * 10 + ["DeclineNeed"]
    search, asked = case.search, any(one.is_active for one in case.assignments.values())
    if search and search.candidates is not None and not asked and not search.concluded:
        found += ["ConcludeSearchEmpty"] * 4 if search.scope == "national" else ["WidenSearch"] * 2
    route = case.triage.route if case.triage else None
    if route in ROUTES_TO_A_RESEARCHER:
        found += ["ShortlistResearchers", "OfferAssignment", "OfferAssignment"] if case.searches else ["OpenSearch"] * 8
    if any(one.state == "offered" or len(one.yes) < 2 for one in case.assignments.values() if one.state in _OPEN):
        found += ["AcceptAssignment"] * 8 + ["DeclineAssignment"]
    if any(one.state == "accepted" for one in case.assignments.values()):
        found += ["DeclareInterests", "DecideConflict", "ConfirmAssignment"] * 4
    if any(case.assigned):
        found += ["ScheduleVisit", "StartConsultation", "DraftAgreement", "AssessReadiness", "ExtendDeadline"]
    visits = list(case.visits.values())
    found += ["RecordVisitHeld"] * 5 if any(one.held_at is None and not one.cancelled for one in visits) else []
    found += ["FileVisitReport"] * 4 if any(one.held_at and not one.report for one in visits) else []
    found += ["ConfirmVisitReport"] * 4 if any(one.report and not one.report.confirmed_at for one in visits) else []
    return found + ["ConcludeConsultation"] * 2 * any(one.outcome is None for one in case.consultations.values())


def _later(case: Case) -> list[str]:
    agreements = list(case.agreements.values())
    found = []
    if any(one.is_negotiated for one in agreements):
        found += ["ApproveAgreement"] * 5 + ["SignAgreement"] * 5 + ["CounterAgreement"]
    if any(one.signed_on for one in agreements):
        found += ["ConfirmPayment", "StartResearch", "AmendAgreement", "RenewAgreement", "PlanMilestone"] * 2
        found += ["DiscloseInvention", "RequestPublicationReview"]
    if any(one.research for one in agreements):
        found += ["CompleteResearch", "SuspendResearch", "ResumeResearch", "RecordKnowHow", "RecordStartup"]
    found += ["RecordMilestone"] * 2 * bool(case.milestones)
    if case.inventions:
        found += ["DecideOwnership", "RecordFiling", "RecordLicense", "RecordAssignmentOfRights", "RecordGrant"]
    found += ["ClearPublication", "PublishResults"] * bool(case.publications)
    return found + ["ReportProduct", "ReportOrders", "CloseCase"] * bool(case.transfers or case.products)


_PERSON_OF: Final = {role: [name for name, one in ACTORS.items() if one.role is role] for role in Role}


def _person(chance: Chance, name: str) -> str:
    roles = RULES[name].by
    if name == "DeclareInterests" and chance.maybe(0.9):
        roles = frozenset({Role.researcher})
    if chance.maybe(0.05):
        return chance.one(*ACTORS)
    if name in {"ConfirmDecision", "RejectDecision"}:
        return chance.one("mori", "mizuki", "arita", "ueno", "tanaka")
    asked = (_pending(chance.case) if name in _ANSWERS else None) or chance.case.assignments
    mine = {one.researcher_id for one in asked.values()}
    desks = {one.institution_id for one in asked.values()}
    able = [
        person
        for role in sorted(roles)
        for person in _PERSON_OF[role]
        if (role is not Role.researcher or person in mine)
        and (role is not Role.university_liaison or ACTORS[person].org_id in desks)
        and person not in {"ide", "genda"}
    ]
    return chance.one(*(able or _PERSON_OF[chance.one(*sorted(roles))]))


def wish(story: Story, seed: int) -> Wish:
    """One plausible wish: mostly what may come next, sometimes anything."""
    chance = Chance(story, seed)
    names = (
        list(_fitting(chance.case))
        if chance.maybe(0.88)
        else sorted(n for n, one in RULES.items() if one.stream == "case")
    )
    name = chance.one(*names)
    data = DATA[name](chance) if name in DATA else {}
    around: dict[str, Any] = {"reason": chance.one(*REASONS)} if RULES[name].reason or chance.maybe(0.05) else {}
    if name in {"DeclineAssignment", "AbandonAgreement", "WithdrawConsent"}:
        around["reason"] = {"code": "other", "text": "CANARY-reason"}
    elif not isinstance(RULES[name].reason, bool):
        around["reason"] = "other"
    if chance.maybe(0.1):
        around["occurred_at"] = story.now - timedelta(days=chance.rng.choice((-1, 0, 3, 29, 31)))
    if chance.maybe(0.2):
        around["evidence"] = EVIDENCE
    return Wish(_person(chance, name), name, data, around)


def some_day(seed: int) -> timedelta:
    """How long nobody does anything: hours, days, sometimes months."""
    return Random(seed).choice((timedelta(hours=5), *[timedelta(days=n) for n in (1, 3, 7, 20, 70, 200)]))

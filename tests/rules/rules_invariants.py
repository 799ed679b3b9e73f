"""The invariants of `domain.md` 6c as predicates over what happened, told without the rules' own code.

Each looks at one `Step` (state before, the new events, state after, all events so far) and yields what is wrong.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from rules_story import ACTORS, ORGS, PEOPLE, Story

from domain.calendar import japanese_day
from domain.envelope import Event
from domain.state import Case
from domain.views import case_view, seen_events
from domain.visibility import is_party

CONSENT_FREE: Final = {
    "ReferNeed",
    "OpenCase",
    "RecordConsent",
    "WithdrawConsent",
    "HoldCase",
    "CloseCase",
    "RequestCancellation",
    "ConfirmCancellation",
    "CorrectEvent",
    "FallDue",
    "CompleteMerge",
    "FollowOrganization",
    "RequestErasure",
    "DecideErasure",
    "ExecuteErasure",
    "ViewRecord",
}
STAGES: Final = [
    "intake",
    "review",
    "assignment",
    "visit",
    "consultation",
    "agreement",
    "research",
    "transfer",
    "commercialization",
]
RESEARCH: Final = {"joint_research", "commissioned_research", "consortium"}
SUMMARY_FIELDS: Final = {"title", "public_summary", "field_codes", "program_tags", "urgency", "desired_by"}
DETAIL_FIELDS: Final = {"description", "tried_before", "budget_band", "documents", "company", "company_id"}


@dataclass(frozen=True)
class Step:
    """One accepted command: who gave it, and what it changed."""

    command: str
    person: str
    before: Case | None
    new: tuple[Event, ...]
    after: Case
    told: tuple[Event, ...]
    """All events up to and with the new ones."""

    def of(self, *types: str) -> list[Event]:
        """The new events of *types*."""
        return [one for one in self.new if one.type in types]

    def earlier(self, *types: str) -> list[Event]:
        """The earlier events of *types*."""
        return [one for one in self.told[: len(self.told) - len(self.new)] if one.type in types]


Claim = Callable[[Step], Iterable[str]]
CLAIMS: Final[dict[str, Claim]] = {}


def claim(function: Claim) -> Claim:
    """Take *function* into the claims, under its name."""
    CLAIMS[function.__name__] = function
    return function


def problems(step: Step) -> list[str]:
    """Everything that is wrong after *step*, each with the name of its claim."""
    return [f"{name}: {fault} [{step.command} by {step.person}]" for name, one in CLAIMS.items() for fault in one(step)]


# consent


def consents(events: Iterable[Event]) -> dict[str, tuple[Any, bool]]:
    """Scope and withdrawal of each consent, from the events alone."""
    found: dict[str, tuple[Any, bool]] = {}
    for event in events:
        if event.type == "CompanyConsentRecorded":
            found[event.data.consent_id] = (event.data.scope, False)
        elif event.type == "CompanyConsentChanged":
            found[event.data.consent_id] = (event.data.new_scope, found[event.data.consent_id][1])
        elif event.type == "CompanyConsentWithdrawn":
            found[event.data.consent_id] = (found[event.data.consent_id][0], True)
    return found


def in_force(events: Iterable[Event], day: date, purpose: str = "collaboration") -> list[Any]:
    """The scopes in force on *day*."""
    return [
        scope
        for scope, withdrawn in consents(events).values()
        if not withdrawn and purpose in scope.purposes and day <= scope.valid_until
    ]


def reaches(scope: Any, org_id: str) -> bool:
    """Whether *scope* names the organization or its group; the story knows of no other groups."""
    groups = {
        "universities": {"university"},
        "research_institutes": {"research_institute"},
        "experts": {"expert_office"},
    }
    kinds = set().union(*(groups.get(one, set()) for one in scope.recipients))
    return org_id in scope.recipients or ORGS[org_id].kind in kinds


@claim
def i01_every_command_but_the_named_ones_has_a_consent(step: Step) -> Iterable[str]:
    day = japanese_day(step.new[0].recorded_at)
    begun = step.told[: len(step.told) - len(step.new)]
    active = [one for one in in_force(begun, day) if "center" in one.recipients]
    seed_driven = step.after.origin == "seed" and step.after.need is None
    corrected = step.command == "ConfirmDecision" and step.of("CorrectionRecorded")
    if step.command not in CONSENT_FREE and not active and not seed_driven and not corrected:
        yield "no consent is in force"


@claim
def i01_a_need_comes_with_its_consent(step: Step) -> Iterable[str]:
    if step.of("NeedReferred") and not step.of("CaseOpened", "CompanyConsentRecorded"):
        yield "a need came alone"


@claim
def i02_nobody_is_told_but_whom_a_consent_names(step: Step) -> Iterable[str]:
    scopes = in_force(step.told, japanese_day(step.new[0].recorded_at))
    free = step.after.origin == "seed" and step.after.need is None
    for event in step.of("AssignmentOffered"):
        if not free and not any(reaches(one, event.data.institution_id) for one in scopes):
            yield f"{event.data.institution_id} is told without a consent"
    for event in step.of("SpecialistConsulted"):
        expert = event.data.expert_id and PEOPLE.get(event.data.expert_id)
        if not free and expert and not any(reaches(one, expert.org_id) for one in scopes):
            yield f"{expert.person_id} is asked without a consent"


@claim
def i04_a_reference_of_a_bank_opens_one_case_once(step: Step) -> Iterable[str]:
    referred = [(one.data.bank_id, one.data.bank_reference) for one in step.told if one.type == "NeedReferred"]
    if len(referred) != len(set(referred)) or len([one for one in step.told if one.type == "CaseOpened"]) != 1:
        yield f"{referred} in one case"


@claim
def i03_a_withdrawal_stops_what_was_under_way(step: Step) -> Iterable[str]:
    if not step.of("CompanyConsentWithdrawn") or step.after.status == "closed":
        return
    carried = [one for one in in_force(step.told, japanese_day(step.new[0].recorded_at)) if "center" in one.recipients]
    if carried:
        return
    if step.after.status != "held":
        yield "the case is not held"
    if any(one.state in {"offered", "accepted"} for one in step.after.assignments.values()):
        yield "an offer is still open"
    if any(one.held_at is None and not one.cancelled for one in step.after.visits.values()):
        yield "a visit still lies ahead"
    if step.before and {k: v.ended for k, v in step.before.agreements.items()} != {
        key: one.ended for key, one in step.after.agreements.items()
    }:
        yield "an agreement ended with it"


@claim
def i02_nobody_stays_asked_beyond_the_consents(step: Step) -> Iterable[str]:
    if not step.of("CompanyConsentChanged", "CompanyConsentWithdrawn") or step.after.status == "closed":
        return
    scopes = in_force(step.told, japanese_day(step.new[-1].recorded_at))
    for one in step.after.assignments.values():
        asked = one.state in {"offered", "accepted"}
        if asked and not any(reaches(scope, one.institution_id) for scope in scopes):
            yield f"{one.assignment_id} is beyond every consent"


# review, search, assignment


@claim
def i05_a_case_in_work_has_one_coordinator(step: Step) -> Iterable[str]:
    if step.after.stage != "intake" and step.after.coordinator_id is None:
        yield f"nobody owns the case in {step.after.stage}"


@claim
def i06_triage_comes_before_search_and_offer(step: Step) -> Iterable[str]:
    begun = step.of("ResearcherSearchOpened", "AssignmentOffered")
    if begun and step.after.need and not step.earlier("NeedTriaged"):
        yield "nothing was triaged"


@claim
def i06_a_decline_takes_two_persons(step: Step) -> Iterable[str]:
    for event in step.of("NeedDeclined"):
        proposed = [one for one in step.earlier("DecisionProposed") if one.data.proposal_id == event.causation_id]
        if not proposed or proposed[0].data.command != "DeclineNeed" or proposed[0].actor.person == event.actor.person:
            yield "one person declined"


def _passed(events: Iterable[Event]) -> bool:
    results = {one.data.kind: one.data.result for one in events if one.type == "ComplianceChecked"}
    return bool(results) and set(results.values()) == {"passed"}


@claim
def i07_checks_pass_before_a_researcher_sees_more(step: Step) -> Iterable[str]:
    more = [one for one in step.of("AssignmentOffered") if set(one.data.disclosed_fields) - SUMMARY_FIELDS]
    if (more or step.of("ResearcherAssigned")) and step.after.need and not _passed(step.told):
        yield "compliance is not passed"


@claim
def i08_the_country_comes_after_the_region(step: Step) -> Iterable[str]:
    wide = [
        one
        for one in step.of("ResearcherSearchOpened", "SearchWidened")
        if getattr(one.data, "to_scope", None) == "national" or getattr(one.data, "scope", None) == "national"
    ]
    already = any(one.data.scope == "national" for one in step.earlier("ResearcherSearchOpened"))
    if not wide or already or step.earlier("SearchWidened"):
        return
    if wide[0].reason and wide[0].reason.code in {"specialism", "conflict", "capacity"}:
        return
    lists = {one.data.search_id: one.data.candidates for one in step.earlier("ResearcherShortlisted")}
    asked = {one.researcher_id: one.state for one in step.after.assignments.values()}
    over = {"declined", "expired", "refused", "released", "recalled"}
    if not any(all(asked.get(one.researcher_id) in over for one in found) for found in lists.values()):
        yield "the region is not exhausted"


@claim
def i09_an_offer_stays_within_the_consent(step: Step) -> Iterable[str]:
    for event in step.of("AssignmentOffered"):
        scopes = in_force(step.told, japanese_day(event.recorded_at))
        allowed = {name for one in scopes for name in one.data_classes}
        classes = {
            "public_summary" if name in SUMMARY_FIELDS else "need_detail" if name in DETAIL_FIELDS else name
            for name in event.data.disclosed_fields
        }
        if step.after.need and not classes <= allowed:
            yield f"{classes - allowed} is shown"
        if step.after.need and not any(reaches(one, event.data.institution_id) for one in scopes):
            yield f"{event.data.institution_id} is no recipient"


@claim
def i09_one_lead_is_asked_at_a_time(step: Step) -> Iterable[str]:
    asked = [one for one in step.after.assignments.values() if one.state in {"offered", "accepted"}]
    if sum(one.role == "lead" for one in asked) > 1:
        yield "two offers for the lead are open"


def _about(events: Iterable[Event], assignment_id: str, *types: str) -> list[Event]:
    return [one for one in events if one.type in types and one.data.assignment_id == assignment_id]


@claim
def i10_an_assignment_has_three_yeses(step: Step) -> Iterable[str]:
    for event in step.of("ResearcherAssigned"):
        key = event.data.assignment_id
        parties = {str(one.data.party) for one in _about(step.told, key, "AssignmentAccepted")}
        decided = _about(step.told, key, "ConflictOfInterestDecided")
        if parties != {"researcher", "institution"}:
            yield f"only {parties} said yes"
        if not decided or not str(decided[-1].data.decision).startswith("cleared"):
            yield "no conflict of interest was cleared"
        if _about(step.told, key, "AssignmentDeclined", "AssignmentExpired", "ResearcherReleased"):
            yield "the request had ended"


@claim
def i11_nobody_judges_the_own_interest(step: Step) -> Iterable[str]:
    for event in step.of("ConflictOfInterestDecided"):
        if step.after.assignments[event.data.assignment_id].researcher_id == event.actor.person:
            yield "a researcher decided on the own interest"
    tied = {
        one.actor.person
        for one in step.earlier("ConflictOfInterestDeclared")
        if one.data.assignment_id is None and one.data.interests
    }
    if step.person in tied and step.command not in {"AssignCoordinator", "DeclareInterests", "AddNote"}:
        yield f"{step.person} works in spite of an interest"
    for event in step.of("CoordinatorAssigned"):
        declared = [one for one in step.earlier("ConflictOfInterestDeclared") if one.data.assignment_id is None]
        if any(one.actor.person == event.data.coordinator_id and one.data.interests for one in declared):
            yield "the new owner has an interest"


# visit and consultation


@claim
def i12_a_visit_is_made_together(step: Step) -> Iterable[str]:
    for event in step.of("VisitScheduled"):
        roles = {str(one.role) for one in event.data.attendees}
        if step.after.need and ("researcher" not in roles or not roles & {"coordinator", "senior_coordinator"}):
            yield f"only {roles} go"
        if step.after.need and not any(one.state == "assigned" for one in step.after.assignments.values()):
            yield "nobody is assigned"
        own = [one for one in step.after.assignments.values() if one.state == "assigned"]
        goes = [one for one in event.data.attendees if one.role == "researcher"]
        fits = any(one.org in (None, it.institution_id) for one in goes for it in own)
        if step.after.need and not fits:
            yield "no researcher of the case goes"


@claim
def i13_what_was_held_has_happened(step: Step) -> Iterable[str]:
    for event in step.of("VisitHeld"):
        if event.data.at > event.recorded_at:
            yield "the visit lies ahead"
    for event in step.of("VisitReportFiled"):
        if not any(one.data.visit_id == event.data.visit_id for one in step.earlier("VisitHeld")):
            yield "a report of a visit that was not held"
    for event in step.of("VisitReportConfirmed"):
        if str(event.actor.role) != "company_representative":
            yield "somebody else confirmed"


# agreement and research


def _drafts(events: Iterable[Event], key: str) -> list[Event]:
    return [
        one for one in events if one.type in {"AgreementDrafted", "AgreementCountered"} and one.data.agreement_id == key
    ]


def _kind(step: Step, key: str) -> str:
    return str(_drafts(step.told, key)[0].data.kind)


@claim
def i14_research_rests_on_a_visit_or_consultation(step: Step) -> Iterable[str]:
    for event in step.of("AgreementSigned"):
        seen = step.earlier("VisitReportConfirmed", "ConsultationConcluded")
        excepted = [one for one in step.earlier("DecisionProposed") if one.data.proposal_id == event.causation_id]
        if _kind(step, event.data.agreement_id) in RESEARCH and not seen and not excepted:
            yield "signed unseen"


@claim
def i15_what_is_signed_was_approved_by_all(step: Step) -> Iterable[str]:
    for event in step.of("AgreementSigned"):
        fact = event.data
        last = _drafts(step.earlier("AgreementDrafted", "AgreementCountered"), fact.agreement_id)[-1].data.version
        yeses = {
            str(one.data.party)
            for one in step.earlier("AgreementApproved")
            if one.data.agreement_id == fact.agreement_id and one.data.version == last
        }
        if fact.version != last or yeses != {"company", "institution"}:
            yield f"version {fact.version} of {last}, approved by {yeses}"
        if fact.effective_on > fact.ends_on or fact.signed_on > japanese_day(event.recorded_at):
            yield "the days are out of order"
        rate = ORGS[step.after.agreements[fact.agreement_id].institution_id or "center"].indirect_rate
        due = Decimal(fact.costs.direct) * Decimal(rate or 0)
        if rate and not event.reason and abs(due - Decimal(fact.costs.indirect)) > 1:
            yield "the indirect cost does not fit the rate"


@claim
def i16_what_is_signed_changes_by_amendment_only(step: Step) -> Iterable[str]:
    lawful = {"AgreementAmended", "AgreementRenewed"}
    for key, old in (step.before.agreements if step.before else {}).items():
        new = step.after.agreements[key]
        terms = ["versions", "signed_on", "effective_on", "ends_on", "kind"]
        terms += [] if step.of("OrganizationFollowed") else ["parties"]  # its legal successor stands in for a party
        same = all(getattr(old, name) == getattr(new, name) for name in terms)
        if old.signed_on and not same and not step.of(*lawful):
            yield f"{key} changed by {[one.type for one in step.new]}"
    for event in step.of(*lawful):
        proposed = [one for one in step.earlier("DecisionProposed") if one.data.proposal_id == event.causation_id]
        if not proposed or proposed[0].actor.person == event.actor.person:
            yield "one person changed it"


@claim
def i16_a_renewal_is_late_by_ninety_days_at_most(step: Step) -> Iterable[str]:
    for event in step.of("AgreementRenewed"):
        assert step.before is not None
        ended = step.before.agreements[event.data.agreement_id].ends_on
        past = (japanese_day(event.recorded_at) - ended).days if ended else 0
        if past > 90 or event.data.late != (past > 0):
            yield f"{past} days late, said to be {'late' if event.data.late else 'in time'}"


@claim
def i17_research_begins_in_force_and_paid(step: Step) -> Iterable[str]:
    for event in step.of("ResearchStarted"):
        key, day = event.data.agreement_id, japanese_day(event.recorded_at)
        signed = [one for one in step.earlier("AgreementSigned") if one.data.agreement_id == key]
        paid = any(one.data.agreement_id == key for one in step.earlier("PaymentConfirmed"))
        agreement = step.after.agreements[key]
        if not signed or agreement.ended or not signed[0].data.effective_on <= day <= agreement.ends_on:
            yield "no agreement is in force"
        elif signed[0].data.payment_first and not paid:
            yield "the money is not there"


@claim
def i18_milestones_and_inventions_belong_to_an_agreement(step: Step) -> Iterable[str]:
    known = {*step.after.agreements, "background"}
    named = [one.agreement_id for one in (*step.after.milestones.values(), *step.after.inventions.values())]
    yield from (f"{key} is unknown" for key in named if key not in known)


# transfer and after


@claim
def i19_only_the_decided_owner_transfers(step: Step) -> Iterable[str]:
    owners = {one.data.invention_id: str(one.data.owner) for one in step.earlier("InventionOwnershipDecided")}
    offices = {one.data.invention_id: one.actor.org_id for one in step.earlier("InventionDisclosed")}
    for event in step.of("LicenseGranted", "RightsAssigned"):
        for key in event.data.invention_ids:
            if event.actor.role == "university_liaison" and offices[key] != event.actor.org_id:
                yield f"{key} was disclosed to {offices[key]}"
            if owners.get(key) not in {"institution", "joint"}:
                yield f"{key} belongs to {owners.get(key)}"
            if owners.get(key) == "joint" and not event.data.co_owner_consent:
                yield f"the other owner of {key} was not asked"


@claim
def i20_nothing_is_published_under_review(step: Step) -> Iterable[str]:
    for event in step.of("ResultsPublished"):
        cleared = [
            one for one in step.earlier("PublicationCleared") if one.data.publication_id == event.data.publication_id
        ]
        later = cleared[-1].data.delayed_until if cleared else None
        asked = [one.data.publication_id for one in step.earlier("PublicationReviewRequested")]
        begun = step.before.inventions.values() if step.before else ()
        held = any(one.owner != "inventor" and not one.granted and not one.given_up for one in begun)
        if (later and event.data.on < later) or (not cleared and (held or event.data.publication_id in asked)):
            yield "published under review"


@claim
def i21_readiness_rests_on_evidence(step: Step) -> Iterable[str]:
    line = step.earlier("ReadinessAssessed")
    for event in step.of("ReadinessAssessed"):
        fact = event.data
        if not fact.evidence or not fact.assessor_ref:
            yield "without assessor or evidence"
        jump = abs(fact.level - line[-1].data.level) if line else 0
        if jump > 2 and fact.second_assessor_ref in {None, fact.assessor_ref}:
            yield f"a jump of {jump} by one assessor"


@claim
def i22_a_case_ends_with_its_work_done_and_a_fact(step: Step) -> Iterable[str]:
    for event in step.of("CaseClosed"):
        after, why = step.after, str(event.data.disposition)
        open_offer = any(one.state in {"offered", "accepted"} for one in after.assignments.values())
        open_visit = any(one.held_at is None and not one.cancelled for one in after.visits.values())
        open_draft = any(one.signed_on is None and one.ended is None for one in after.agreements.values())
        if open_offer or open_visit or open_draft:
            yield f"closed as {why} over open work"
        facts = {
            "commercialized": ["ProductReleased"],
            "transferred": ["LicenseGranted", "RightsAssigned", "KnowHowTransferred", "StartupFounded"],
            "declined": ["NeedDeclined"],
            "no_researcher": ["NoResearcherFound"],
            "agreement_failed": ["AgreementAbandoned"],
            "research_completed": ["ResearchCompleted"],
            "research_failed": ["ResearchCompleted", "AgreementTerminated", "AgreementExpired"],
            "not_feasible": ["VisitReportFiled", "ConsultationConcluded"],
            "redirected": ["NeedRedirected"],
            "consent_withdrawn": ["CompanyConsentWithdrawn"],
        }
        if why in facts and not any(one.type in facts[why] for one in step.told):
            yield f"nothing supports {why}"
        outcomes = {str(one.data.outcome) for one in step.told if one.type == "ResearchCompleted"}
        if why == "research_failed" and outcomes & {"achieved", "partly"}:
            yield "research that succeeded failed"
        if why == "research_completed" and not outcomes & {"achieved", "partly"}:
            yield "research completed without any success"


@claim
def i23_a_stage_falls_with_a_reason_or_cause(step: Step) -> Iterable[str]:
    if step.before is None or STAGES.index(step.after.stage) >= STAGES.index(step.before.stage):
        return
    causes = ("ResearcherReleased", "ConflictOfInterestDecided")
    if not step.of(*causes) and not any(one.reason for one in step.new):
        yield f"from {step.before.stage} to {step.after.stage} for no reason"


@claim
def i23_a_stage_does_not_fall_past_work_under_way(step: Step) -> Iterable[str]:
    if step.before is None or STAGES.index(step.after.stage) >= STAGES.index(step.before.stage):
        return
    agreements = step.after.agreements.values()
    talks = any(one.signed_on is None and one.ended is None for one in agreements)
    runs = any(one.research in {"started", "suspended"} and one.ended != "terminated" for one in agreements)
    held = "research" if runs else "agreement" if talks else "intake"
    if STAGES.index(step.after.stage) < STAGES.index(held):
        yield f"from {step.before.stage} to {step.after.stage} although {held} is under way"


@claim
def i23_the_furthest_stage_never_falls(step: Step) -> Iterable[str]:
    if step.before and STAGES.index(step.after.furthest_stage) < STAGES.index(step.before.furthest_stage):
        yield "it fell"
    if STAGES.index(step.after.furthest_stage) < STAGES.index(step.after.stage):
        yield "it lies before the stage"


@claim
def i28_facts_lie_behind_and_old_ones_have_a_document(step: Step) -> Iterable[str]:
    for event in step.new:
        if event.occurred_at > event.recorded_at:
            yield "a fact lies in the future"
        if event.recorded_at - event.occurred_at > timedelta(days=30) and not event.evidence:
            yield "an old fact has no document"


# what readers see


def shown_to(person: str, step: Step) -> str:
    """Everything *person* reads after *step*, as one text."""
    actor, now = ACTORS[person], step.after.updated_at
    shown = [(number, one.type, body) for number, one, body in seen_events(step.told, actor, step.after, now)]
    return json.dumps([case_view(step.after, actor, now), shown], ensure_ascii=False, default=str)


CANARY: Final = "CANARY-description"
BANK_HIDDEN: Final = {
    CANARY: "the description",
    "CANARY-shortlist": "a reason of the shortlist",
    "CANARY-note": "a note",
    "CANARY-redacted": "a redacted passage",
    "CANARY-interest": "an interest",
    "8765432": "an amount",
    "CANARY-reason": "a reason's text",
    "K2026": "the case number",
    "checked_by": "a compliance check",
}
COMPANY_HIDDEN: Final = {key: BANK_HIDDEN[key] for key in ("CANARY-shortlist", "CANARY-note", "checked_by")}


@claim
def i24_no_bank_reads_of_another(step: Step) -> Iterable[str]:
    banks = {"jfs-fukuoka": "sato", "jfs-saga": "ide"}
    known = {one.bank_id for one in step.after.referrals}
    for bank, person in banks.items():
        others = {*banks} - {bank}
        if bank in known and any(f'"{other}"' in shown_to(person, step) for other in others):
            yield f"{bank} reads of {others}"


@claim
def i25_only_the_center_ends_a_case_that_somebody_cancels(step: Step) -> Iterable[str]:
    for event in step.of("CaseClosed"):
        if event.data.disposition in {"cancelled_by_bank"} and not step.of("CaseCancellationConfirmed"):
            yield "a bank's cancellation ended the case by itself"
    for event in step.of("CaseCancellationConfirmed"):
        asked = step.earlier("CaseCancellationRequested")
        if not asked or event.actor.role not in {"coordinator", "senior_coordinator"}:
            yield "nobody asked, or not the center confirmed"


@claim
def i26_a_correction_refers_to_an_event_that_stays(step: Step) -> Iterable[str]:
    known = {one.event_id: one.type for one in step.told}
    if len(known) != len(step.told) or [one.version for one in step.told] != list(range(1, len(step.told) + 1)):
        yield "an event is doubled or missing"
    for event in step.of("CorrectionRecorded"):
        if known.get(event.data.corrects_event_id, "CorrectionRecorded") == "CorrectionRecorded":
            yield "it corrects nothing of this case"


@claim
def i29_a_bank_reads_nothing_hidden(step: Step) -> Iterable[str]:
    text = shown_to("sato", step)
    yield from (f"the bank reads {what}" for mark, what in BANK_HIDDEN.items() if mark in text)
    confirmed = bool(step.of("VisitReportConfirmed") or step.earlier("VisitReportConfirmed"))
    if "CANARY-findings" in text and not confirmed:
        yield "the bank reads findings before their confirmation"


@claim
def i29_a_bank_counts_exactly_what_it_sees(step: Step) -> Iterable[str]:
    for one in step.after.referrals:
        person = {"jfs-fukuoka": "sato", "jfs-saga": "ide"}[one.bank_id]
        alone = step.after.but(referrals=(one,))
        seen = seen_events(step.told, ACTORS[person], alone, step.after.updated_at)
        if [number for number, _, _ in seen] != list(range(1, one.seen + 1)):
            yield f"{one.bank_id} counts {one.seen} and sees {len(seen)}"


@claim
def i29_a_company_reads_no_paper_of_the_center(step: Step) -> Iterable[str]:
    text = shown_to("arita", step)
    yield from (f"the company reads {what}" for mark, what in COMPANY_HIDDEN.items() if mark in text)


@claim
def i29_a_researcher_reads_the_own_case_only(step: Step) -> Iterable[str]:
    for person in ("hayashi", "noda", "baba", "ito"):
        mine = [one for one in step.after.assignments.values() if one.researcher_id == person]
        if is_party(step.after, ACTORS[person], step.after.updated_at) != bool(mine):
            yield f"{person} is taken for a party"
        shown = {name for one in mine for name in one.disclosed_fields}
        only_asked = mine and not any(one.assigned_at for one in mine)
        if only_asked and not shown & {"description", "need_detail"} and CANARY in shown_to(person, step):
            yield f"{person} reads the description"


@claim
def i29_strangers_know_nothing(step: Step) -> Iterable[str]:
    for person in ("genda", "kashi", "seki", "admin"):
        if ACTORS[person].org_id == step.after.company_id:
            continue  # its company took the other one's place
        if is_party(step.after, ACTORS[person], step.after.updated_at):
            yield f"{person} is taken for a party"


# records


def unfit(value: Any) -> bool:
    """Whether *value* has no canonical form: a fraction, a null, or text that is not NFC."""
    if isinstance(value, Mapping):
        return any(unfit(key) or unfit(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(unfit(item) for item in value)
    if isinstance(value, str):
        return not unicodedata.is_normalized("NFC", value)
    return value is None or isinstance(value, float)


@claim
def events_are_ready_to_be_kept(step: Step) -> Iterable[str]:
    for event in step.new:
        body = event.data.model_dump(mode="json", exclude_none=True, by_alias=True)
        if unfit(body):
            yield f"{event.type} has no canonical form"
        if type(event.data).model_validate_json(json.dumps(body)) != event.data:
            yield f"{event.type} does not survive JSON"


@claim
def versions_are_consecutive(step: Step) -> Iterable[str]:
    if [one.version for one in step.told] != list(range(1, len(step.told) + 1)):
        yield "a version is missing or doubled"
    if step.after.version != len(step.told) or len({one.event_id for one in step.told}) != len(step.told):
        yield "the state counts otherwise, or an id is doubled"


def step_of(story: Story, person: str, before: Case | None, new: tuple[Event, ...]) -> Step:
    """What *story* just did, as a step."""
    assert story.last is not None
    return Step(story.last.name, person, before, new, story.state, tuple(story.events))

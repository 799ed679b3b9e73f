"""Duplicates and merging: two referrals of one wish become one case, and no bank learns of the other (invariant 24)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from pydantic import Field, model_validator

from domain.consents import BANK_RELATION, NEED_DETAIL, active_consent, is_active
from domain.envelope import SYSTEM, Command, CommandData, Event, EventData, made_id
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.likeness import likeness
from domain.records import Amount, Key, Line, Text
from domain.stages.closing import CaseClosed, CaseReopened, open_work
from domain.state import Case, Referral, Suspicion, changed
from domain.terms import Disposition, Role, Status

BASIS: Final = "企業が同じで、文面が近い。"
"""On what the system's suspicion rests."""


class DuplicateSuspected(EventData):
    """Another case may be about the same wish."""

    carries: ClassVar[Mapping[str, str]] = {"basis": NEED_DETAIL}
    other_case_id: Key
    score: Amount | None = None
    basis: Text | None = None


class DuplicateDismissed(EventData):
    """The other case is about something else."""

    other_case_id: Key


class CaseMergedInto(EventData):
    """The case is handled together with another one from now on."""

    surviving_case_id: Key


class ReferralAttached(EventData):
    """Another bank's referral follows this case from now on."""

    carries: ClassVar[Mapping[str, str]] = {"bank_id": BANK_RELATION, "bank_reference": BANK_RELATION}
    referral_id: Key
    bank_id: Key
    bank_reference: Line | None = None
    absorbed_case_id: Key | None = None
    home_case_id: Key | None = None
    """The case under whose id the bank knows it, where an earlier merge had brought it into the absorbed one."""


class SuspectDuplicate(CommandData):
    """Note that another case may be about the same wish."""

    example: ClassVar[Mapping[str, Any]] = {"other_case_id": "b1", "score": "0.91", "basis": "法人番号と文面が近い。"}
    other_case_id: Key
    score: Amount | None = None
    basis: Text | None = None


class DismissDuplicate(CommandData):
    """Decide that the other case is about something else."""

    example: ClassVar[Mapping[str, Any]] = {"other_case_id": "b1"}
    other_case_id: Key


class MergeCases(CommandData):
    """Merge two cases of one company; a senior coordinator confirms.

    Name the case that survives, or the one that is absorbed; the other one is the case the command is given to.
    """

    example: ClassVar[Mapping[str, Any]] = {"surviving_case_id": "a1"}
    surviving_case_id: Key | None = None
    absorbed_case_id: Key | None = None
    group_document_id: Key | None = None
    """The document that shows two companies to be of one group."""

    @model_validator(mode="after")
    def _names_one(self) -> "MergeCases":
        if (self.surviving_case_id is None) == (self.absorbed_case_id is None):
            raise ValueError("surviving_case_id: name the other case once, as surviving or as absorbed")
        return self


class CompleteMerge(CommandData):
    """The other half of a merge, or of its end, which follows by itself."""

    example: ClassVar[Mapping[str, Any]] = {"surviving_case_id": "a1"}
    surviving_case_id: Key | None = None
    referrals: tuple[ReferralAttached, ...] = Field((), max_length=10)
    separated_case_id: Key | None = None


@decides(SuspectDuplicate, by={Role.coordinator, Role.system})
def suspect_duplicate(case: Case, data: SuspectDuplicate, ask: Ask) -> Iterable[EventData]:
    """A person names the other case once, the system before anybody has."""
    require(data.other_case_id != case.case_id, "merge_not_possible", "/data/other_case_id", fact="same case")
    known = case.duplicates.get(data.other_case_id)
    if known and ask.actor.role is Role.system:
        return []
    require(known is None or known.by_system, "already_done", fact=data.other_case_id)
    return [DuplicateSuspected(**data.model_dump())]


def suspicions(case: Case, others: Iterable[Case], event: Event, alike: Decimal) -> list[Command]:
    """What the system does where the need that *event* brought to *case* reads as that of one of *others* does.

    Both cases of the likest two are suspected, if they are at least *alike*; of one company, and open.
    """
    fit = [
        (likeness(case.need, one.need), one) for one in others if case.need and one.need and _may_be(case, one, event)
    ]
    score, other = max(fit, key=lambda found: found[0], default=(Decimal(0), None))
    if other is None or score < alike:
        return []
    return [_suspect(one, another, score, event) for one, another in ((case, other), (other, case))]


def _may_be(case: Case, other: Case, event: Event) -> bool:
    same = other.company_id is not None and other.company_id == case.company_id
    going = other.is_open and active_consent(other, event.recorded_at) is not None
    return same and going and other.case_id != case.case_id


def _suspect(case: Case, other: Case, score: Decimal, event: Event) -> Command:
    data = SuspectDuplicate(other_case_id=other.case_id, score=str(score), basis=BASIS)
    command_id = made_id("suspect", f"{event.event_id}:{case.case_id}")
    return Command(command_id=command_id, case_id=case.case_id, name="SuspectDuplicate", data=data, actor=SYSTEM)


@decides(DismissDuplicate, by={Role.coordinator}, reason=True)
def dismiss_duplicate(case: Case, data: DismissDuplicate, ask: Ask) -> Iterable[EventData]:
    """Only what was suspected can be dismissed."""
    suspected = data.other_case_id in case.duplicates
    require(suspected, "invalid_field", "/data/other_case_id", problem="was not suspected")
    return [DuplicateDismissed(other_case_id=data.other_case_id)]


_SECOND: Final = frozenset({Role.senior_coordinator})


@decides(MergeCases, by={Role.coordinator}, confirmed_by=_SECOND)
def merge_cases(case: Case, data: MergeCases, ask: Ask) -> Iterable[EventData]:
    """The same company or one group, both open, and one of the two absorbed (invariant 24)."""
    other_id = data.surviving_case_id or data.absorbed_case_id
    other = ask.context.others.get(f"case-{other_id}")
    if not isinstance(other, Case) or other.case_id == case.case_id:
        refuse("merge_not_possible", "/data", fact=f"{other_id} is no other case")
    absorbed, survivor = (case, other) if data.surviving_case_id else (other, case)
    _require_one_group(absorbed, survivor, data, ask)
    work = open_work(absorbed)
    require(not work, "merge_not_possible", "/data", fact=", ".join(work))
    require(other.is_open, "merge_not_possible", "/data", fact=f"{other_id} is closed")
    _require_wider_consent(absorbed, survivor, ask)
    if data.surviving_case_id:
        return [CaseMergedInto(surviving_case_id=other.case_id), _merged()]
    attached = list(_attached(other))
    require(attached, "merge_not_possible", "/data", fact="no referral goes over; name the surviving case")
    return attached


def _require_one_group(absorbed: Case, survivor: Case, data: MergeCases, ask: Ask) -> None:
    """One company; or two of one group, where the survivor's own consent lets the other's banks know of it."""
    known = absorbed.company_id is not None and survivor.company_id is not None
    same = known and absorbed.company_id == survivor.company_id
    require(same or (known and data.group_document_id), "merge_not_possible", "/data", fact="the companies differ")
    if same:
        return
    named = {name for one in survivor.consents.values() if is_active(one, ask.now) for name in one.recipients}
    strange = [one.bank_id for one in absorbed.referrals if one.until is None and not {one.bank_id, "banks"} & named]
    require(not strange, "recipient_not_consented", "/data", recipient=", ".join(strange))


def _require_wider_consent(absorbed: Case, survivor: Case, ask: Ask) -> None:
    """The survivor's consents cover the purposes of both, else the company consents anew first."""
    purposes = [
        {name for one in case.consents.values() for name in one.purposes if is_active(one, ask.now, name)}
        for case in (absorbed, survivor)
    ]
    lacking = sorted(purposes[0] - purposes[1])
    require(not lacking, "merge_not_possible", "/data", fact=f"RecordConsent: {', '.join(lacking)}")


def _merged() -> EventData:
    return CaseClosed(disposition=Disposition.merged)


def _attached(absorbed: Case) -> Iterable[ReferralAttached]:
    """The referrals that go over: those that have not ended."""
    for one in absorbed.referrals:
        if one.until is not None:
            continue
        yield ReferralAttached(
            referral_id=one.referral_id,
            bank_id=one.bank_id,
            bank_reference=one.bank_reference,
            absorbed_case_id=absorbed.case_id,
            home_case_id=one.home,
        )


@decides(CompleteMerge, by={Role.system}, without_consent=True, when_closed=True)
def complete_merge(case: Case, data: CompleteMerge, ask: Ask) -> Iterable[EventData]:
    """What the first half decided; a second time it changes nothing."""
    if data.separated_case_id:
        attached = any(one.attached_from == data.separated_case_id and one.until is None for one in case.referrals)
        return [DuplicateDismissed(other_case_id=data.separated_case_id)] if attached else []
    if data.surviving_case_id:
        if not case.is_open:
            return []
        return [CaseMergedInto(surviving_case_id=data.surviving_case_id), _merged()]
    known = {one.referral_id for one in case.referrals if one.until is None}
    return [one for one in data.referrals if one.referral_id not in known]


def other_half(case: Case, event: Event) -> Command | None:
    """The command that completes in the other case what *event* began in *case*; None where nothing follows."""
    if event.actor.role is Role.system:
        return None
    if isinstance(event.data, CaseMergedInto):
        target = event.data.surviving_case_id
        data = CompleteMerge(referrals=tuple(_attached(case)))
    elif isinstance(event.data, ReferralAttached) and event.data.absorbed_case_id:
        target = event.data.absorbed_case_id
        data = CompleteMerge(surviving_case_id=case.case_id)
    elif isinstance(event.data, CaseReopened) and event.data.separated_from:
        target = event.data.separated_from
        data = CompleteMerge(separated_case_id=case.case_id)
    else:
        return None
    command_id = made_id("merge", event.command_id)
    return Command(command_id=command_id, case_id=target, name="CompleteMerge", data=data, actor=SYSTEM)


@evolves(DuplicateSuspected, bank=View.hidden)
def duplicate_suspected(case: Case, fact: DuplicateSuspected, event: Event) -> Case:
    """The suspicion waits for a decision, from its first moment on."""
    known = case.duplicates.get(fact.other_case_id)
    suspicion = Suspicion(since=known.since if known else event.recorded_at, by_system=event.actor.role is Role.system)
    return case.but(duplicates={**case.duplicates, fact.other_case_id: suspicion})


@evolves(DuplicateDismissed, bank=View.hidden)
def duplicate_dismissed(case: Case, fact: DuplicateDismissed, event: Event) -> Case:
    """The suspicion is gone; what a merge had brought from the other case goes on there."""
    return case.but(
        duplicates={key: one for key, one in case.duplicates.items() if key != fact.other_case_id},
        referrals=tuple(
            changed(one, until=event.version) if one.attached_from == fact.other_case_id and one.until is None else one
            for one in case.referrals
        ),
    )


@evolves(CaseMergedInto, bank=View.summary)
def case_merged_into(case: Case, fact: CaseMergedInto, event: Event) -> Case:
    """The case goes on elsewhere."""
    survivor = fact.surviving_case_id
    return case.but(duplicates={}, merged_into=survivor, went_into=(*case.went_into, survivor), status=Status.closed)


@evolves(ReferralAttached, bank=View.full)
def referral_attached(case: Case, fact: ReferralAttached, event: Event) -> Case:
    """The referral follows from here on, under its own name, and sees nothing from before."""
    one = Referral(
        referral_id=fact.referral_id,
        bank_id=fact.bank_id,
        bank_reference=fact.bank_reference or "-",
        since=event.version,
        attached_from=fact.absorbed_case_id,
        home=fact.home_case_id or fact.absorbed_case_id,
    )
    kept = {key: one for key, one in case.duplicates.items() if key != fact.absorbed_case_id}
    return case.but(referrals=(*case.referrals, one), duplicates=kept)

"""S8 transfer 技術移転, first half: inventions are disclosed, owned, filed and granted (invariants 18, 19)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from pydantic import AliasChoices, Field

from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, Day, Key, Line
from domain.stages.agreement import find
from domain.stages.research import BACKGROUND
from domain.state import Case, Invention, changed
from domain.terms import Owner, Role, Stage


class InventionDisclosed(EventData):
    """An invention was disclosed to the institution."""

    invention_id: Key
    inventors: tuple[Line, ...]
    related_agreement: Key
    publication_planned_on: Day | None = None
    title: Line | None = None


class InventionOwnershipDecided(EventData):
    """The institution decided who owns the invention."""

    invention_id: Key
    owner: Owner


class PatentApplicationFiled(EventData):
    """A patent application was filed."""

    invention_id: Key
    office: Code
    number: Line | None = None
    joint: bool = False
    applicants: tuple[Line, ...] = ()


class PatentGranted(EventData):
    """A patent was granted."""

    invention_id: Key
    office: Code
    number: Line | None = None
    joint: bool = False
    applicants: tuple[Line, ...] = ()


class DiscloseInvention(CommandData):
    """Disclose an invention to the institution."""

    creates: ClassVar[Mapping[str, str]] = {"invention_id": "invention"}
    example: ClassVar[Mapping[str, Any]] = {"inventors": ["hayashi"], "publication_planned_on": "2027-12-01"}
    invention_id: Key | None = None
    inventors: tuple[Line, ...] = Field(min_length=1, max_length=30)
    related_agreement: Key | None = Field(None, validation_alias=AliasChoices("related_agreement", "agreement_id"))
    publication_planned_on: Day | None = None
    title: Line | None = None


class DecideOwnership(CommandData):
    """Decide who owns an invention."""

    example: ClassVar[Mapping[str, Any]] = {"owner": "joint"}
    invention_id: Key | None = None
    owner: Owner


class RecordFiling(CommandData):
    """Record a patent application."""

    example: ClassVar[Mapping[str, Any]] = {"office": "jpo", "joint": True, "applicants": ["kyudai", "ariake"]}
    invention_id: Key | None = None
    office: Code = "jpo"
    number: Line | None = None
    joint: bool = False
    applicants: tuple[Line, ...] = Field((), max_length=20)


class RecordGrant(RecordFiling):
    """Record a granted patent."""

    example: ClassVar[Mapping[str, Any]] = {"office": "jpo", "number": "特許第0000000号"}


def find_invention(case: Case, invention_id: str | None) -> Invention:
    """The invention meant; without an id the newest. Refuses with `invalid_field`."""
    found = case.inventions.get(invention_id) if invention_id else next(reversed(case.inventions.values()), None)
    if found is None:
        refuse("invalid_field", "/data/invention_id", problem="there is no such invention")
    return found


def require_own_invention(one: Invention, ask: Ask) -> None:
    """Another institution's office has no say in the invention (invariants 19, 29)."""
    mine = ask.actor.role is not Role.university_liaison or ask.actor.org_id == one.institution_id
    require(mine, "not_permitted", role=ask.actor.role, command=ask.command.name)


@decides(DiscloseInvention, by={Role.researcher, Role.university_liaison})
def disclose_invention(case: Case, data: DiscloseInvention, ask: Ask) -> Iterable[EventData]:
    """An invention belongs to an agreement of the case, or to the background (invariant 18)."""
    related = data.related_agreement
    if related is None and not case.agreements:
        related = BACKGROUND
    agreement_id = BACKGROUND if related == BACKGROUND else find(case, related, signed=True).agreement_id
    invention_id = data.invention_id or ask.new_id("invention")
    require(invention_id not in case.inventions, "already_done", "/data/invention_id", fact=invention_id)
    return [
        InventionDisclosed(
            invention_id=invention_id,
            inventors=data.inventors,
            related_agreement=agreement_id,
            publication_planned_on=data.publication_planned_on,
            title=data.title,
        )
    ]


@decides(DecideOwnership, by={Role.university_liaison})
def decide_ownership(case: Case, data: DecideOwnership, ask: Ask) -> Iterable[EventData]:
    """Ownership is decided once, by the institution the invention was disclosed to."""
    one = find_invention(case, data.invention_id)
    require_own_invention(one, ask)
    require(one.owner is None, "already_done", "/data/invention_id", fact=f"{one.invention_id}: {one.owner}")
    return [InventionOwnershipDecided(invention_id=one.invention_id, owner=data.owner)]


_FILERS: Final = frozenset({Role.university_liaison, Role.tlo_officer, Role.company_representative})


@decides(RecordFiling, by=_FILERS)
def record_filing(case: Case, data: RecordFiling, ask: Ask) -> Iterable[EventData]:
    """A filing names its invention."""
    one = find_invention(case, data.invention_id)
    require_own_invention(one, ask)
    return [PatentApplicationFiled(**{**data.model_dump(), "invention_id": one.invention_id})]


@decides(RecordGrant, by=_FILERS)
def record_grant(case: Case, data: RecordGrant, ask: Ask) -> Iterable[EventData]:
    """A grant follows a filing."""
    one = find_invention(case, data.invention_id)
    require_own_invention(one, ask)
    require(one.filings, "not_yet_happened", "/data/invention_id", at="PatentApplicationFiled")
    return [PatentGranted(**{**data.model_dump(), "invention_id": one.invention_id})]


@evolves(InventionDisclosed, bank=View.hidden)
def invention_disclosed(case: Case, fact: InventionDisclosed, event: Event) -> Case:
    """Its owner is to be decided."""
    one = Invention(
        invention_id=fact.invention_id,
        agreement_id=fact.related_agreement,
        disclosed_at=event.recorded_at,
        institution_id=event.actor.org_id,
    )
    return case.with_("inventions", fact.invention_id, one)


def with_invention(case: Case, invention_id: str, **changes: Any) -> Case:
    """*case* with *changes* to one invention."""
    return case.with_("inventions", invention_id, changed(case.inventions[invention_id], **changes))


@evolves(InventionOwnershipDecided, bank=View.summary, enters=Stage.transfer)
def invention_ownership_decided(case: Case, fact: InventionOwnershipDecided, event: Event) -> Case:
    """It is known who may transfer it."""
    return with_invention(case, fact.invention_id, owner=fact.owner)


@evolves(PatentApplicationFiled, bank=View.summary)
def patent_application_filed(case: Case, fact: PatentApplicationFiled, event: Event) -> Case:
    """One more filing."""
    filings = (*case.inventions[fact.invention_id].filings, fact.office)
    return with_invention(case, fact.invention_id, filings=filings)


@evolves(PatentGranted, bank=View.full)
def patent_granted(case: Case, fact: PatentGranted, event: Event) -> Case:
    """The patent stands."""
    return with_invention(case, fact.invention_id, granted=True)

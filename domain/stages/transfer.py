"""S8 transfer 技術移転: inventions, publications, licenses and start-ups (invariants 18-20)."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import AliasChoices, Field

from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, Day, Key, Line
from domain.stages.agreement import find
from domain.stages.research import BACKGROUND
from domain.state import Case, Invention, Publication, Transfer, changed
from domain.terms import Band, Exclusivity, Owner, Role, Stage

STARTUP: Final = "startup"
"""The kind of a transfer that is a new company."""


class ReviewResult(StrEnum):
    """How a review before publication ends."""

    cleared = "cleared"
    delayed = "delayed"


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


class PublicationReviewRequested(EventData):
    """Somebody wants to publish; the parties look at it first."""

    publication_id: Key
    due_on: Day | None = None


class PublicationCleared(EventData):
    """The publication may go out, or waits until a day."""

    publication_id: Key
    result: ReviewResult
    delayed_until: Day | None = None


class ResultsPublished(EventData):
    """Results are public."""

    happens: ClassVar[str] = "on"
    publication_id: Key
    on: Day


class LicenseGranted(EventData):
    """The owner lets another use the invention."""

    transfer_id: Key
    invention_ids: tuple[Key, ...]
    licensor: Line | None = None
    licensee: Line | None = None
    exclusivity: Exclusivity
    field: Line | None = None
    territory: Line | None = None
    term: Line | None = None
    consideration_band: Band | None = None
    co_owner_consent: Key | None = None


class RightsAssigned(EventData):
    """The owner hands the right itself over."""

    transfer_id: Key
    invention_ids: tuple[Key, ...]
    licensor: Line | None = None
    licensee: Line | None = None
    consideration_band: Band | None = None
    co_owner_consent: Key | None = None


class KnowHowTransferred(EventData):
    """Know-how was handed over."""

    transfer_id: Key
    invention_ids: tuple[Key, ...] = ()
    licensor: Line | None = None
    licensee: Line | None = None
    field: Line | None = None
    term: Line | None = None
    consideration_band: Band | None = None


class TransferAbandoned(EventData):
    """No transfer comes of these inventions."""

    invention_ids: tuple[Key, ...]


class StartupFounded(EventData):
    """A company was founded on the technology."""

    happens: ClassVar[str] = "founded_on"
    startup_company_id: Key
    founded_on: Day


class StartupListed(EventData):
    """The start-up went public."""

    happens: ClassVar[str] = "listed_on"
    startup_company_id: Key
    market: Line
    listed_on: Day


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


class RequestPublicationReview(CommandData):
    """Ask the parties to look at a planned publication."""

    creates: ClassVar[Mapping[str, str]] = {"publication_id": "publication"}
    example: ClassVar[Mapping[str, Any]] = {"due_on": "2027-11-22"}
    publication_id: Key | None = None
    due_on: Day | None = None


class ClearPublication(CommandData):
    """Clear a publication, or delay it until a day."""

    example: ClassVar[Mapping[str, Any]] = {"result": "cleared"}
    publication_id: Key | None = None
    result: ReviewResult = ReviewResult.cleared
    delayed_until: Day | None = None


class PublishResults(CommandData):
    """Record that results are public."""

    example: ClassVar[Mapping[str, Any]] = {"on": "2027-12-01"}
    publication_id: Key | None = None
    on: Day | None = None


class RecordKnowHow(CommandData):
    """Record know-how handed over."""

    creates: ClassVar[Mapping[str, str]] = {"transfer_id": "transfer"}
    example: ClassVar[Mapping[str, Any]] = {"licensor": "kyudai", "licensee": "ariake", "field": "焼結条件"}
    transfer_id: Key | None = None
    invention_ids: tuple[Key, ...] = Field((), max_length=50)
    licensor: Line | None = None
    licensee: Line | None = None
    field: Line | None = None
    term: Line | None = None
    consideration_band: Band | None = None


class RecordAssignmentOfRights(CommandData):
    """Record that the right itself was handed over."""

    creates: ClassVar[Mapping[str, str]] = {"transfer_id": "transfer"}
    example: ClassVar[Mapping[str, Any]] = {"licensor": "kyudai", "licensee": "ariake"}
    transfer_id: Key | None = None
    invention_ids: tuple[Key, ...] = Field((), max_length=50)
    licensor: Line | None = None
    licensee: Line | None = None
    consideration_band: Band | None = None
    co_owner_consent: Key | None = None


class RecordLicense(RecordAssignmentOfRights):
    """Record a license."""

    example: ClassVar[Mapping[str, Any]] = {
        "licensor": "kyudai",
        "licensee": "ariake",
        "exclusivity": "exclusive",
        "field": "耐熱ガラス部品",
        "territory": "日本",
    }
    exclusivity: Exclusivity = Exclusivity.exclusive
    field: Line | None = None
    territory: Line | None = None
    term: Line | None = None


class AbandonTransfer(CommandData):
    """Give up the transfer of inventions."""

    example: ClassVar[Mapping[str, Any]] = {}
    invention_ids: tuple[Key, ...] = Field((), max_length=50)


class RecordStartup(CommandData):
    """Record that a start-up was founded, or that it was listed."""

    example: ClassVar[Mapping[str, Any]] = {"startup_company_id": "model-mouse", "founded_on": "2027-01-26"}
    startup_company_id: Key
    founded_on: Day | None = None
    market: Line | None = None
    listed_on: Day | None = None
    result: Code | None = None


def _invention(case: Case, invention_id: str | None) -> Invention:
    found = case.inventions.get(invention_id) if invention_id else next(reversed(case.inventions.values()), None)
    if found is None:
        refuse("invalid_field", "/data/invention_id", problem="there is no such invention")
    return found


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
    """Ownership is decided once."""
    one = _invention(case, data.invention_id)
    require(one.owner is None, "already_done", "/data/invention_id", fact=f"{one.invention_id}: {one.owner}")
    return [InventionOwnershipDecided(invention_id=one.invention_id, owner=data.owner)]


_FILERS: Final = frozenset({Role.university_liaison, Role.tlo_officer, Role.company_representative})


@decides(RecordFiling, by=_FILERS)
def record_filing(case: Case, data: RecordFiling, ask: Ask) -> Iterable[EventData]:
    """A filing names its invention."""
    one = _invention(case, data.invention_id)
    return [PatentApplicationFiled(**{**data.model_dump(), "invention_id": one.invention_id})]


@decides(RecordGrant, by=_FILERS)
def record_grant(case: Case, data: RecordGrant, ask: Ask) -> Iterable[EventData]:
    """A grant follows a filing."""
    one = _invention(case, data.invention_id)
    require(one.filings, "not_yet_happened", "/data/invention_id", at="PatentApplicationFiled")
    return [PatentGranted(**{**data.model_dump(), "invention_id": one.invention_id})]


@decides(RequestPublicationReview, by={Role.researcher})
def request_publication_review(case: Case, data: RequestPublicationReview, ask: Ask) -> Iterable[EventData]:
    """The parties look before anything is public."""
    publication_id = data.publication_id or ask.new_id("publication")
    require(publication_id not in case.publications, "already_done", fact=publication_id)
    return [PublicationReviewRequested(publication_id=publication_id, due_on=data.due_on)]


def _publication(case: Case, publication_id: str | None) -> Publication:
    if publication_id:
        found = case.publications.get(publication_id)
    else:
        found = next(reversed(case.publications.values()), None)
    if found is None:
        refuse("invalid_field", "/data/publication_id", problem="there is no such publication")
    return found


@decides(ClearPublication, by={Role.company_representative, Role.university_liaison})
def clear_publication(case: Case, data: ClearPublication, ask: Ask) -> Iterable[EventData]:
    """A review ends with yes or with a later day."""
    one = _publication(case, data.publication_id)
    require(not one.cleared, "already_done", "/data/publication_id", fact=one.publication_id)
    result = ReviewResult.delayed if data.delayed_until else data.result
    return [PublicationCleared(publication_id=one.publication_id, result=result, delayed_until=data.delayed_until)]


@decides(PublishResults, by={Role.researcher})
def publish_results(case: Case, data: PublishResults, ask: Ask) -> Iterable[EventData]:
    """Nothing is published while a disclosure or filing is open (invariant 20)."""
    one = _publication(case, data.publication_id)
    on = data.on or ask.day
    waits = one.delayed_until is not None and on < one.delayed_until
    require(one.cleared and not waits, "publication_review_open", publication=one.publication_id)
    require(one.published_on is None, "already_done", "/data/publication_id", fact=one.publication_id)
    require(on <= ask.today, "not_yet_happened", "/data/on", at=on)
    return [ResultsPublished(publication_id=one.publication_id, on=on)]


def _owned(case: Case, data: RecordAssignmentOfRights, ask: Ask) -> tuple[str, ...]:
    ids = data.invention_ids or tuple(key for key, one in case.inventions.items() if one.owner)
    require(ids, "not_owner", "/data/invention_ids", fact="DecideOwnership")
    for key in ids:
        one = _invention(case, key)
        mine = one.owner in {Owner.institution, Owner.joint} and not one.handed_over
        require(mine, "not_owner", "/data/invention_ids", fact=f"{key}: {one.owner or 'undecided'}")
        if one.owner is Owner.joint:
            consent = data.co_owner_consent
            require(consent, "co_owner_consent_required", "/data/co_owner_consent", invention=key)
    return ids


_LICENSORS: Final = frozenset({Role.tlo_officer, Role.university_liaison})


def _transfer_id(case: Case, brought: str | None, ask: Ask) -> str:
    transfer_id = brought or ask.new_id("transfer")
    require(transfer_id not in case.transfers, "already_done", "/data/transfer_id", fact=transfer_id)
    return transfer_id


@decides(RecordLicense, by=_LICENSORS)
def record_license(case: Case, data: RecordLicense, ask: Ask) -> Iterable[EventData]:
    """Only the decided owner, with the co-owner's consent (invariant 19)."""
    ids = _owned(case, data, ask)
    transfer_id = _transfer_id(case, data.transfer_id, ask)
    return [LicenseGranted(**{**data.model_dump(), "transfer_id": transfer_id, "invention_ids": ids})]


@decides(RecordAssignmentOfRights, by=_LICENSORS)
def record_assignment_of_rights(case: Case, data: RecordAssignmentOfRights, ask: Ask) -> Iterable[EventData]:
    """Only the decided owner, with the co-owner's consent (invariant 19)."""
    ids = _owned(case, data, ask)
    transfer_id = _transfer_id(case, data.transfer_id, ask)
    return [RightsAssigned(**{**data.model_dump(), "transfer_id": transfer_id, "invention_ids": ids})]


@decides(RecordKnowHow, by=_LICENSORS)
def record_know_how(case: Case, data: RecordKnowHow, ask: Ask) -> Iterable[EventData]:
    """Know-how needs no invention."""
    for key in data.invention_ids:
        _invention(case, key)
    transfer_id = _transfer_id(case, data.transfer_id, ask)
    return [KnowHowTransferred(**{**data.model_dump(), "transfer_id": transfer_id})]


@decides(AbandonTransfer, by=_LICENSORS, reason=True)
def abandon_transfer(case: Case, data: AbandonTransfer, ask: Ask) -> Iterable[EventData]:
    """A transfer may fail, with its reason."""
    ids = data.invention_ids or tuple(case.inventions)
    for key in ids:
        _invention(case, key)
    require(ids, "invalid_field", "/data/invention_ids", problem="there is no invention")
    return [TransferAbandoned(invention_ids=ids)]


@decides(RecordStartup, by={Role.university_liaison, Role.coordinator}, coordinated=True)
def record_startup(case: Case, data: RecordStartup, ask: Ask) -> Iterable[EventData]:
    """Founded, or listed on a market."""
    if data.listed_on is not None or data.result == "listed":
        listed_on = data.listed_on or ask.day
        require(listed_on <= ask.today, "not_yet_happened", "/data/listed_on", at=listed_on)
        founded = case.transfers.get(data.startup_company_id)
        require(
            founded and founded.kind == STARTUP, "not_yet_happened", "/data/startup_company_id", at="StartupFounded"
        )
        return [
            StartupListed(startup_company_id=data.startup_company_id, market=data.market or "-", listed_on=listed_on)
        ]
    founded_on = data.founded_on or ask.day
    require(founded_on <= ask.today, "not_yet_happened", "/data/founded_on", at=founded_on)
    return [StartupFounded(startup_company_id=data.startup_company_id, founded_on=founded_on)]


@evolves(InventionDisclosed, bank=View.hidden)
def invention_disclosed(case: Case, fact: InventionDisclosed, event: Event) -> Case:
    """Its owner is to be decided."""
    one = Invention(invention_id=fact.invention_id, agreement_id=fact.related_agreement, disclosed_at=event.recorded_at)
    return case.with_("inventions", fact.invention_id, one)


def _with(case: Case, invention_id: str, **changes: Any) -> Case:
    return case.with_("inventions", invention_id, changed(case.inventions[invention_id], **changes))


@evolves(InventionOwnershipDecided, bank=View.summary, enters=Stage.transfer)
def invention_ownership_decided(case: Case, fact: InventionOwnershipDecided, event: Event) -> Case:
    """It is known who may transfer it."""
    return _with(case, fact.invention_id, owner=fact.owner)


@evolves(PatentApplicationFiled, bank=View.summary)
def patent_application_filed(case: Case, fact: PatentApplicationFiled, event: Event) -> Case:
    """One more filing."""
    filings = (*case.inventions[fact.invention_id].filings, fact.office)
    return _with(case, fact.invention_id, filings=filings)


@evolves(PatentGranted, bank=View.full)
def patent_granted(case: Case, fact: PatentGranted, event: Event) -> Case:
    """The patent stands."""
    return _with(case, fact.invention_id, granted=True)


@evolves(PublicationReviewRequested, bank=View.hidden)
def publication_review_requested(case: Case, fact: PublicationReviewRequested, event: Event) -> Case:
    """The review is open."""
    one = Publication(publication_id=fact.publication_id, requested_at=event.recorded_at, due_on=fact.due_on)
    return case.with_("publications", fact.publication_id, one)


@evolves(PublicationCleared, bank=View.hidden)
def publication_cleared(case: Case, fact: PublicationCleared, event: Event) -> Case:
    """The review is over."""
    cleared = fact.result is ReviewResult.cleared or fact.delayed_until is not None
    one = changed(case.publications[fact.publication_id], cleared=cleared, delayed_until=fact.delayed_until)
    return case.with_("publications", fact.publication_id, one)


@evolves(ResultsPublished, bank=View.full)
def results_published(case: Case, fact: ResultsPublished, event: Event) -> Case:
    """The publication is on record."""
    one = changed(case.publications[fact.publication_id], published_on=fact.on)
    return case.with_("publications", fact.publication_id, one)


def _transferred(case: Case, kind: str, fact: LicenseGranted | RightsAssigned | KnowHowTransferred) -> Case:
    one = Transfer(
        transfer_id=fact.transfer_id,
        kind=kind,
        invention_ids=fact.invention_ids,
        exclusivity=fact.exclusivity if isinstance(fact, LicenseGranted) else None,
    )
    return case.with_("transfers", fact.transfer_id, one)


@evolves(LicenseGranted, bank=View.full, enters=Stage.transfer)
def license_granted(case: Case, fact: LicenseGranted, event: Event) -> Case:
    """The technology is licensed."""
    return _transferred(case, "license", fact)


@evolves(RightsAssigned, bank=View.full, enters=Stage.transfer)
def rights_assigned(case: Case, fact: RightsAssigned, event: Event) -> Case:
    """The right has a new owner."""
    after = case
    for key in fact.invention_ids:
        after = _with(after, key, handed_over=True)
    return _transferred(after, "assignment_of_rights", fact)


@evolves(KnowHowTransferred, bank=View.full, enters=Stage.transfer)
def know_how_transferred(case: Case, fact: KnowHowTransferred, event: Event) -> Case:
    """The know-how is handed over."""
    return _transferred(case, "know_how", fact)


@evolves(TransferAbandoned, bank=View.summary)
def transfer_abandoned(case: Case, fact: TransferAbandoned, event: Event) -> Case:
    """The end of the attempt is on record."""
    return case.but(reason=event.reason or case.reason)


@evolves(StartupFounded, bank=View.full, enters=Stage.transfer)
def startup_founded(case: Case, fact: StartupFounded, event: Event) -> Case:
    """A company carries the technology on."""
    one = Transfer(transfer_id=fact.startup_company_id, kind=STARTUP, invention_ids=())
    return case.with_("transfers", fact.startup_company_id, one)


@evolves(StartupListed, bank=View.full)
def startup_listed(case: Case, fact: StartupListed, event: Event) -> Case:
    """The listing is on record."""
    return case

"""S8 transfer 技術移転, second half: licenses, assignments, know-how and start-ups (invariant 19)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, Day, Key, Line
from domain.stages.inventions import find_invention, require_own_invention, with_invention
from domain.state import Case, Invention, Transfer, changed
from domain.terms import Band, Exclusivity, OrganizationKind, Owner, Role, Stage

STARTUP: Final = "startup"
"""The kind of a transfer that is a new company."""


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
    field: Line | None = None
    territory: Line | None = None
    term: Line | None = None
    consideration_band: Band | None = None
    co_owner_consent: Key | None = None


class KnowHowTransferred(EventData):
    """Know-how was handed over."""

    transfer_id: Key
    invention_ids: tuple[Key, ...] = ()
    licensor: Line | None = None
    licensee: Line | None = None
    exclusivity: Exclusivity | None = None
    field: Line | None = None
    territory: Line | None = None
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


class RecordKnowHow(CommandData):
    """Record know-how handed over."""

    creates: ClassVar[Mapping[str, str]] = {"transfer_id": "transfer"}
    example: ClassVar[Mapping[str, Any]] = {"licensor": "kyudai", "licensee": "ariake", "field": "焼結条件"}
    transfer_id: Key | None = None
    invention_ids: tuple[Key, ...] = Field((), max_length=50)
    licensor: Line | None = None
    licensee: Line | None = None
    exclusivity: Exclusivity | None = None
    field: Line | None = None
    territory: Line | None = None
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
    field: Line | None = None
    territory: Line | None = None
    term: Line | None = None
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


_TRANSFERABLE: Final = frozenset({Owner.institution, Owner.joint})


def _owned(case: Case, data: RecordAssignmentOfRights, ask: Ask) -> tuple[str, ...]:
    """The inventions that are transferred: of the owner who transfers, with the co-owner's word."""
    free = (key for key, one in case.inventions.items() if one.owner in _TRANSFERABLE and not one.handed_over)
    ids = data.invention_ids or tuple(free)
    require(ids, "not_owner", "/data/invention_ids", fact="DecideOwnership")
    for key in ids:
        one = find_invention(case, key)
        mine = one.owner in _TRANSFERABLE and not one.handed_over
        require(mine, "not_owner", "/data/invention_ids", fact=f"{key}: {one.owner or 'undecided'}")
        require_own_invention(one, ask)
        _require_licensor(case, one, data.licensor, ask)
        if one.owner is Owner.joint:
            consent = data.co_owner_consent
            require(consent, "co_owner_consent_required", "/data/co_owner_consent", invention=key)
    return ids


def _require_licensor(case: Case, one: Invention, licensor: str | None, ask: Ask) -> None:
    """A known organization that transfers is the owner, or a TLO that acts for it."""
    known = ask.directory.organizations.get(licensor or "")
    if known is None or known.kind is OrganizationKind.tlo:
        return
    owners = {one.institution_id, *({case.company_id} if one.owner is Owner.joint else ())}
    require(known.org_id in owners, "not_owner", "/data/licensor", fact=f"{one.invention_id}: {licensor}")


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
        find_invention(case, key)
    transfer_id = _transfer_id(case, data.transfer_id, ask)
    return [KnowHowTransferred(**{**data.model_dump(), "transfer_id": transfer_id})]


@decides(AbandonTransfer, by=_LICENSORS, reason=True)
def abandon_transfer(case: Case, data: AbandonTransfer, ask: Ask) -> Iterable[EventData]:
    """A transfer may fail, with its reason."""
    ids = data.invention_ids or tuple(case.inventions)
    for key in ids:
        find_invention(case, key)
    require(ids, "invalid_field", "/data/invention_ids", problem="there is no invention")
    return [TransferAbandoned(invention_ids=ids)]


@decides(RecordStartup, by={Role.university_liaison, Role.coordinator}, coordinated=True)
def record_startup(case: Case, data: RecordStartup, ask: Ask) -> Iterable[EventData]:
    """Founded once, then perhaps listed on a market."""
    founded = case.transfers.get(data.startup_company_id)
    other = founded is not None and founded.kind != STARTUP
    require(not other, "invalid_field", "/data/startup_company_id", problem="is the id of another transfer")
    if data.listed_on is not None or data.result == "listed":
        listed_on = data.listed_on or ask.day
        require(listed_on <= ask.today, "not_yet_happened", "/data/listed_on", at=listed_on)
        if founded is None:
            refuse("not_yet_happened", "/data/startup_company_id", at="StartupFounded")
        require(not founded.listed, "already_done", "/data/startup_company_id", fact=founded.transfer_id)
        return [
            StartupListed(startup_company_id=data.startup_company_id, market=data.market or "-", listed_on=listed_on)
        ]
    founded_on = data.founded_on or ask.day
    require(founded_on <= ask.today, "not_yet_happened", "/data/founded_on", at=founded_on)
    require(founded is None, "already_done", "/data/startup_company_id", fact=data.startup_company_id)
    return [StartupFounded(startup_company_id=data.startup_company_id, founded_on=founded_on)]


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
        after = with_invention(after, key, handed_over=True)
    return _transferred(after, "assignment_of_rights", fact)


@evolves(KnowHowTransferred, bank=View.full, enters=Stage.transfer)
def know_how_transferred(case: Case, fact: KnowHowTransferred, event: Event) -> Case:
    """The know-how is handed over."""
    return _transferred(case, "know_how", fact)


@evolves(TransferAbandoned, bank=View.summary)
def transfer_abandoned(case: Case, fact: TransferAbandoned, event: Event) -> Case:
    """No transfer is to come of them."""
    after = case
    for key in fact.invention_ids:
        after = with_invention(after, key, given_up=True)
    return after.but(reason=event.reason or case.reason)


@evolves(StartupFounded, bank=View.full, enters=Stage.transfer)
def startup_founded(case: Case, fact: StartupFounded, event: Event) -> Case:
    """A company carries the technology on."""
    one = Transfer(transfer_id=fact.startup_company_id, kind=STARTUP, invention_ids=())
    return case.with_("transfers", fact.startup_company_id, one)


@evolves(StartupListed, bank=View.full)
def startup_listed(case: Case, fact: StartupListed, event: Event) -> Case:
    """The start-up is public."""
    return case.with_(
        "transfers", fact.startup_company_id, changed(case.transfers[fact.startup_company_id], listed=True)
    )

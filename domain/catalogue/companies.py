"""Companies: found or made by their corporate number; organizations that merge keep their references."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from domain.catalogue.entry import Entry, begun, require_new
from domain.envelope import SYSTEM, Command, CommandData, Event, EventData, Organization, made_id
from domain.law import Ask, decides, evolves, refuse, require
from domain.records import Code, CorporateNumber, Key, Line
from domain.terms import OrganizationKind, Role

STREAM: Final = "company"


class CompanyRegistered(EventData):
    """A company became known."""

    company_id: Key
    corporate_number: CorporateNumber | None = None
    name: Line
    prefecture: Code | None = None


class OrganizationMerged(EventData):
    """The organization goes on in another one; references to it stay."""

    organization_id: Key
    successor_id: Key


class RegisterCompany(CommandData):
    """Make a company known."""

    example: ClassVar[Mapping[str, Any]] = {
        "corporate_number": "4990101234567",
        "name": "有明陶業株式会社(架空)",
        "prefecture": "saga",
    }
    company_id: Key | None = None
    corporate_number: CorporateNumber | None = None
    name: Line
    prefecture: Code | None = None


class MergeOrganizations(CommandData):
    """Record that the organization goes on in another one."""

    example: ClassVar[Mapping[str, Any]] = {"successor_id": "ariake-holdings"}
    organization_id: Key | None = None
    successor_id: Key


class Company(Entry):
    """One company of the catalogue."""

    corporate_number: str | None
    name: str
    prefecture: str | None
    successor_id: str | None = None

    @property
    def standing(self) -> str:
        """Registered, or merged into another."""
        return "merged" if self.successor_id else "registered"


@decides(RegisterCompany, by={Role.coordinator, Role.data_steward, Role.system}, stream=STREAM, opens=True)
def register_company(one: Company | None, data: RegisterCompany, ask: Ask) -> Iterable[EventData]:
    """A company is registered once, under one id; no bank registers one, for it would learn who is known already."""
    require_new(one)
    for known in ask.directory.organizations.values():
        if known.org_id == ask.command.case_id:
            fits = known.kind is OrganizationKind.company
            require(fits, "invalid_field", "/data/company_id", problem=f"{known.org_id} is a {known.kind}")
        elif data.corporate_number and known.corporate_number == data.corporate_number:
            refuse("already_done", "/data/corporate_number", fact=known.org_id)
    return [CompanyRegistered(company_id=ask.command.case_id, **data.model_dump(exclude={"company_id"}))]


def registration(company: Organization) -> Command:
    """The system's command that gives *company* its stream, at its first case."""
    data = RegisterCompany(corporate_number=company.corporate_number, name=company.name, prefecture=company.prefecture)
    command_id = made_id("company", company.org_id)
    return Command(command_id=command_id, case_id=company.org_id, name="RegisterCompany", data=data, actor=SYSTEM)


@decides(MergeOrganizations, by={Role.data_steward}, stream=STREAM, opens=True, reason=True)
def merge_organizations(one: Company | None, data: MergeOrganizations, ask: Ask) -> Iterable[EventData]:
    """A bank, a company: both are known, of one kind; a merged organization does not merge again."""
    organization_id = ask.command.case_id
    require(one is None or one.successor_id is None, "already_done", fact=one.successor_id if one else "")
    require(data.successor_id != organization_id, "invalid_field", "/data/successor_id", problem="is the same one")
    known = ask.directory.organizations
    merged, successor = known.get(organization_id), known.get(data.successor_id)
    if merged is None:
        refuse("unknown_entry")
    if successor is None or successor.kind is not merged.kind:
        refuse("invalid_field", "/data/successor_id", problem=f"{data.successor_id} is no known {merged.kind}")
    gone = successor.successor_id
    require(gone is None, "invalid_field", "/data/successor_id", problem=f"{data.successor_id} went on in {gone}")
    return [OrganizationMerged(organization_id=organization_id, successor_id=data.successor_id)]


@evolves(CompanyRegistered, stream=STREAM)
def company_registered(one: Company | None, fact: CompanyRegistered, event: Event) -> Company:
    """The company is known."""
    return Company(**fact.model_dump(exclude={"company_id"}), **begun(event))


@evolves(OrganizationMerged, stream=STREAM)
def organization_merged(one: Company | None, fact: OrganizationMerged, event: Event) -> Company:
    """Another one follows it."""
    if one is None:
        one = Company(corporate_number=None, name=fact.organization_id, prefecture=None, **begun(event))
    return one.but(successor_id=fact.successor_id)

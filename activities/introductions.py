"""The directory and the catalogue know each other: what enters one of them becomes known to the other."""

from typing import Final

from domain.catalogue.companies import Company, registration
from domain.catalogue.institutions import Institution
from domain.envelope import Command, Directory, Organization
from domain.state import Case
from domain.streams import State
from domain.terms import OrganizationKind
from store.cases import Cases
from store.connect import Store

OPENERS: Final = frozenset({"ReferNeed", "OpenCase"})
"""Commands that may bring a company nobody knew."""
_TERMS: Final = ("name", "kind", "prefecture", "country", "indirect_rate", "payment_first")


async def enter_directory(store: Store, after: State) -> None:
    """The directory follows the terms of institutions, which the rules of cases look up there, and knows companies."""
    if isinstance(after, Institution):
        terms = {name: getattr(after, name) for name in _TERMS}
        await store.directory.register_organization(Organization(org_id=after.entry_id, **terms))
    if isinstance(after, Company) and after.successor_id is None:
        fields = after.model_dump(include={"name", "prefecture", "corporate_number"})
        company = Organization(org_id=after.entry_id, kind=OrganizationKind.company, **fields)
        await store.directory.introduce(company)


async def introduction(cases: Cases, case: State, directory: Directory) -> Command | None:
    """The command that gives the company of a new *case* a stream of its own; None where it has one."""
    company = directory.organizations.get(case.company_id or "") if isinstance(case, Case) else None
    if company is None or company.kind is not OrganizationKind.company:
        return None
    stream = f"company-{company.org_id}"
    known = cases.newest(stream) is not None or await cases.named([stream])
    return None if known else registration(company)

"""Who is who."""

import psycopg
import pytest

from domain.envelope import CENTER, Organization, Person
from domain.terms import OrganizationKind, Role
from store.connect import Store
from store.directory import Directory

HOME = Organization(org_id=CENTER, kind=OrganizationKind.center, name="交流センター")
TANAKA = Person(person_id="tanaka", role=Role.coordinator, org_id=CENTER, name="田中")


@pytest.fixture(scope="module")
async def directory(store: Store) -> Directory:
    """A directory with one person in it."""
    await store.directory.register_organization(HOME)
    await store.directory.register_person(TANAKA)
    return store.directory


async def test_what_was_registered_is_found(directory: Directory) -> None:
    kyudai = Organization(
        org_id="kyudai",
        kind=OrganizationKind.university,
        name="九州大学",
        prefecture="fukuoka",
        indirect_rate="0.30",
        payment_first=False,
    )
    await directory.register_organization(kyudai)
    assert await directory.organization("kyudai") == kyudai
    assert await directory.organizations(OrganizationKind.university) == [kyudai]
    assert await directory.organizations() == [HOME, kyudai]
    assert await directory.people(CENTER) == [TANAKA]
    assert await directory.person("nobody") is None
    assert await directory.organization("nowhere") is None


async def test_registering_again_changes(directory: Directory) -> None:
    suzuki = Person(person_id="suzuki", role=Role.coordinator, org_id=CENTER, name="鈴木")
    await directory.register_person(suzuki)
    promoted = suzuki.model_copy(update={"role": Role.senior_coordinator})
    await directory.register_person(promoted)
    assert await directory.person("suzuki") == promoted


async def test_a_person_belongs_to_a_known_organization(directory: Directory) -> None:
    stranger = Person(person_id="x", role=Role.coordinator, org_id="nowhere", name="X")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await directory.register_person(stranger)


async def test_a_company_is_registered_once(directory: Directory) -> None:
    org_id = await directory.register_company("4990101234567", "有明陶業株式会社", "saga")
    assert await directory.register_company("4990101234567", "another name", None) == org_id
    company = await directory.organization(org_id)
    assert company is not None
    assert (company.kind, company.name, company.prefecture) == (OrganizationKind.company, "有明陶業株式会社", "saga")


async def test_a_company_known_under_another_id_keeps_it(directory: Directory) -> None:
    known = Organization(org_id="ariake", kind=OrganizationKind.company, name="有明", corporate_number="1000000000000")
    await directory.register_organization(known)
    assert await directory.register_company("1000000000000", "有明", None) == "ariake"

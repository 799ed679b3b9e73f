"""Who is there after the first start: an administrator, and for trying things out a fictional person per role.

None of the organizations and people below exists; their names say so (架空: fictional).
"""

from typing import Final

from domain.envelope import CENTER, Organization, Person
from domain.terms import OrganizationKind, Role
from store.connect import Store
from workers.up.home import UpHome

ADMINISTRATOR: Final = Person(person_id="admin", role=Role.administrator, org_id=CENTER, name="管理者")
CENTER_ITSELF: Final = Organization(org_id=CENTER, kind=OrganizationKind.center, name="産学連携交流センター")


def _organization(org_id: str, kind: OrganizationKind, name: str, prefecture: str = "fukuoka") -> Organization:
    return Organization(org_id=org_id, kind=kind, name=f"{name}(架空)", prefecture=prefecture)


def _person(person_id: str, role: Role, org_id: str, name: str) -> Person:
    return Person(person_id=person_id, role=role, org_id=org_id, name=f"{name}(架空)")


ORGANIZATIONS: Final = (
    _organization("demo-bank", OrganizationKind.bank, "見本銀行"),
    _organization("demo-lender", OrganizationKind.lender, "見本信用金庫"),
    # The company of the example that `hashi needs example` prints.
    _organization("demo-company", OrganizationKind.company, "有明陶業株式会社", "saga").model_copy(
        update={"corporate_number": "4990101234567"}
    ),
    _organization("demo-university", OrganizationKind.university, "見本大学").model_copy(
        update={"indirect_rate": "0.30"}
    ),
    _organization("demo-tlo", OrganizationKind.tlo, "見本TLO"),
    _organization("demo-experts", OrganizationKind.expert_office, "見本専門家事務所"),
)

PEOPLE: Final = (
    _person("bank", Role.bank_officer, "demo-bank", "佐藤 栞"),
    _person("lender", Role.lender_officer, "demo-lender", "高木 守"),
    _person("company", Role.company_representative, "demo-company", "有田 窯一"),
    _person("coordinator", Role.coordinator, CENTER, "田中 渡"),
    _person("senior", Role.senior_coordinator, CENTER, "森 橋子"),
    _person("researcher", Role.researcher, "demo-university", "大橋 究"),
    _person("liaison", Role.university_liaison, "demo-university", "中村 結"),
    _person("tlo", Role.tlo_officer, "demo-tlo", "松永 許"),
    _person("expert", Role.expert, "demo-experts", "石井 匠"),
    _person("analyst", Role.strategy_analyst, CENTER, "河野 計"),
    _person("auditor", Role.auditor, CENTER, "白石 鏡"),
    _person("steward", Role.data_steward, CENTER, "井上 整"),
)


async def register(store: Store, home: UpHome, *, demonstration: bool) -> None:
    """Register the administrator, and for a *demonstration* everybody above; their keys go to *home*.

    Who is registered and has a key there keeps it; so an interrupted first start is completed by the next one.
    """
    known = set(home.people()) & {one.person_id for one in await store.directory.people()}
    people = (ADMINISTRATOR, *PEOPLE) if demonstration else (ADMINISTRATOR,)
    missing = [one for one in people if one.person_id not in known]
    if not missing:
        return
    await store.directory.register_organization(CENTER_ITSELF)
    for organization in ORGANIZATIONS if demonstration else ():
        await store.directory.register_organization(organization)
    made = {}
    for person in missing:
        await store.directory.register_person(person)
        key = await store.keys.issue(person.person_id, "first start")
        made[person.person_id] = {"role": person.role, "org_id": person.org_id, "name": person.name, "key": key}
    home.keep_people(made)


async def has_administrator(store: Store) -> bool:
    """Whether somebody may administer already."""
    return any(person.role is Role.administrator for person in await store.directory.people())

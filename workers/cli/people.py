"""`hashi people` and `hashi keys`' common ground: who is registered, and the first administrator."""

import asyncio

import click

from domain.envelope import Person
from domain.terms import OrganizationKind, Role
from store.connect import Store, StoreUnreachable
from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.faults import BadInput, Unreachable
from workers.cli.settings import settings_of
from workers.cli.shape import Group, wants_json
from workers.settings import Settings, SettingsFault
from workers.up.home import UpHome
from workers.up.people import ADMINISTRATOR, CENTER_ITSELF, has_administrator

_ROLES = [role.value for role in Role if role is not Role.system]


@click.group(
    cls=Group, example="hashi people local\nhashi people add-org saga-bank --kind bank --name 佐賀見本銀行 --as admin"
)
def people() -> None:
    """People and organizations. 人と組織"""


@people.command("local", example="hashi people local")
def local() -> None:
    """List the people whose keys are kept on this machine, for --as. この端末の利用者"""
    home = UpHome.at(settings_of().home)
    known = [{"person_id": name, **{k: v for k, v in one.items() if k != "key"}} for name, one in home.people().items()]
    if wants_json():
        show.lines(known)
    elif known:
        rows = [(one["person_id"], one["role"], one["org_id"], one["name"]) for one in known]
        show.table(("ID", "Role", "Organization", "Name"), rows)
    else:
        show.say(f"None: {home.keys} is made by the first `hashi up`.")


@people.command("list", example="hashi people list --as admin\nhashi people list --org saga-bank --as admin")
@click.option("--org", "org_id", metavar="ORG", help="Those of one organization.")
@acts
def listed(api: Api, org_id: str | None) -> None:
    """List the people who are registered. 人の一覧"""
    found = api.every("/v1/people", org_id=org_id)
    if wants_json():
        show.lines(found)
    else:
        columns = ("person_id", "role", "org_id", "name")
        show.table(("ID", "Role", "Organization", "Name"), [[one[name] for name in columns] for one in found])


@people.command("orgs", example="hashi people orgs --as admin")
@acts
def orgs(api: Api) -> None:
    """List the organizations that are registered. 機関の一覧"""
    found = api.every("/v1/organizations")
    if wants_json():
        show.lines(found)
    else:
        columns = ("org_id", "kind", "name", "prefecture", "corporate_number", "successor_id")
        rows = [[one.get(name) for name in columns] for one in found]
        show.table(("ID", "Kind", "Name", "Prefecture", "Corporate number", "Goes on in"), rows)


@people.command("me", example="hashi people me --as bank")
@acts
def me(api: Api) -> None:
    """Show who you are to the system. 自分の情報"""
    told = api.get("/v1/me").body
    if wants_json():
        show.document(told)
    else:
        show.pairs({name: value for name, value in _flat(told).items() if value is not None}, indent=0)


@people.command(
    "add-org", example="hashi people add-org saga-bank --kind bank --name 佐賀見本銀行 --prefecture saga --as admin"
)
@click.argument("org_id", metavar="ID")
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in OrganizationKind]))
@click.option("--name", required=True)
@click.option("--prefecture", metavar="CODE", help="Such as fukuoka.")
@click.option("--corporate-number", metavar="NUMBER", help="法人番号, 13 digits.")
@click.option("--indirect-rate", metavar="RATE", help="An institution's share on top of direct cost, such as 0.30.")
@acts
def add_org(
    api: Api,
    org_id: str,
    *,
    kind: str,
    name: str,
    prefecture: str | None,
    corporate_number: str | None,
    indirect_rate: str | None,
) -> None:
    """Register the organization ID, or change it. 組織の登録"""
    more = {"prefecture": prefecture, "corporate_number": corporate_number, "indirect_rate": indirect_rate}
    body = {"kind": kind, "name": name} | {field: value for field, value in more.items() if value}
    _registered(api.put(path("organizations", org_id), body).body, org_id)


@people.command(
    "add", example="hashi people add yamada --role bank_officer --org saga-bank --name '山田 花' --as admin"
)
@click.argument("person_id", metavar="ID")
@click.option("--role", required=True, type=click.Choice(_ROLES))
@click.option("--org", "org_id", required=True, metavar="ORG")
@click.option("--name", required=True)
@acts
def add(api: Api, person_id: str, *, role: str, org_id: str, name: str) -> None:
    """Register the person ID, or change them; then give them a key. 人の登録"""
    body = {"role": role, "org_id": org_id, "name": name}
    _registered(api.put(path("people", person_id), body).body, person_id)
    if not wants_json():
        show.say(f"A key for them: hashi keys create {person_id}")


@people.command(
    "absent",
    example="hashi people absent tanaka --from 2026-12-21 --to 2026-12-25 --substitute kondo --as admin",
)
@click.argument("person_id", metavar="ID")
@click.option("--from", "starts_on", metavar="DAY", help="First day away.")
@click.option("--to", "ends_on", metavar="DAY", help="Last day away; default: the first.")
@click.option("--substitute", "substitute_id", metavar="ID", help="Who is told instead.")
@acts
def absent(api: Api, person_id: str, *, starts_on: str | None, ends_on: str | None, substitute_id: str | None) -> None:
    """Say when ID is away, beside what is known; without days, list it. 不在の登録"""
    known = api.get(path("people", person_id, "absences")).body["items"]
    if starts_on:
        one = {"starts_on": starts_on, "ends_on": ends_on or starts_on}
        more = one | ({"substitute_id": substitute_id} if substitute_id else {})
        known = api.put(path("people", person_id, "absences"), {"absences": [*known, more]}).body["items"]
    if wants_json():
        show.lines(known)
    elif not known:
        show.say("Never away.")
    else:
        rows = [(one["starts_on"], one["ends_on"], one.get("substitute_id")) for one in known]
        show.table(("From", "To", "Substitute"), rows)


@people.command("workload", example="hashi people workload --as senior")
@acts
def workload(api: Api) -> None:
    """List the coordinators with their cases, the busiest first. 担当件数"""
    found = api.get("/v1/workload").body["items"]
    if wants_json():
        show.lines(found)
        return
    counts = ("person_id", "open_cases", "held_cases", "overdue_cases")
    rows = [(*(one[name] for name in counts), one.get("absence", {}).get("ends_on")) for one in found]
    show.table(("Coordinator", "Open", "Held", "Overdue", "Away until"), rows)


@people.command(
    "first-administrator", example="HASHI_DATABASE_URL=… HASHI_MASTER_KEY_FILE=… hashi people first-administrator"
)
def first_administrator() -> None:
    """Register the first administrator straight in the database. 最初の管理者

    For servers of your own, after `hashi db upgrade`; `hashi up` does it by itself. Refused once there is one.
    """
    settings = settings_of()
    if settings.database_url is None:
        raise BadInput("HASHI_DATABASE_URL: not set; with `hashi up` there is an administrator already")
    try:
        key = asyncio.run(_first(settings, settings.database_url))
    except SettingsFault as error:
        raise BadInput(str(error)) from error
    except StoreUnreachable as error:
        raise Unreachable(f"PostgreSQL (HASHI_DATABASE_URL): {error}; `hashi up` serves one") from error
    told = {"person_id": ADMINISTRATOR.person_id, "key": key}
    if wants_json():
        show.document(told)
    else:
        show.pairs(told, indent=0)
        show.say("This key is shown once. Use it as HASHI_API_KEY.")


async def _first(settings: Settings, url: str) -> str:
    keys = settings.master_keys()
    if not keys:
        raise SettingsFault("HASHI_MASTER_KEY: neither it nor HASHI_MASTER_KEY_FILE is set")
    async with Store.open(url, keys, size=2) as store:
        if await has_administrator(store):
            raise BadInput("there is an administrator already; theirs is the key that adds others")
        await store.directory.register_organization(CENTER_ITSELF)
        person: Person = ADMINISTRATOR
        await store.directory.register_person(person)
        return await store.keys.issue(person.person_id, "first administrator")


def _registered(body: object, name: str) -> None:
    if wants_json():
        show.document(body)
    else:
        show.say(f"Registered: {name}.")


def _flat(told: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in told.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            flat[name] = value
    return flat

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
    "invite", example="hashi people invite tanaka --as admin\nhashi people invite tanaka --hours 24 --as admin"
)
@click.argument("person_id", metavar="ID")
@click.option("--hours", default=72, show_default=True, type=click.IntRange(1, 720), help="How long it is open.")
@acts
def invite(api: Api, person_id: str, *, hours: int) -> None:
    """Invite ID to set a password and a one-time code, also when they lost them. 招待(再設定)

    Hand the code over in person or by phone. What they had goes on until they used it; then all their sessions end.
    """
    told = api.post(path("people", person_id, "invitations"), {"hours": hours}).body
    if wants_json():
        show.document(told)
    else:
        show.pairs({"person": person_id, "invitation": told["invitation"]}, indent=0)
        show.pairs({"open until": show.moment(told["expires_at"])}, indent=0)
        show.say("This invitation is shown once, and works once.")


@people.command(
    "bind", example="hashi people bind tanaka --issuer https://id.center.example --subject 248289 --as admin"
)
@click.argument("person_id", metavar="ID")
@click.option("--issuer", metavar="URL", help="The OpenID Connect provider.")
@click.option("--subject", metavar="SUB", help="Whom it calls ID, the claim `sub`.")
@click.option("--nobody", is_flag=True, help="Take every binding away.")
@acts
def bind(api: Api, person_id: str, *, issuer: str | None, subject: str | None, nobody: bool) -> None:
    """Let ID sign in as SUBJECT of ISSUER, in place of earlier bindings; without options, list them. IDの連携"""
    where = path("people", person_id, "identities")
    if (issuer is None) != (subject is None) or (nobody and issuer):
        raise BadInput("--issuer, --subject: name both, or neither; --nobody goes alone")
    if issuer or nobody:
        wanted = [] if nobody else [{"issuer": issuer, "subject": subject}]
        found = api.put(where, {"identities": wanted}).body["items"]
    else:
        found = api.get(where).body["items"]
    if wants_json():
        show.lines(found)
    elif found:
        show.table(("Issuer", "Subject"), [(one["issuer"], one["subject"]) for one in found])
    else:
        show.say("Bound to nobody elsewhere.")


@people.command(
    "sessions", example="hashi people sessions tanaka --as admin\nhashi people sessions --end 0f3a… --as admin"
)
@click.argument("person_id", metavar="[ID]", required=False)
@click.option("--end", "ended", metavar="SESSION", help="End this one.")
@acts
def sessions(api: Api, person_id: str | None, *, ended: str | None) -> None:
    """List who is signed in as ID, default oneself, or end a session. セッションの一覧と終了"""
    if ended:
        api.delete(path("sessions", ended))
    found = api.get("/v1/sessions", person_id=person_id).body["items"]
    if wants_json():
        show.lines(found)
    elif not found:
        show.say("Nobody is signed in.")
    else:
        rows = [
            (one["session_id"], one["method"], *(show.moment(one[at]) for at in ("created_at", "last_used_at")))
            for one in found
        ]
        show.table(("Session", "By", "Since", "Last used"), rows)


@people.command("shut-out", example="hashi people shut-out tanaka --as admin")
@click.argument("person_id", metavar="ID")
@acts
def shut_out(api: Api, person_id: str) -> None:
    """End at once everything ID comes in by: account, identities, sessions, keys, clients. 利用停止

    For somebody who leaves, or whose device was lost; the person and what they did stay. `hashi people invite` or
    `hashi keys create` lets them in again.
    """
    api.delete(path("people", person_id, "access"))
    if wants_json():
        show.document({"person_id": person_id, "access": "ended"})
    else:
        show.say(f"Shut out: {person_id}.")


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

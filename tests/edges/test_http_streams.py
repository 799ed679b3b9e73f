"""Beside a bank's need: cases without a bank, and the entries of the catalogue, by the same way of a command."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities.contract import Ticket
from activities.entries import EntryClock
from activities.ledger import CaseLedger
from domain.case import rule_of
from domain.envelope import Actor, Command, Organization, Person
from domain.law import RULES
from domain.terms import Role
from store.commands import pack
from store.connect import Store

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]


def example(name: str) -> dict[str, Any]:
    """The body of the command *name*, as its schema shows it."""
    return {"data": dict(getattr(RULES[name].data, "example", {}))}


async def test_a_coordinator_opens_a_case_without_a_bank(call: Call) -> None:
    body, headers = example("OpenCase"), {"Idempotency-Key": '"walk-in-1"'}
    first = await call("tanaka").post("/v1/cases", json=body, headers=headers)
    assert first.status_code == 201, first.text
    assert first.headers["location"] == f"/v1/cases/{first.json()['case_id']}"
    again = await call("tanaka").post("/v1/cases", json=body, headers=headers)
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (201, first.content, "true")
    other = await call("tanaka").post("/v1/cases", json=body)
    assert other.json()["case_id"] != first.json()["case_id"]


async def test_a_bank_opens_no_case_without_itself(call: Call) -> None:
    answer = await call("sato").post("/v1/cases", json=example("OpenCase"))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_only_known_kinds_take_commands(call: Call) -> None:
    answer = await call("tanaka").post("/v1/planets/x/commands/AddNote", json={"data": {"text": "a"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await call("tanaka").post("/v1/seeds/x/commands/AddNote", json={"data": {"text": "a"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_command")


async def test_an_unknown_entry_may_be_there_another_time(call: Call, keys: dict[str, str]) -> None:
    headers = {"Idempotency-Key": "retire"}
    for _ in range(2):
        body = {**example("RetireSeed"), "reason": {"code": "other"}}
        answer = await call("tanaka").post("/v1/seeds/none/commands/RetireSeed", json=body, headers=headers)
        assert answer.status_code in {403, 404}, answer.text
        if answer.status_code == 404:
            assert "idempotency-replayed" not in answer.headers


async def test_without_a_renderer_no_dossier_is_issued(call: Call) -> None:
    case = await call("sato").refer(company=None, company_id="ariake")
    consent = {**example("RecordConsent")["data"], "recipients": ["jfs"], "purposes": ["lending_evaluation"]}
    assert (await call("ueda").do(case, "RecordConsent", {"data": consent})).status_code == 200
    asked = await call("endo").post(f"/v1/cases/{case}/dossiers", json={"data": {}})
    address = f"/v1/dossiers/{asked.json()['id']}/commands/ReleaseDossier"
    answer = await call("tanaka").post(address, json={"data": {}})
    assert (answer.status_code, answer.json()["code"]) == (501, "not_rendered")


async def test_the_clock_asks_for_renewals_and_two_sweepers_ask_once(call: Call, store: Store) -> None:
    answer = await call("hara").post("/v1/seeds/renewed/commands/PublishSeed", json=example("PublishSeed"))
    assert answer.status_code == 201, answer.text
    row = await store.entries.entry("seed-renewed")
    assert row is not None and row.due_command == "RequestSeedRenewal" and row.next_due_at is not None
    now = await store.clock.now()
    try:
        await store.clock.move(row.next_due_at + timedelta(hours=1))
        sweepers = [EntryClock(store), EntryClock(store)]
        for _ in range(2):
            for one in sweepers:
                await one.tick(timedelta())
        told = [one.type for one in await store.ledger.read("seed-renewed")]
        assert told == ["SeedPublished", "SeedRenewalRequested"]
    finally:
        await store.clock.move(now, freeze=False)


async def test_the_first_need_of_a_company_gives_it_a_stream_of_its_own(call: Call, store: Store) -> None:
    """6a: ReferNeed makes or finds the company by corporate number."""
    named = {"corporate_number": "7000000000010", "name": "玄海精密株式会社(架空)", "prefecture": "saga"}
    cases = [await call("sato").refer(company=named), await call("okada").refer(company={**named, "name": "別の名"})]
    views = [(await call("noda").get(f"/v1/cases/{case}")).json() for case in cases]
    [company_id] = {one["company_id"] for one in views}
    [event] = await store.ledger.read(f"company-{company_id}")
    assert (event.type, event.actor.role, event.data.model_dump(exclude={"company_id"})) == (
        "CompanyRegistered",
        "system",
        named,
    )


async def test_a_company_registered_by_the_center_can_be_named_in_a_need(call: Call) -> None:
    body = {"data": {"name": "多久窯業(架空)", "prefecture": "saga"}}
    answer = await call("tanaka").post("/v1/companies/taku/commands/RegisterCompany", json=body)
    assert answer.status_code == 201, answer.text
    case = await call("sato").refer(company=None, company_id="taku")
    assert (await call("noda").get(f"/v1/cases/{case}")).json()["company_id"] == "taku"


async def registered(store: Store, keys: dict[str, str], org_id: str, **person: Role) -> None:
    """An organization of its own, and somebody in it."""
    kind = "bank" if Role.bank_officer in person.values() else "company"
    await store.directory.register_organization(Organization(org_id=org_id, kind=kind, name=org_id))
    for name, role in person.items():
        await store.directory.register_person(Person(person_id=name, role=role, org_id=org_id, name=name))
        keys[name] = await store.keys.issue(name, "test")


async def test_a_bank_that_merged_into_another_is_followed_in_all_its_cases(
    call: Call, store: Store, keys: dict[str, str]
) -> None:
    """Script 10: the id changes, the references stay; its people act and see as those of the new one."""
    await registered(store, keys, "old-bank", oku=Role.bank_officer)
    cases = [str(await call("oku").refer(company=None, company_id="ariake")) for _ in range(3)]
    body = {"data": {"successor_id": "jfs"}, "reason": {"code": "other"}}
    merged = await call("doi").post("/v1/companies/old-bank/commands/MergeOrganizations", json=body)
    assert merged.status_code == 201, merged.text
    for case in cases:
        read = [(await call(person).get(f"/v1/cases/{case}")).json()["referral"] for person in ("sato", "oku")]
        assert read[0] == read[1] and read[0]["bank_reference"].startswith("F-")
    assert (await call("oku").get("/v1/me")).json()["organization"]["org_id"] == "jfs"
    later = await call("oku").refer(company=None, company_id="ariake")
    assert (await call("sato").get(f"/v1/cases/{later}")).status_code == 200
    again = await call("doi").post("/v1/companies/old-bank/commands/MergeOrganizations", json=body)
    assert again.json()["code"] == "already_done"


async def test_a_company_that_merged_is_known_by_its_successor(call: Call, store: Store, keys: dict[str, str]) -> None:
    await registered(store, keys, "old-company", oda=Role.company_representative)
    case = await call("sato").refer(company=None, company_id="old-company")
    body = {"data": {"successor_id": "ariake"}, "reason": {"code": "other"}}
    answer = await call("doi").post("/v1/companies/old-company/commands/MergeOrganizations", json=body)
    assert answer.status_code == 200, "its stream began with its first case"
    named = await call("sato").refer(company=None, company_id="old-company")
    for one in (case, named):
        assert (await call("ueda").get(f"/v1/cases/{one}")).json()["company_id"] == "ariake"
        assert (await call("oda").get(f"/v1/cases/{one}")).status_code == 200


async def test_whoever_acts_for_an_organization_that_is_gone_acts_for_its_successor(call: Call, store: Store) -> None:
    """Another process may know them by the old one for some seconds more."""
    await store.directory.register_organization(Organization(org_id="gone-bank", kind="bank", name="x"))
    merge = {"data": {"successor_id": "jfs"}, "reason": {"code": "other"}}
    merged = await call("doi").post("/v1/companies/gone-bank/commands/MergeOrganizations", json=merge)
    assert merged.status_code == 201, merged.text
    late = Actor(role=Role.bank_officer, org_id="gone-bank", person="ito")
    data = rule_of("ReferNeed").data.model_validate(
        {**example("ReferNeed")["data"], "bank_reference": "late-1", "company": None, "company_id": "ariake"}
    )
    command = Command(command_id="c-late", case_id="late-case", name="ReferNeed", data=data, actor=late)
    await store.desk.seal(
        "c-late", case_id="late-case", name="ReferNeed", org_id="gone-bank", body=pack(command), fingerprint=b"1"
    )
    ticket = Ticket(
        case_id="late-case", command_id="c-late", name="ReferNeed", role=late.role, org_id="gone-bank", person="ito"
    )
    assert (await CaseLedger(store).apply_command(ticket)).answer.outcome == "accepted"
    assert (await call("sato").get("/v1/cases/late-case")).status_code == 200
    changed = Organization(org_id="gone-bank", kind="bank", name="y")
    await store.directory.register_organization(changed)
    known = await store.directory.organization("gone-bank")
    assert known is not None and (known.name, known.successor_id) == ("y", "jfs"), "a change of name undoes no merger"

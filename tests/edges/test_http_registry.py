"""An administrator registers who is who; nobody else does."""

from collections.abc import Callable
from typing import Any

import pytest

Call = Callable[..., Any]

BANK = {"kind": "bank", "name": "見本銀行", "prefecture": "saga"}
OFFICER = {"role": "bank_officer", "org_id": "saga-bank", "name": "山田"}


async def test_an_administrator_registers_organization_person_and_key(call: Call) -> None:
    admin = call("admin")
    assert (await admin.put("/v1/organizations/saga-bank", json=BANK)).json()["org_id"] == "saga-bank"
    assert (await admin.put("/v1/people/yamada", json=OFFICER)).json() == {"person_id": "yamada", **OFFICER}
    answer = await admin.post("/v1/people/yamada/keys", json={"label": "first"})
    assert answer.status_code == 201
    told = await call("sato").get("/v1/me", headers={"Authorization": f"Bearer {answer.json()['key']}"})
    assert told.json()["person"] == {"person_id": "yamada", "name": "山田"}
    assert told.json()["organization"]["prefecture"] == "saga"


async def test_registering_again_changes(call: Call) -> None:
    admin = call("admin")
    await admin.put("/v1/organizations/b1", json=BANK)
    await admin.put("/v1/organizations/b1", json={**BANK, "name": "新銀行"})
    await admin.put("/v1/people/p1", json={**OFFICER, "org_id": "b1"})
    key = (await admin.post("/v1/people/p1/keys", json={})).json()["key"]
    told = await call("sato").get("/v1/me", headers={"Authorization": f"Bearer {key}"})
    assert told.json()["organization"]["name"] == "新銀行"


@pytest.mark.parametrize("person", ["sato", "mori", "noda"])
async def test_nobody_else_registers(call: Call, person: str) -> None:
    for answer in (
        await call(person).put("/v1/organizations/x", json=BANK),
        await call(person).put("/v1/people/x", json=OFFICER),
        await call(person).post("/v1/people/sato/keys", json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize(
    ("path", "body", "at"),
    [
        ("organizations/x", {**BANK, "colour": "red"}, "/colour"),
        ("organizations/x", {**BANK, "org_id": "x"}, "/org_id"),
        ("organizations/x", {"kind": "bank"}, "/name"),
        ("organizations/x", {**BANK, "kind": "shop"}, "/kind"),
        ("organizations/x", {**BANK, "indirect_rate": "3"}, "/indirect_rate"),
        ("organizations/x", {**BANK, "payment_first": "no"}, "/payment_first"),
        ("organizations/x", {**BANK, "corporate_number": "123"}, "/corporate_number"),
        ("people/x", {**OFFICER, "org_id": "nowhere"}, "/org_id"),
        ("people/x", {**OFFICER, "role": "system"}, "/role"),
        ("people/x", {**OFFICER, "role": "chief"}, "/role"),
    ],
)
async def test_a_registration_fits(call: Call, path: str, body: dict[str, Any], at: str) -> None:
    answer = await call("admin").put(f"/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, at)


async def test_an_id_has_a_form(call: Call) -> None:
    answer = await call("admin").put("/v1/organizations/a%20b", json=BANK)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    answer = await call("admin").post("/v1/people/nobody/keys", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_person")


async def test_a_corporate_number_is_one_organization(call: Call) -> None:
    company = {"kind": "company", "name": "見本", "corporate_number": "8700110005901"}
    assert (await call("admin").put("/v1/organizations/c1", json=company)).status_code == 200
    answer = await call("admin").put("/v1/organizations/c2", json=company)
    assert (answer.status_code, answer.json()["code"]) == (409, "corporate_number_taken")

"""Beside a bank's need: cases without a bank, and the entries of the catalogue, by the same way of a command."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities.ledger import CaseLedger
from domain.law import RULES
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
        sweepers = [CaseLedger(store), CaseLedger(store)]
        for _ in range(2):
            for one in sweepers:
                await one.entries_due(timedelta())
        told = [one.type for one in await store.ledger.read("seed-renewed")]
        assert told == ["SeedPublished", "SeedRenewalRequested"]
    finally:
        await store.clock.move(now, freeze=False)


async def test_a_bank_that_merged_into_another_is_followed_in_all_its_cases(call: Call, store: Store) -> None:
    cases = [str(await call("okada").refer(company=None, company_id="ariake")) for _ in range(3)]
    body = {"data": {"successor_id": "jfs"}, "reason": {"code": "other"}}
    merged = await call("doi").post("/v1/companies/other-bank/commands/MergeOrganizations", json=body)
    assert merged.status_code == 201, merged.text
    for case in cases:
        assert (await call("sato").get(f"/v1/cases/{case}")).status_code == 200
        assert (await call("okada").get(f"/v1/cases/{case}")).status_code == 404


@pytest.mark.parametrize("kind", ["companies", "exchange-events", "recommendations"])
async def test_every_register_is_kept_over_http_by_its_roles(call: Call, kind: str) -> None:
    person, name = {
        "companies": ("tanaka", "RegisterCompany"),
        "exchange-events": ("tanaka", "PlanExchangeEvent"),
        "recommendations": ("sato", "AdoptRecommendation"),
    }[kind]
    answer = await call(person).post(f"/v1/{kind}/e-1/commands/{name}", json=example(name))
    assert answer.status_code == (403 if person == "sato" else 201), answer.text

"""Everybody reads their own view of a case, in their own count."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from fastapi import FastAPI, Request
from temporalio.client import Client

from domain.law import FACTS, RULES
from domain.terms import Role
from gateway.app import create_app
from gateway.auth import actor_of
from gateway.parts import gateway_of
from gateway.scopes import NEEDED, OWN
from store.connect import Store

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]

OFFERED = {name for name, rule in RULES.items() if rule.by != {Role.system}}
NOTE = {"data": {"text": "電話で確認した。"}}
SUPPLEMENT = {"data": {"fields": {"tried_before": "何も試していない。"}}}


@pytest.fixture
async def case(call: Call) -> str:
    """A case with a note of the center and an answer of the bank after its three first events."""
    found = str(await call("sato").refer(company=None, company_id="ariake"))
    await call("tanaka").do(found, "AddNote", NOTE)
    await call("sato").do(found, "SupplementNeed", SUPPLEMENT)
    return found


async def test_what_a_role_may_not_see_is_absent(call: Call, case: str) -> None:
    bank = (await call("sato").get(f"/v1/cases/{case}")).json()
    center = (await call("tanaka").get(f"/v1/cases/{case}")).json()
    assert {"case_no", "deadlines", "referrals"} <= center.keys() - bank.keys()
    assert "description" in center["need"]
    assert "description" not in bank["need"]
    assert (bank["version"], center["version"]) == (4, 5)


async def test_a_case_is_read_at_a_version_of_the_readers_count(call: Call, case: str) -> None:
    for person, versions in (("sato", 4), ("tanaka", 5)):
        for version in range(1, versions + 1):
            told = await call(person).get(f"/v1/cases/{case}?at_version={version}")
            assert (told.status_code, told.json()["version"], told.headers["etag"]) == (200, version, f'"v{version}"')
        late = await call(person).get(f"/v1/cases/{case}?at_version={versions + 1}")
        assert (late.status_code, late.json()["errors"][0]["parameter"]) == (422, "at_version")
    assert "need" not in (await call("tanaka").get(f"/v1/cases/{case}?at_version=1")).json()


async def test_a_case_that_is_known_is_not_sent_again(call: Call, case: str) -> None:
    first = await call("sato").get(f"/v1/cases/{case}")
    answer = await call("sato").get(f"/v1/cases/{case}", headers={"If-None-Match": first.headers["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_events_are_cloud_events(call: Call, case: str) -> None:
    told = (await call("tanaka").get(f"/v1/cases/{case}/events")).json()
    assert told["next"] is None
    first = told["items"][0]
    assert first | {"id": "", "time": "", "recordedtime": "", "data": {}} == {
        "specversion": "1.0",
        "id": "",
        "type": "jp.hashi.referral.case_opened.v1",
        "source": f"/cases/{case}",
        "time": "",
        "recordedtime": "",
        "datacontenttype": "application/json",
        "dataschema": "/v1/schemas/events/CaseOpened/v1",
        "partitionkey": case,
        "sequence": "00000000000000000001",
        "actorrole": "bank_officer",
        "data": {},
    }
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first["id"])
    assert first["time"].endswith("Z")
    for one in told["items"]:
        assert (await call("hara").get(one["dataschema"])).status_code == 200


async def test_a_bank_reads_its_events_without_gaps(call: Call, case: str) -> None:
    told = (await call("sato").get(f"/v1/cases/{case}/events")).json()["items"]
    assert [int(one["sequence"]) for one in told] == [1, 2, 3, 4]
    assert "note_recorded" not in str(told)
    assert "description" not in told[1]["data"]


async def test_events_come_in_pages(call: Call, case: str) -> None:
    for person, count in (("sato", 4), ("tanaka", 5)):
        url, seen = f"/v1/cases/{case}/events?limit=2", []
        while url:
            answer = await call(person).get(url)
            seen += [int(one["sequence"]) for one in answer.json()["items"]]
            following = answer.json()["next"]
            url = following and f"/v1/cases/{case}/events?limit=2&after={following}"
            assert ("link" in answer.headers) is bool(following)
        assert seen == list(range(1, count + 1))


async def test_an_auditor_counts_global_positions(call: Call, case: str, app: FastAPI) -> None:
    told = (await call("noda").get(f"/v1/cases/{case}/events")).json()["items"]
    kept = await app.state.gateway.store.ledger.read_all(0, 100_000)
    assert [(int(one["sequence"]), one["id"]) for one in told] == [
        (position, str(event.event_id)) for position, event in kept if event.stream == f"case-{case}"
    ]
    [second] = (await call("noda").get(f"/v1/cases/{case}/events?limit=1&after={told[0]['sequence']}")).json()["items"]
    assert second["id"] == told[1]["id"]


async def test_the_company_reads_what_was_shown_to_whom_and_no_bank_does(call: Call, case: str) -> None:
    told = await call("ueda").get(f"/v1/cases/{case}/disclosures")
    assert [(one["to"], one["event_type"]) for one in told.json()["items"]] == [("center", "NeedReferred")]
    assert (await call("noda").get(f"/v1/cases/{case}/disclosures")).json()["items"] == told.json()["items"]
    assert (await call("sato").get(f"/v1/cases/{case}/disclosures")).json()["code"] == "not_permitted"
    assert (await call("okada").get(f"/v1/cases/{case}/disclosures")).json()["code"] == "unknown_case"


async def test_cases_come_in_pages_newest_first(call: Call) -> None:
    made = [await call("okada").refer() for _ in range(5)]
    url, seen = "/v1/cases?limit=2", []
    while url:
        answer = await call("okada").get(url)
        assert len(answer.json()["items"]) <= 2
        seen += [one["case_id"] for one in answer.json()["items"]]
        match = re.fullmatch(r'<(.*)>; rel="next"', answer.headers.get("link", ""))
        url = match[1] if match else ""
    assert seen[:5] == made[::-1]


async def test_a_list_shows_what_the_reader_has_to_do_with(call: Call, case: str) -> None:
    found = {}
    for person in ("sato", "okada", "ueda", "tanaka", "hara", "admin"):
        items = (await call(person).get("/v1/cases?limit=200")).json()["items"]
        found[person] = next((one for one in items if one["case_id"] == case), None)
    assert found["okada"] is found["hara"] is found["admin"] is None
    assert (found["sato"]["version"], found["tanaka"]["version"], found["ueda"]["version"]) == (4, 5, 5)
    assert "case_no" in found["tanaka"]
    assert "case_no" not in found["sato"]
    assert found["sato"]["title"] == found["tanaka"]["title"]


async def test_a_list_is_filtered(call: Call, case: str) -> None:
    items = (await call("tanaka").get("/v1/cases?stage=intake&status=open&limit=200")).json()["items"]
    assert case in {one["case_id"] for one in items}
    assert (await call("tanaka").get("/v1/cases?stage=transfer")).json() == {"items": [], "next": None}


async def test_a_page_of_one_list_is_none_of_another_secret(call: Call) -> None:
    for cursor in ("AAAA", "!", "", "x" * 200):
        answer = await call("sato").get("/v1/cases", params={"after": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "after")


async def test_a_strange_role_reads_nothing(call: Call, case: str) -> None:
    for person in ("okada", "hara", "admin"):
        for path in ("", "/events", "?at_version=1"):
            answer = await call(person).get(f"/v1/cases/{case}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_case")


async def test_schemas_describe_commands_and_events(call: Call) -> None:
    told = (await call("sato").get("/v1/schemas/commands/ReferNeed")).json()
    assert told["examples"][0]["data"]["bank_reference"] == "F-2026-0031"
    for name in OFFERED:
        assert (await call("sato").get(f"/v1/schemas/commands/{name}")).status_code == 200
    for name in FACTS:
        assert (await call("sato").get(f"/v1/schemas/events/{name}/v1")).json()["properties"]["reason"]
    for path in ("commands/FallDue", "commands/x", "events/CaseOpened/v2", "events/CaseOpened/1", "events/x/v1"):
        answer = await call("sato").get(f"/v1/schemas/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_schema")


async def test_the_interface_describes_itself(call: Call, app: FastAPI) -> None:
    told = (await call("sato").get("/v1/openapi.json")).json()
    assert told["openapi"].startswith("3.1")
    commands = {path.rsplit("/", 1)[1] for path in told["paths"] if re.search(r"_id}/commands/", path)}
    assert commands == OFFERED - {"ReferNeed", "OpenCase"}
    served = {getattr(route, "path", "") for route in app.routes if getattr(route, "include_in_schema", False)}
    assert served <= set(told["paths"])
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', (await call("sato").get("/v1/openapi.json")).text))
    assert references <= set(told["components"]["schemas"])
    assert "x-body" not in str(told["paths"])


async def test_a_route_that_forgets_its_filter_shows_another_bank_nothing(
    call: Call, case: str, store: Store, engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, str]", NEEDED), "GET /careless/{case_id}", OWN)
    careless = create_app(store, engine)

    @careless.get("/careless/{case_id}")
    async def read_carelessly(request: Request, case_id: str) -> dict[str, int]:
        await actor_of(request)
        gateway = gateway_of(request)
        listed = await gateway.store.overview.cases(readers=None, limit=1000)
        return {
            "listed": [one.case_id for one in listed].count(case_id),
            "events": len(await gateway.store.ledger.read(f"case-{case_id}")),
            "states": 0 if await gateway.cases.today(case_id) is None else 1,
        }

    for person, sees in (("sato", 1), ("tanaka", 1), ("okada", 0), ("endo", 0), ("hara", 0)):
        found = (await call(person, careless).get(f"/careless/{case}")).json()
        assert [min(count, 1) for count in found.values()] == [sees, sees, sees], person
    assert len(await store.ledger.read(f"case-{case}")) > 0  # nobody's rights are left over

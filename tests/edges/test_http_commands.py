"""A command goes down once and its answer comes back the same, however often it is asked for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from temporalio.client import Client

from gateway.app import create_app
from store.connect import Store

pytestmark = pytest.mark.usefixtures("worker")

Call = Callable[..., Any]
Need = Callable[..., dict[str, Any]]

NOTE = {"data": {"text": "電話で確認した。"}}


async def test_a_need_opens_a_case(call: Call, need: Need) -> None:
    answer = await call("sato").post("/v1/needs", json=need())
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert [one["type"] for one in told["events"]] == ["CaseOpened", "NeedReferred", "CompanyConsentRecorded"]
    assert [one["version"] for one in told["events"]] == [1, 2, 3]
    assert {name: told[name] for name in ("version", "stage", "status")} == {
        "version": 3,
        "stage": "intake",
        "status": "open",
    }
    assert answer.headers["location"] == f"/v1/cases/{told['case_id']}"
    assert answer.headers["etag"] == '"v3"'
    assert "idempotency-replayed" not in answer.headers


async def test_the_company_is_kept_by_its_id(call: Call, store: Store) -> None:
    case = await call("sato").refer()
    told = (await call("tanaka").get(f"/v1/cases/{case}")).json()
    company = await store.directory.organization(told["company_id"])
    assert company is not None
    assert (company.corporate_number, company.name) == ("4990101234567", "有明陶業株式会社")


async def test_a_company_may_be_named_by_its_id(call: Call) -> None:
    case = await call("sato").refer(company=None, company_id="ariake")
    assert (await call("ueda").get(f"/v1/cases/{case}")).json()["company_id"] == "ariake"


@pytest.mark.parametrize("company", ["nobody", "jfs"])
async def test_a_company_id_names_a_company(call: Call, company: str, need: Need) -> None:
    answer = await call("sato").post("/v1/needs", json=need(company=None, company_id=company))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/data/company_id")


async def test_a_need_is_registered_once(call: Call, need: Need) -> None:
    body = need()
    first = await call("sato").post("/v1/needs", json=body)
    for person, headers in (("sato", {}), ("ito", {}), ("sato", {"Idempotency-Key": "another"})):
        again = await call(person).post("/v1/needs", json=body, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["location"] == first.headers["location"]


async def test_a_need_is_repeated_as_it_was_answered_after_the_case_moved_on(call: Call, need: Need) -> None:
    body = need()
    first = await call("sato").post("/v1/needs", json=body)
    await call("tanaka").do(first.json()["case_id"], "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    assert (await call("sato").post("/v1/needs", json=body)).content == first.content


async def test_a_reference_stands_for_one_need(call: Call, need: Need) -> None:
    body = need()
    await call("sato").post("/v1/needs", json=body)
    changed = need(body["data"]["bank_reference"], title="別の件")
    answer = await call("sato").post("/v1/needs", json=changed)
    assert (answer.status_code, answer.json()["code"]) == (409, "reference_reused")
    other_company = {"corporate_number": "8700110005901", "name": "別会社"}
    answer = await call("sato").post("/v1/needs", json=need(body["data"]["bank_reference"], company=other_company))
    assert (answer.status_code, answer.json()["code"]) == (409, "reference_reused")


async def test_two_banks_may_use_the_same_reference(call: Call, need: Need) -> None:
    body = need()
    mine = await call("sato").post("/v1/needs", json=body)
    theirs = await call("okada").post("/v1/needs", json=body)
    assert theirs.status_code == 201
    assert theirs.json()["case_id"] != mine.json()["case_id"]


async def test_a_key_stands_for_one_need(call: Call, need: Need) -> None:
    headers = {"Idempotency-Key": '"needs-1"'}
    assert (await call("sato").post("/v1/needs", json=need(), headers=headers)).status_code == 201
    answer = await call("sato").post("/v1/needs", json=need(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert (await call("ito").post("/v1/needs", json=need(), headers=headers)).status_code == 201


async def test_a_coordinator_refers_for_a_bank(call: Call, need: Need) -> None:
    answer = await call("tanaka").post("/v1/needs", json=need())
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/on_behalf_of")
    body = need()
    answer = await call("tanaka").post("/v1/needs", json={**body, "on_behalf_of": "jfs"})
    assert answer.status_code == 201
    assert (await call("sato").get(answer.headers["location"])).status_code == 200
    again = await call("tanaka").post("/v1/needs", json={**body, "on_behalf_of": "jfs"})
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")


async def test_a_repeated_key_gets_the_first_answer(call: Call) -> None:
    case = await call("sato").refer()
    first = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="note-1")
    await call("tanaka").do(case, "AddNote", NOTE)
    for key in ("note-1", '"note-1"'):
        again = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key=key)
        assert (again.status_code, again.content) == (200, first.content)
        assert (again.headers["etag"], again.headers["idempotency-replayed"]) == (first.headers["etag"], "true")
    assert (await call("tanaka").get(f"/v1/cases/{case}")).json()["version"] == 5


async def test_a_key_is_not_used_for_something_else(call: Call) -> None:
    case = await call("sato").refer()
    await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="k")
    other = await call("tanaka").do(case, "AddNote", {"data": {"text": "別"}}, idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assign = {"data": {"coordinator_id": "tanaka"}}
    other = await call("tanaka").do(case, "AssignCoordinator", assign, idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_refusal_is_repeated_under_its_key(call: Call) -> None:
    case = await call("sato").refer()
    review = {"data": {}}
    first = await call("tanaka").do(case, "StartReview", review, idempotency_key="r")
    assert (first.status_code, first.json()["code"]) == (422, "coordinator_required")
    assert (
        await call("tanaka").do(case, "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    ).status_code == 200
    again = await call("tanaka").do(case, "StartReview", review, idempotency_key="r")
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (422, first.content, "true")
    assert (await call("tanaka").do(case, "StartReview", review)).status_code == 200
    other = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="r")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_refused_need_leaves_nothing(call: Call, store: Store, need: Need) -> None:
    body = need(consent={**need()["data"]["consent"], "valid_until": "2020-01-01"})
    answer = await call("sato").post("/v1/needs", json=body)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/data/consent/valid_until")
    fresh = await call("sato").post("/v1/needs", json=need(body["data"]["bank_reference"]))
    assert (fresh.status_code, "idempotency-replayed" in fresh.headers) == (201, False)


async def test_every_refusal_of_a_case_is_logged(call: Call, store: Store) -> None:
    case = await call("sato").refer()
    await call("tanaka").do(case, "StartReview", {"data": {}})
    async with store.pool.connection() as connection:
        cursor = await connection.execute("SELECT name, code, org_id FROM hashi.refusals WHERE case_id = %s", [case])
        assert await cursor.fetchall() == [("StartReview", "coordinator_required", "center")]


async def test_a_role_that_may_not_is_refused(call: Call, need: Need) -> None:
    case = await call("sato").refer()
    answer = await call("sato").do(case, "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    answer = await call("hara").post("/v1/needs", json=need())
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_a_strange_case_and_no_case_are_the_same(call: Call) -> None:
    case = await call("sato").refer()
    supplement = {"data": {"fields": {"tried_before": "何も"}}}
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/events", None),
        ("POST", "/commands/SupplementNeed", supplement),
        ("POST", "/commands/AssignCoordinator", {"data": {"coordinator_id": "tanaka"}}),
    ):
        answers = [
            await call("okada").request(method, f"/v1/cases/{one}{path}", json=body)
            for one in (case, "0" * 32, "no-such-case", "%20", "x" * 300)
        ]
        assert {one.status_code for one in answers} == {404}
        assert len({one.content for one in answers}) == 1
        assert answers[0].json()["code"] == "unknown_case"


async def test_a_command_is_given_to_the_version_it_was_meant_for(call: Call) -> None:
    case = await call("sato").refer()
    tanaka = call("tanaka")
    assert (await tanaka.do(case, "AddNote", NOTE, if_match='"v3"')).headers["etag"] == '"v4"'
    stale = await tanaka.do(case, "AddNote", NOTE, if_match='"v3"')
    assert (stale.status_code, stale.json()["code"], stale.json()["facts"]) == (412, "version_stale", {"current": "4"})
    assert (await tanaka.do(case, "AddNote", NOTE, if_match='"v3", "v4"')).status_code == 200
    assert (await tanaka.do(case, "AddNote", NOTE, if_match="*")).status_code == 200
    for garbage in ("v3", 'W/"v3"', '"17"', '"v3" "v4"', '"v03"'):
        answer = await tanaka.do(case, "AddNote", NOTE, if_match=garbage)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_if_match")


async def test_a_bank_counts_only_what_it_sees(call: Call) -> None:
    case = await call("sato").refer()
    for _ in range(3):
        await call("tanaka").do(case, "AddNote", NOTE)
    answer = await call("sato").do(
        case, "SupplementNeed", {"data": {"fields": {"tried_before": "何も"}}}, if_match='"v3"'
    )
    assert answer.json()["events"][0]["version"] == 4
    assert (answer.json()["version"], answer.headers["etag"]) == (4, '"v4"')
    assert (await call("tanaka").get(f"/v1/cases/{case}")).headers["etag"] == '"v7"'


async def test_a_document_must_be_there(call: Call) -> None:
    case = await call("sato").refer()
    answer = await call("tanaka").do(case, "AddNote", {**NOTE, "evidence": ["doc_none"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/evidence/0")
    kept = (await call("tanaka").post("/v1/documents", files={"file": ("a.txt", b"a", "text/plain")})).json()
    answer = await call("tanaka").do(case, "AddNote", {**NOTE, "evidence": [kept["document_id"]]})
    assert answer.status_code == 200


async def test_two_persons_decide(call: Call) -> None:
    case = await call("sato").refer()
    await call("tanaka").do(case, "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    await call("tanaka").do(case, "StartReview", {"data": {}})
    decline = {"data": {"advice": "市販の部品で足ります。"}, "reason": {"code": "no_research_content"}}
    answer = await call("tanaka").do(case, "DeclineNeed", decline)
    assert [one["type"] for one in answer.json()["events"]] == ["DecisionProposed"]
    answer = await call("tanaka").do(case, "ConfirmDecision", {"data": {}})
    assert (answer.status_code, answer.json()["code"]) == (422, "four_eyes_required")
    answer = await call("mori").do(case, "ConfirmDecision", {"data": {}})
    assert answer.status_code == 200, answer.text
    seen = (await call("sato").get(f"/v1/cases/{case}/events")).json()["items"]
    assert "jp.hashi.referral.decision_proposed.v1" not in {one["type"] for one in seen}


async def test_identical_needs_at_once_are_one_case(
    call: Call, app: FastAPI, store: Store, engine: Client, need: Need
) -> None:
    second, body = create_app(store, engine), need()
    clients = [call("sato", to) for to in (app, second)]
    answers = await asyncio.gather(*(clients[place % 2].post("/v1/needs", json=body) for place in range(12)))
    assert {one.status_code for one in answers} == {201}, [one.text for one in answers if one.status_code != 201]
    assert len({one.content for one in answers}) == 1


async def test_one_key_at_once_is_one_command(call: Call, app: FastAPI, store: Store, engine: Client) -> None:
    case = await call("sato").refer()
    clients = [call("tanaka", to) for to in (app, create_app(store, engine))]
    answers = await asyncio.gather(
        *(clients[place % 2].do(case, "AddNote", NOTE, idempotency_key="once") for place in range(10))
    )
    assert {one.status_code for one in answers} == {200}
    assert len({one.content for one in answers}) == 1
    assert (await call("tanaka").get(f"/v1/cases/{case}")).json()["version"] == 4


async def test_many_commands_at_once_are_all_answered(call: Call, app: FastAPI, store: Store, engine: Client) -> None:
    case = await call("sato").refer()
    clients = [call("tanaka", to) for to in (app, create_app(store, engine))]
    answers = await asyncio.gather(*(clients[place % 2].do(case, "AddNote", NOTE) for place in range(40)))
    assert {one.status_code for one in answers} == {200}
    assert sorted(one.json()["version"] for one in answers) == list(range(4, 44))

"""N identical needs at once, through two gateways, are one case with N equal answers, whatever happened in between."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from gateway.app import GatewaySettings, create_app
from store.connect import Store
from workers.case_worker import case_worker
from workers.embedded import Stack

Call = Callable[..., Any]
Need = Callable[..., dict[str, Any]]
HASTY = GatewaySettings(patience=1.0, attempt=0.5)
CANCEL = {"data": {}, "reason": {"code": "client_left_bank"}}


async def together(call: Call, apps: list[FastAPI], body: dict[str, Any], count: int = 8) -> list[httpx.Response]:
    """The answers to *body*, sent *count* times at once, to each of *apps* in turns."""
    voices = [call("sato", to) for to in apps]
    posts = (voices[place % len(voices)].post("/v1/needs", json=body) for place in range(count))
    return list(await asyncio.gather(*posts))


def gateways(store: Store, engine: Client, settings: GatewaySettings | None = None) -> list[FastAPI]:
    return [create_app(store, engine, settings=settings or GatewaySettings()) for _ in range(2)]


async def forgotten(engine: Client, case: str) -> None:
    """Temporal knows nothing of the case any more, as after its retention."""
    run = WorkflowExecution(workflow_id=f"case-{case}")
    request = DeleteWorkflowExecutionRequest(namespace=engine.namespace, workflow_execution=run)
    await engine.workflow_service.delete_workflow_execution(request)
    try:
        while True:
            await engine.get_workflow_handle(run.workflow_id).describe()
            await asyncio.sleep(0.05)
    except RPCError:
        return


async def test_needs_that_nobody_can_carry_out_yet_are_one_case_afterwards(
    call: Call, store: Store, engine: Client, need: Need
) -> None:
    body = need()
    waiting = await together(call, gateways(store, engine, HASTY), body)
    assert {(one.status_code, one.json()["code"]) for one in waiting} == {(503, "outcome_unknown")}
    assert len({one.content for one in waiting}) == 1
    async with case_worker(engine, store):
        answers = await together(call, gateways(store, engine), body)
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert len(await store.ledger.read(f"case-{answers[0].json()['case_id']}")) == 3


async def test_a_need_is_answered_alike_after_a_restart_its_end_and_when_temporal_forgot_it(
    call: Call, store: Store, engine: Client, servers: Stack, need: Need
) -> None:
    body = need(company=None, company_id="ariake")
    async with case_worker(engine, store):
        first = await together(call, gateways(store, engine), body)
        case = first[0].json()["case_id"]
        for person, command, data in (
            ("tanaka", "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}}),
            ("sato", "RequestCancellation", CANCEL),
            ("ueda", "RequestCancellation", {"data": {}, "reason": {"code": "business_change"}}),
            ("tanaka", "ConfirmCancellation", {"data": {}}),
        ):
            done = await call(person).do(case, command, data)
            assert done.status_code == 200, done.text
        closed = await together(call, gateways(store, engine), body)
    restarted = await Client.connect(servers.temporal_address, data_converter=engine.data_converter)
    async with Store.open(servers.database_url, [bytes(range(32))]) as anew:
        without_worker = await together(call, gateways(anew, restarted, HASTY), body)
        await forgotten(restarted, case)
        without_history = await together(call, gateways(anew, restarted, HASTY), body)
    told = [*first, *closed, *without_worker, *without_history]
    assert {one.status_code for one in told} == {201}
    assert len({(one.content, one.headers["etag"], one.headers["location"]) for one in told}) == 1
    assert (await call("sato").get(f"/v1/cases/{case}")).json()["status"] == "closed"

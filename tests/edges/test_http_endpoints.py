"""Webhooks of lenders: verified, signed, in order, tried again, stopped, replayed, and never beyond the consent."""

import asyncio
import json
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook
from starlette.responses import RedirectResponse, Response
from temporalio.client import Client

from activities.webhooks import Webhooks
from gateway.app import create_app
from gateway.settings import GatewaySettings
from store.connect import Store
from store.endpoints import Secret
from store.feed import feeding
from workers.case_worker import case_worker

sys.path.append(str(Path(__file__).parent))

from receiver import Receiver, receiving
from test_http_feed import LENDING, newest

Call = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
async def worker(engine: Client, store: Store) -> AsyncIterator[None]:
    """A worker that may push to this machine."""
    async with case_worker(engine, store, webhooks=Webhooks(loopback=True), address="http://gateway"):
        yield


@pytest.fixture(scope="module")
def app(store: Store, engine: Client) -> FastAPI:
    """A gateway of a development machine."""
    return create_app(store, engine, settings=GatewaySettings(webhooks_to_loopback=True))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three more attempts, soon after each other."""
    soon = (timedelta(milliseconds=50),) * 3
    monkeypatch.setattr("store.endpoints.AGAIN", soon)
    monkeypatch.setattr("store.deliveries.AGAIN", soon)


async def added(call: Call, store: Store, receiver: Receiver, **body: Any) -> dict[str, Any]:
    """An endpoint at *receiver*, from the end of the feed on."""
    told = {"url": receiver.url, "after": await newest(call, store), **body}
    answer = await call("endo").post("/v1/feed/endpoints", json=told)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    receiver.secret = made["secret"]
    return made


async def lent(call: Call, store: Store) -> str:
    """A case whose company consents to the lender, with three events in the feed."""
    case = str(await call("okada").refer(company=None, company_id="ariake"))
    body = {"data": {**LENDING, "consent_id": f"k-{case}"}}
    assert (await call("ueda").do(case, "RecordConsent", body)).status_code == 200
    facts = {"data": {"rd_staff": 3, "patents": 1, "as_of": "2026-03-31"}}
    for _ in range(2):
        assert (await call("ueda").do(case, "DeclareCompanyFacts", facts)).status_code == 200
    await store.following.catch_up(feeding(store.ledger))
    return case


async def standing(call: Call, made: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await call("endo").get(f"/v1/feed/endpoints/{made['endpoint_id']}")).json()
    return answer


async def becomes(call: Call, made: dict[str, Any], wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The endpoint once it is as *wanted*."""
    async with asyncio.timeout(20):
        while not wanted(found := await standing(call, made)):  # noqa: ASYNC110 - over HTTP there is no event for it
            await asyncio.sleep(0.05)
    return found


async def stands(call: Call, made: dict[str, Any], status: str) -> dict[str, Any]:
    """The endpoint once it stands so."""
    return await becomes(call, made, lambda one: one["status"] == status)


async def removed(call: Call, made: dict[str, Any]) -> None:
    assert (await call("endo").delete(f"/v1/feed/endpoints/{made['endpoint_id']}")).status_code == 204


async def test_events_are_pushed_signed_thin_and_in_order(call: Call, store: Store, receiver: Receiver) -> None:
    made = await added(call, store, receiver)
    await stands(call, made, "active")
    case = await lent(call, store)
    await receiver.until(lambda: len(receiver.events) == 3)
    assert [one["type"].split(".")[-2] for one in receiver.events] == [
        "need_referred",
        "company_facts_declared",
        "company_facts_declared",
    ]
    assert {one["partitionkey"] for one in receiver.events} == {case}
    assert not any("data" in one for one in receiver.events)
    address = receiver.events[0]["dataref"]
    assert address.startswith("http://gateway/v1/feed/events/")
    read = await call("endo").get(address)
    assert read.json()["data"]["title"]
    headers = receiver.headers[-1]
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["webhook-id"] == receiver.events[-1]["id"]
    await becomes(call, made, lambda one: one["deliveries"] == {"sent": 3})
    await removed(call, made)


async def test_both_signatures_hold_and_an_old_secret_signs_until_it_ends(
    call: Call, store: Store, receiver: Receiver
) -> None:
    made = await added(call, store, receiver, payload="full")
    await stands(call, made, "active")
    answer = await call("endo").post(f"/v1/feed/endpoints/{made['endpoint_id']}/rotate", json={"overlap": 3600})
    new = answer.json()
    assert new["secret"] != made["secret"]
    await lent(call, store)
    await receiver.until(lambda: len(receiver.events) == 3)  # the receiver still verifies with the old secret
    assert receiver.events[0]["data"]["title"]
    headers = receiver.headers[-1]
    found = headers["webhook-signature"].split(" ")
    assert [one.split(",")[0] for one in found] == ["v1", "v1a", "v1", "v1a"]
    body = json.dumps(receiver.events[-1], ensure_ascii=False, separators=(",", ":"))
    Webhook(new["secret"]).verify(body, headers)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    key = Ed25519PublicKey.from_public_bytes(b64decode(new["public_key"].removeprefix("whpk_")))
    key.verify(b64decode(found[1].split(",", 1)[1]), signed)
    answer = await call("endo").post(f"/v1/feed/endpoints/{made['endpoint_id']}/rotate", json={"overlap": 0})
    assert len(await store.endpoints.secrets(await store.endpoints.find(made["endpoint_id"]))) == 1  # type: ignore[arg-type]
    await removed(call, made)


@pytest.mark.usefixtures("at_once")
async def test_a_failing_event_holds_back_its_case_alone_and_comes_first_when_it_is_taken(
    call: Call, store: Store, receiver: Receiver
) -> None:
    made = await added(call, store, receiver)
    await stands(call, made, "active")
    failing = 2
    held: list[str] = []

    def misbehaves(event: dict[str, Any]) -> Response | None:
        if not held:
            held.append(event["partitionkey"])
        if event["partitionkey"] == held[0] and receiver.tried[event["id"]] <= failing:
            return Response(status_code=503)
        return None

    receiver.misbehaves = misbehaves
    await lent(call, store)
    await lent(call, store)
    await receiver.until(lambda: len(receiver.events) == 6)
    for case in {one["partitionkey"] for one in receiver.events}:
        numbers = [one["sequence"] for one in receiver.events if one["partitionkey"] == case]
        assert numbers == sorted(numbers)
    assert len({one["id"] for one in receiver.events}) == 6
    assert max(receiver.tried.values()) == failing + 1
    await removed(call, made)


@pytest.mark.usefixtures("at_once")
async def test_what_nobody_takes_is_dead_and_the_lender_replays_it(
    call: Call, store: Store, receiver: Receiver
) -> None:
    made = await added(call, store, receiver)
    await stands(call, made, "active")
    receiver.misbehaves = lambda _: Response(status_code=500)
    await lent(call, store)
    stopped = await stands(call, made, "suspended")
    assert stopped["failure"] == "HTTP 500"
    assert stopped["deliveries"] == {"dead": 1, "waiting": 2}
    assert receiver.events == []
    for person in ("endo", "admin"):
        kinds = [one["kind"] for one in (await call(person).get("/v1/notices")).json()["items"]]
        assert "feed_suspended" in kinds
    receiver.misbehaves = lambda _: None
    answer = await call("endo").post(f"/v1/feed/endpoints/{made['endpoint_id']}/replay", json={})
    assert answer.json() == {"endpoint_id": made["endpoint_id"], "replayed": 1}
    await receiver.until(lambda: len(receiver.events) == 3)
    numbers = [int(one["sequence"]) for one in receiver.events]
    assert numbers == sorted(numbers)
    await becomes(call, made, lambda one: one["deliveries"] == {"sent": 3})
    ids = [receiver.events[1]["id"]]
    answer = await call("endo").post(f"/v1/feed/endpoints/{made['endpoint_id']}/replay", json={"ids": ids})
    assert answer.json()["replayed"] == 1
    await receiver.until(lambda: len(receiver.events) == 4)
    assert receiver.events[-1]["id"] == ids[0]
    await removed(call, made)


async def test_a_withdrawn_consent_stops_what_waits(call: Call, store: Store, receiver: Receiver) -> None:
    made = await added(call, store, receiver)
    await stands(call, made, "active")
    receiver.misbehaves = lambda _: Response(status_code=503, headers={"Retry-After": "3600"})
    case = await lent(call, store)
    await receiver.until(lambda: len(receiver.tried) == 2)  # the challenge, and the first event
    receiver.misbehaves = lambda _: None
    withdrawn = {"data": {"consent_id": f"k-{case}"}, "reason": {"code": "confidentiality"}}
    assert (await call("ueda").do(case, "WithdrawConsent", withdrawn)).status_code == 200
    await call("endo").post(f"/v1/feed/endpoints/{made['endpoint_id']}/replay", json={"from": 1})
    await becomes(call, made, lambda one: one["deliveries"].get("withheld") == 3)
    assert receiver.events == []
    await removed(call, made)


async def test_a_redirect_is_not_followed_and_410_ends_it(call: Call, store: Store, receiver: Receiver) -> None:
    made = await added(call, store, receiver)
    await stands(call, made, "active")
    elsewhere: list[str] = []
    receiver.misbehaves = lambda event: elsewhere.append(event["id"]) or RedirectResponse("http://127.0.0.1:9/", 307)
    await lent(call, store)
    await receiver.until(lambda: bool(elsewhere))
    assert (await becomes(call, made, lambda one: one.get("failure")))[
        "failure"
    ] == "HTTP 307: redirects are not followed"
    receiver.misbehaves = lambda _: Response(status_code=410)
    await call("endo").post(f"/v1/feed/endpoints/{made['endpoint_id']}/replay", json={"from": 1})
    await stands(call, made, "gone")
    await removed(call, made)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://10.0.0.1/", "https://localhost/", "https://169.254.169.254/", "ftp://a.b/"]
)
async def test_an_address_inside_is_refused(call: Call, store: Store, engine: Client, url: str) -> None:
    production = create_app(store, engine)
    answer = await call("endo", to=production).post("/v1/feed/endpoints", json={"url": url})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")


async def test_a_name_that_leads_inside_is_not_connected_to(receiver: Receiver) -> None:
    webhooks = Webhooks()
    port = receiver.url.split(":")[2].split("/")[0]
    outcome = await webhooks.send(f"http://localhost:{port}/hook", "m1", b"{}", [Secret.new()])
    assert "not public" in (outcome.failure or "")
    assert receiver.tried == {}
    await webhooks.close()


async def test_endpoints_belong_to_their_lender(call: Call, store: Store, receiver: Receiver) -> None:
    made = await added(call, store, receiver)
    place = f"/v1/feed/endpoints/{made['endpoint_id']}"
    shown = (await call("admin").get(place)).json()
    assert shown["lender_id"] == "jfs"
    assert "secret" not in shown
    assert (await call("admin").post(f"{place}/rotate", json={})).status_code == 404
    for person in ("sato", "tanaka", "ueda", "noda"):
        assert (await call(person).get(place)).status_code == 403
    assert made["endpoint_id"] in [
        one["endpoint_id"] for one in (await call("endo").get("/v1/feed/endpoints")).json()["items"]
    ]
    missing = await call("endo").get("/v1/feed/endpoints/no-such")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_endpoint")
    await removed(call, made)
    assert (await call("endo").get(place)).status_code == 404


async def test_the_same_key_adds_one_endpoint(call: Call, receiver: Receiver) -> None:
    body = {"url": receiver.url}
    first = await call("endo", **{"Idempotency-Key": '"one"'}).post("/v1/feed/endpoints", json=body)
    second = await call("endo", **{"Idempotency-Key": '"one"'}).post("/v1/feed/endpoints", json=body)
    assert first.json()["endpoint_id"] == second.json()["endpoint_id"]
    other = await call("endo", **{"Idempotency-Key": '"one"'}).post(
        "/v1/feed/endpoints", json={**body, "payload": "full"}
    )
    assert other.json()["code"] == "idempotency_key_reused"
    await removed(call, first.json())

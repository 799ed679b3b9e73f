"""The lender's feed over HTTP: in order, resumable, on record, and never beyond the company's consent."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cloudevents.core.formats.json import JSONFormat

from store.connect import Store
from store.feed import feeding

Call = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("worker")
LENDING = {
    "recipients": ["center", "jfs"],
    "purposes": ["lending_evaluation"],
    "data_classes": ["public_summary"],
    "valid_until": "2035-03-31",
    "given_by": "代表取締役",
    "method": "electronic",
}


async def follow(store: Store) -> None:
    """Let the feed catch up, as the relay does."""
    await store.following.catch_up(feeding(store.ledger))


async def lent(call: Call, store: Store, **scope: Any) -> str:
    """A case whose company consents to the lender jfs."""
    case = str(await call("okada").refer(company=None, company_id="ariake"))
    answer = await call("ueda").do(case, "RecordConsent", {"data": {**LENDING, "consent_id": f"k-{case}", **scope}})
    assert answer.status_code == 200, answer.text
    await follow(store)
    return case


async def newest(call: Call, store: Store) -> int:
    """The last number of the feed."""
    await follow(store)
    after = 0
    while True:
        page = (await call("endo").get(f"/v1/feed?after={after}&limit=1000")).json()
        if not page["items"]:
            return after
        after = int(page["next"])


async def test_a_lender_pulls_the_permitted_events_in_order_and_goes_on_from_the_last(call: Call, store: Store) -> None:
    start = await newest(call, store)
    case = await lent(call, store)
    answer = await call("endo").get(f"/v1/feed?after={start}&limit=1")
    page = answer.json()
    [event] = page["items"]
    assert event["type"] == "jp.hashi.referral.need_referred.v1"
    assert event["partitionkey"] == case
    assert event["sequence"] == f"{start + 1:020d}"
    assert page["next"] == str(start + 1)
    assert f"after={start + 1}" in answer.headers["link"]
    assert event["data"]["title"]
    assert "description" not in event["data"]  # a bank may not see it, so a lender may not
    assert "tried_before" not in event["data"]  # of a class that the consent does not name
    assert "bank_id" not in event["data"]
    assert "actorrole" not in event
    rest = (await call("endo").get(f"/v1/feed?after={page['next']}")).json()
    assert rest == {"items": [], "next": page["next"]}
    assert JSONFormat().read(None, json.dumps(event)).get_id() == event["id"]


async def test_a_withdrawn_consent_leaves_numbers_without_content_and_a_new_one_opens_them_again(
    call: Call, store: Store
) -> None:
    start = await newest(call, store)
    case = await lent(call, store)
    event_id = (await call("endo").get(f"/v1/feed?after={start}")).json()["items"][0]["id"]
    one = await call("endo").get(f"/v1/feed/events/{event_id}")
    assert (one.status_code, one.json()["id"]) == (200, event_id)
    assert one.headers["content-type"] == "application/cloudevents+json"
    withdrawn = {"data": {"consent_id": f"k-{case}"}, "reason": {"code": "confidentiality"}}
    assert (await call("ueda").do(case, "WithdrawConsent", withdrawn)).status_code == 200
    page = (await call("endo").get(f"/v1/feed?after={start}")).json()
    assert page["items"] == [{"sequence": f"{start + 1:020d}", "withheld": True}]  # before any relay heard of it
    gone = await call("endo").get(f"/v1/feed/events/{event_id}")
    assert (gone.status_code, gone.json()["code"]) == (410, "withheld")
    batch = await call("endo").get(f"/v1/feed?after={start}", headers={"Accept": "application/cloudevents-batch+json"})
    assert (batch.json(), batch.headers["content-type"]) == ([], "application/cloudevents-batch+json")
    again = {"data": {**LENDING, "consent_id": f"k2-{case}", "data_classes": ["public_summary", "bank_relation"]}}
    assert (await call("ueda").do(case, "RecordConsent", again)).status_code == 200
    page = (await call("endo").get(f"/v1/feed?after={start}")).json()
    assert page["items"][0]["id"] == event_id
    assert page["items"][0]["data"]["bank_id"] == "other-bank"


async def test_whoever_waits_is_answered_when_something_comes(call: Call, store: Store) -> None:
    start = await newest(call, store)
    waiting = asyncio.create_task(call("endo").get(f"/v1/feed?after={start}&wait=20"))
    await asyncio.sleep(0)
    case = await lent(call, store)
    assert (await waiting).json()["items"][0]["partitionkey"] == case


async def test_a_stream_goes_on_after_the_last_event_one_has_had(call: Call, store: Store, address: str) -> None:
    start = await newest(call, store)
    first = await lent(call, store)
    second = await lent(call, store)
    headers = {**call("endo").headers, "Last-Event-ID": str(start + 1)}
    async with (
        httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as client,
        client.stream("GET", "/v1/feed/stream?after=0") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        found: list[str] = []
        async for line in stream.aiter_lines():
            found.append(line)
            if line.startswith("data: "):
                break
    assert f"id: {start + 2}" in found
    assert json.loads(found[-1].removeprefix("data: "))["partitionkey"] == second
    reads = (await call("ueda").get(f"/v1/cases/{second}/disclosures")).json()["reads"]
    assert [(one["to"], one["read"]) for one in reads] == [("jfs", "/v1/feed/stream")]
    assert first != second


@pytest.mark.parametrize("person", ["sato", "tanaka", "noda", "ueda", "hara", "admin"])
async def test_nobody_but_lenders_has_a_feed(call: Call, person: str) -> None:
    for path in ("/v1/feed", "/v1/feed/stream", "/v1/feed/events/0198b1a0-0000-7000-8000-000000000000"):
        answer = await call(person).get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001", "wait=31", "wait=-1", "since=3"])
async def test_a_cursor_that_is_none_is_named(call: Call, query: str) -> None:
    answer = await call("endo").get(f"/v1/feed?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, query.split("=", 1)[0])


async def test_a_number_beyond_the_end_harms_only_who_gives_it(call: Call) -> None:
    assert (await call("endo").get("/v1/feed?after=9000000000")).json() == {"items": [], "next": "9000000000"}

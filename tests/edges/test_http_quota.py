"""A key may ask so many times in a while, at all gateways together, and is told how it stands."""

import re
from collections.abc import Callable
from typing import Any

from temporalio.client import Client

from gateway.app import GatewaySettings, create_app
from store.connect import Store

Call = Callable[..., Any]
LIMITED = GatewaySettings(rate_limit=3, rate_window=10**7)


async def test_a_key_may_ask_so_many_times_at_all_gateways_together(call: Call, store: Store, engine: Client) -> None:
    first, second = (create_app(store, engine, settings=LIMITED) for _ in range(2))
    for left in (2, 1, 0):
        answer = await call("ueda", first).get("/v1/me")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=10000000'
        assert re.fullmatch(rf'"requests";r={left};t=[0-9]+', answer.headers["ratelimit"])
    first.state.gateway.quota._next = 0.0
    refused = await call("ueda", first).get("/v1/me")
    elsewhere = await call("ueda", second).get("/v1/cases")
    for one in (refused, elsewhere):
        assert (one.status_code, one.json()["code"]) == (429, "rate_limited")
        assert 0 < int(one.headers["retry-after"]) <= 10**7
        assert one.headers["ratelimit"].startswith('"requests";r=0;')
    assert (await call("sato", second).get("/v1/me")).status_code == 200


async def test_what_anybody_may_ask_and_what_is_refused_a_stranger_counts_for_nobody(
    call: Call, store: Store, engine: Client
) -> None:
    limited = create_app(store, engine, settings=LIMITED)
    for _ in range(5):
        assert (await call("okada", limited).get("/livez")).status_code == 200
        assert (await call("okada", limited).get("/v1/me", headers={"Authorization": "x"})).status_code == 401
    assert (await call("okada", limited).get("/v1/me")).status_code == 200


async def test_without_a_limit_nobody_counts(call: Call) -> None:
    answer = await call("okada").get("/v1/me")
    assert "ratelimit" not in answer.headers

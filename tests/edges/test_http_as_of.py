"""A case at an earlier time over HTTP: as it was known, as it was true, and for each reader no more than that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from domain.as_of import fold_true, known_at, true_at
from domain.calendar import japanese_day
from domain.case import fold
from domain.envelope import Actor, Event
from domain.views import case_view

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]
NOW = datetime.now(UTC)


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


@pytest.fixture
async def case(call: Call, need: Callable[..., dict[str, Any]]) -> str:
    """A case that began ten days ago, under tanaka eight days ago; that mori had it nine days ago is recorded last."""
    told = await call("sato").post("/v1/needs", json=need() | {"occurred_at": ago(10)})
    found = str(told.json()["case_id"])
    for person, days in (("tanaka", 8), ("mori", 9)):
        body = {"data": {"coordinator_id": person}, "occurred_at": ago(days), "reason": {"code": "other"}}
        done = await call("mori").do(found, "AssignCoordinator", body)
        assert done.status_code == 200, done.text
    return found


async def seen(call: Call, case: str, person: str, **asked: str | int) -> dict[str, Any]:
    answer = await call(person).get(f"/v1/cases/{case}", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refused(call: Call, case: str, person: str, **asked: str | int) -> str:
    answer = await call(person).get(f"/v1/cases/{case}", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    return str(answer.json()["errors"][0]["parameter"])


async def test_knowledge_goes_by_the_record_and_truth_by_what_happened(call: Call, case: str) -> None:
    events = (await call("noda").get(f"/v1/cases/{case}/events")).json()["items"]
    assert [one["type"].split(".")[-2] for one in events[-2:]] == ["coordinator_assigned"] * 2
    first, second = (one["recordedtime"] for one in events[-2:])
    for person in ("noda", "sato"):
        assert (await seen(call, case, person, as_of=first))["coordinator"] == "tanaka"
        assert (await seen(call, case, person, as_of=second))["coordinator"] == "mori"
        assert "coordinator" not in await seen(call, case, person, true_on=ago(9.5))
        assert (await seen(call, case, person, true_on=ago(8.5)))["coordinator"] == "mori"
        assert (await seen(call, case, person, true_on=ago(7), as_of=first))["coordinator"] == "tanaka"
        assert "coordinator" not in await seen(call, case, person, true_on=ago(8.5), as_of=first)
    told = await seen(call, case, "noda", true_on=ago(9.5), at_version=3)
    assert (told["version"], "deadlines" in told, told["true_on"]) == (3, False, ago(9.5).replace("+00:00", "Z"))


async def test_every_moment_is_that_of_a_naive_replay(call: Call, case: str, app: FastAPI) -> None:
    kept = [event for _, event in await app.state.gateway.store.ledger.read_all(0, 100_000)]
    events: list[Event] = [event for event in kept if event.stream == f"case-{case}"]
    noda = Actor(role="auditor", org_id="center", person="noda")
    for known in {event.recorded_at for event in events}:
        state = fold(known_at(events, known))
        assert state
        told = await seen(call, case, "noda", as_of=known.isoformat())
        assert told.pop("as_of")
        assert told == case_view(state, noda, known)
        for true in {event.occurred_at for event in events}:
            then = fold_true(true_at(known_at(events, known), true))
            told = await seen(call, case, "noda", as_of=known.isoformat(), true_on=true.isoformat())
            wanted = case_view(then, noda, known) if then else {}
            wanted = {name: one for name, one in wanted.items() if name not in ("deadlines", "version")}
            assert {name: one for name, one in told.items() if name not in ("as_of", "true_on", "version")} == wanted


async def test_a_bank_that_has_left_reads_nothing_that_came_after_at_any_time(call: Call, case: str) -> None:
    body: dict[str, Any] = {"data": {}, "reason": {"code": "client_left_bank"}}
    assert (await call("sato").do(case, "RequestCancellation", body)).status_code == 200
    confirmed = await call("mori").do(case, "ConfirmCancellation", {"data": {"company_continues": True}})
    assert confirmed.status_code == 200, confirmed.text
    left = await seen(call, case, "sato")
    body = {"data": {"coordinator_id": "tanaka"}, "occurred_at": ago(9.2), "reason": {"code": "other"}}
    assert (await call("mori").do(case, "AssignCoordinator", body)).status_code == 200
    assert (await seen(call, case, "noda", true_on=ago(9.1)))["coordinator"] == "tanaka"
    assert "coordinator" not in await seen(call, case, "sato", true_on=ago(9.1))
    today = await seen(call, case, "sato", as_of=japanese_day(datetime.now(UTC)).isoformat())
    assert today.pop("as_of")
    assert today == left == await seen(call, case, "sato")
    strange = await call("okada").get(f"/v1/cases/{case}", params={"as_of": ago(9)})
    assert strange.json()["code"] == "unknown_case"


async def test_a_time_is_an_instant_or_a_day_that_has_come_and_at_which_there_was_a_case(call: Call, case: str) -> None:
    for name in ("as_of", "true_on"):
        for wrong in (
            "soon",
            "2026-13-01",
            "2026-05-01T09:00:00",
            ago(-1),
            "9999-12-31",
            "0001-01-01",
            "0001-01-01T00:00:00+09:00",
            ago(300),
            "2020-01-01",
            "",
        ):
            assert await refused(call, case, "sato", **{name: wrong}) == name
    assert await refused(call, case, "sato", as_of=ago(0), at_version=1) == "at_version"
    day = japanese_day(datetime.now(UTC)).isoformat()
    assert (await seen(call, case, "sato", as_of=day))["coordinator"] == "mori"
    unescaped = await call("sato").get(f"/v1/cases/{case}?true_on={ago(7)}")
    assert unescaped.json()["coordinator"] == "mori"

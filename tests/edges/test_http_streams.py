"""Beside a bank's need: cases without a bank, and the entries of the catalogue, by the same way of a command."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.law import RULES

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

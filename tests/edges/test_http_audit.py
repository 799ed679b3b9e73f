"""Auditors prove what they read, lenders keep checkpoints, nobody else is given either."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from audit.log import LOG, seal
from audit.signing import signers_of
from audit.verify_bundle import open_checkpoint, parse_proof, verify_proof
from gateway.parts import Gateway

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]


async def sealed(app: FastAPI) -> Gateway:
    """The gateway, once the log has caught up."""
    gateway: Gateway = app.state.gateway
    await gateway.store.following.catch_up(LOG)
    await seal(gateway.store.pool, signers_of(gateway.store.seals))
    return gateway


async def test_an_auditor_proves_every_event_of_a_case_it_reads(call: Call, app: FastAPI) -> None:
    case = await call("sato").refer()
    gateway = await sealed(app)
    keys = [one.key for one in signers_of(gateway.store.seals)]
    told = await call("noda").get("/v1/audit/checkpoint")
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    head = open_checkpoint(told.content, keys)
    bodies = dict(await gateway.store.ledger.bodies(0, 100_000))
    items = (await call("noda").get(f"/v1/cases/{case}/events")).json()["items"]
    assert len(items) == 3
    for one in items:
        proof = parse_proof((await call("noda").get(f"/v1/audit/proof/{one['id']}")).content)
        assert proof.leaf_index + 1 == int(one["sequence"])
        assert open_checkpoint(proof.note, keys) == head
        verify_proof(proof, bodies[int(one["sequence"])], head)


async def test_a_later_checkpoint_goes_on_from_an_earlier_one(call: Call, app: FastAPI) -> None:
    await call("sato").refer()
    gateway = await sealed(app)
    keys = [one.key for one in signers_of(gateway.store.seals)]
    first = open_checkpoint((await call("endo").get("/v1/audit/checkpoint")).content, keys).size
    await call("sato").refer()
    await sealed(app)
    told = await call("noda").get(f"/v1/audit/consistency?from={first}")
    head, _, note = told.content.partition(b"\n\n")
    assert head.decode().split("\n")[0] == f"old {first}"
    later = open_checkpoint(note, keys).size
    assert later > first
    assert (await call("noda").get(f"/v1/audit/consistency?from={first}&to={later}")).content == told.content


async def test_what_is_not_there_is_said(call: Call, app: FastAPI) -> None:
    await call("sato").refer()
    await sealed(app)
    for path, status, code in (
        ("proof/nonsense", 404, "unknown_event"),
        ("proof/01890000-0000-7000-8000-000000000000", 404, "unknown_event"),
        ("consistency?from=1&to=99999999", 404, "unknown_checkpoint"),
        ("consistency?from=99999999", 404, "unknown_checkpoint"),
        ("consistency?from=0", 422, "invalid_field"),
        ("consistency?from=x", 422, "invalid_field"),
        ("consistency", 422, "invalid_field"),
    ):
        answer = await call("noda").get(f"/v1/audit/{path}")
        assert (answer.status_code, answer.json()["code"]) == (status, code), path


async def test_an_event_that_is_not_sealed_yet_is_proved_a_moment_later(call: Call, app: FastAPI) -> None:
    await sealed(app)
    case = await call("sato").refer()
    event = (await call("noda").get(f"/v1/cases/{case}/events")).json()["items"][0]["id"]
    early = await call("noda").get(f"/v1/audit/proof/{event}")
    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (404, "not_sealed", "1")
    await asyncio.gather(*(sealed(app) for _ in range(3)))
    assert (await call("noda").get(f"/v1/audit/proof/{event}")).status_code == 200


@pytest.mark.parametrize("person", ["sato", "tanaka", "ueda", "hara", "admin"])
async def test_others_are_given_no_checkpoint_and_no_proof(call: Call, person: str) -> None:
    for path in ("checkpoint", "consistency?from=1", "proof/01890000-0000-7000-8000-000000000000"):
        answer = await call(person).get(f"/v1/audit/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert (await call("endo").get("/v1/audit/consistency?from=1")).status_code == 403

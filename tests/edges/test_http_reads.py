"""The access log: what auditors and lenders read is on record before they have it, and the company sees it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from audit.log import LOG, seal
from audit.signing import signers_of
from store.pool import StoreUnreachable, fetch

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]


async def reads(call: Call, case: str) -> list[dict[str, str]]:
    """What the company is told of reads of its case, without the times."""
    told = (await call("ueda").get(f"/v1/cases/{case}/disclosures")).json()["reads"]
    assert all(one.pop("at") for one in told)
    return list(told)


async def case_of(call: Call) -> tuple[str, str]:
    """A case and the consent it began with."""
    case = await call("sato").refer(company=None, company_id="ariake")
    [consent] = (await call("tanaka").get(f"/v1/cases/{case}")).json()["consents"]
    return case, consent["consent_id"]


async def test_every_read_of_an_auditor_is_seen_by_the_company_under_its_consent(call: Call) -> None:
    case, consent = await case_of(call)
    assert await reads(call, case) == []
    noda = {"role": "auditor", "to": "center", "person": "noda", "consent_id": consent}
    addresses = [f"/v1/cases/{case}", f"/v1/cases/{case}/events", f"/v1/cases/{case}/disclosures"]
    for address in addresses:
        assert (await call("noda").get(f"{address}")).status_code == 200
    assert await reads(call, case) == [{**noda, "read": address} for address in addresses]
    listed = (await call("noda").get("/v1/cases?limit=1")).json()["items"]
    assert [one["case_id"] for one in listed] == [case]
    assert (await reads(call, case))[-1] == {**noda, "read": "/v1/cases"}


async def test_a_read_that_was_known_already_is_a_read(call: Call) -> None:
    case, _ = await case_of(call)
    tag = (await call("noda").get(f"/v1/cases/{case}")).headers["etag"]
    assert (await call("noda").get(f"/v1/cases/{case}", headers={"If-None-Match": tag})).status_code == 304
    assert len(await reads(call, case)) == 2


async def test_what_was_refused_and_what_others_read_is_no_read(call: Call) -> None:
    case, _ = await case_of(call)
    assert (await call("noda").get(f"/v1/cases/{case}?at_version=99")).status_code == 422
    assert (await call("endo").get(f"/v1/cases/{case}")).status_code == 404
    for person in ("sato", "tanaka", "ueda"):
        assert (await call(person).get(f"/v1/cases/{case}")).status_code == 200
    assert await reads(call, case) == []


async def test_what_cannot_be_put_on_record_is_not_answered(
    call: Call, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = await case_of(call)

    async def away(*_: object) -> None:
        raise StoreUnreachable("gone")

    monkeypatch.setattr(app.state.gateway.store.desk.__class__, "log_read", away)
    answer: httpx.Response = await call("noda").get(f"/v1/cases/{case}")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert case not in answer.text
    assert (await call("tanaka").get(f"/v1/cases/{case}")).status_code == 200


async def test_checkpoints_handed_out_are_on_record(call: Call, app: FastAPI) -> None:
    await call("sato").refer()
    store = app.state.gateway.store
    await store.following.catch_up(LOG)
    await seal(store.pool, signers_of(store.seals))
    assert (await call("endo").get("/v1/audit/checkpoint")).status_code == 200
    [last] = await fetch(store.pool, "SELECT role, person_id, address FROM hashi.reads ORDER BY read_id DESC LIMIT 1")
    assert last == ("lender_officer", "endo", "/v1/audit/checkpoint")

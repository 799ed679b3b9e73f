"""Without a worker, an engine or a database nobody is lied to, and the same key finds the one answer afterwards."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from temporalio.client import Client

from gateway.app import GatewaySettings, create_app
from store.connect import Store
from workers.case_worker import case_worker
from workers.doctor.database import examine_database
from workers.embedded import Stack

Call = Callable[..., Any]
Need = Callable[..., dict[str, Any]]
_KEYS = "Keys of cases"
NOTE = {"data": {"text": "電話で確認した。"}}


@pytest.fixture
def hasty(store: Store, engine: Client) -> FastAPI:
    """A gateway that waits a second and a half."""
    return create_app(store, engine, settings=GatewaySettings(patience=1.5, attempt=0.5, check_patience=1.0))


@pytest.fixture
async def case(call: Call, store: Store, engine: Client) -> str:
    """A case, referred while there was a worker."""
    async with case_worker(engine, store):
        found = await call("sato").refer()
    return str(found)


async def test_without_a_worker_the_outcome_is_unknown_until_the_same_key_comes_again(
    call: Call, hasty: FastAPI, need: Need, store: Store, engine: Client
) -> None:
    body, headers = need(), {"Idempotency-Key": '"late"'}
    for _ in range(2):
        answer = await call("sato", hasty).post("/v1/needs", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
        assert answer.headers["retry-after"] == "5"
        assert "Idempotency-Key" in answer.json()["detail"]
    async with case_worker(engine, store):
        answers = [await call("sato").post("/v1/needs", json=body, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["version"] == 3


async def test_a_command_that_was_kept_is_carried_out_once(
    call: Call, case: str, hasty: FastAPI, store: Store, engine: Client
) -> None:
    answer = await call("tanaka", hasty).do(case, "AddNote", NOTE, idempotency_key="late-note")
    assert answer.json()["code"] == "outcome_unknown"
    async with case_worker(engine, store):
        first = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="late-note")
        again = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="late-note")
        assert (first.status_code, first.content) == (200, again.content)
        assert (await call("tanaka").get(f"/v1/cases/{case}")).json()["version"] == 4


async def test_those_who_queue_for_a_silent_case_are_answered_too(call: Call, case: str, hasty: FastAPI) -> None:
    answers = await asyncio.gather(*(call("tanaka", hasty).do(case, "AddNote", NOTE) for _ in range(5)))
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(503, "outcome_unknown")}
    assert not hasty.state.gateway.engine._lines


async def test_a_kept_command_is_driven_on_although_the_rules_would_refuse_it_now(
    call: Call, case: str, hasty: FastAPI, store: Store, engine: Client
) -> None:
    command = (case, "AssignCoordinator", {"data": {"coordinator_id": "tanaka"}})
    answer = await call("tanaka", hasty).do(*command, idempotency_key="assign", if_match='"v3"')
    assert answer.status_code == 503
    async with case_worker(engine, store):
        await asyncio.sleep(1)
        await call("tanaka").do(case, "AddNote", NOTE)
        answer = await call("tanaka").do(*command, idempotency_key="assign", if_match='"v3"')
        again = await call("tanaka").do(*command, idempotency_key="assign", if_match='"v3"')
        assert (again.status_code, again.content) == (answer.status_code, answer.content)
        other = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="assign")
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_without_an_engine_nothing_is_lost(servers: Stack, call: Call, case: str, hasty: FastAPI) -> None:
    await servers.kill_temporal()
    answer = await call("tanaka", hasty).do(case, "AddNote", NOTE, idempotency_key="no-engine")
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_unavailable")
    ready = await call("tanaka", hasty).get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "ok", "temporal": "unreachable"})
    assert (await call("tanaka", hasty).get("/livez")).status_code == 200
    assert (await call("tanaka", hasty).get(f"/v1/cases/{case}")).status_code == 200
    await servers.restart_temporal()
    gateway = hasty.state.gateway
    async with case_worker(gateway.engine._client, gateway.store):
        answer = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="no-engine")
        assert (answer.status_code, answer.json()["version"]) == (200, 4)


async def test_without_a_database_nothing_is_half_done(servers: Stack, call: Call, case: str, hasty: FastAPI) -> None:
    await servers.kill_postgres()
    try:
        for answer in await asyncio.gather(
            call("tanaka", hasty).do(case, "AddNote", NOTE, idempotency_key="no-database"),
            call("tanaka", hasty).get(f"/v1/cases/{case}"),
            call("tanaka", hasty).get("/v1/cases"),
            call("tanaka", hasty).post("/v1/documents", files={"file": ("a", b"a")}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert answer.headers["retry-after"] == "5"
        ready = await call("tanaka", hasty).get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "unreachable")
    finally:
        await servers.restart_postgres()
    told = await call("tanaka", hasty).get(f"/v1/cases/{case}")
    assert (told.status_code, told.json()["version"]) == (200, 3)


async def _as_owner(servers: Stack, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last of *statements*."""
    url = servers.database_url.replace("+psycopg", "", 1)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


async def test_a_full_disk_is_told_and_nothing_is_half_done(
    servers: Stack, call: Call, case: str, hasty: FastAPI
) -> None:
    await _as_owner(
        servers,
        "CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''No space left on device'' USING ERRCODE = ''53100''; END'",
        "CREATE TRIGGER no_room BEFORE INSERT ON hashi.commands FOR EACH ROW EXECUTE FUNCTION public.no_room()",
        "CREATE TRIGGER no_room BEFORE INSERT ON hashi.documents FOR EACH ROW EXECUTE FUNCTION public.no_room()",
    )
    try:
        for answer in (
            await call("tanaka", hasty).do(case, "AddNote", NOTE, idempotency_key="no-room"),
            await call("tanaka", hasty).post("/v1/documents", files={"file": ("a", b"no room")}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "database_full")
            assert answer.headers["retry-after"] == "5"
        assert (await call("tanaka", hasty).get(f"/v1/cases/{case}")).json()["version"] == 3
    finally:
        await _as_owner(servers, "DROP FUNCTION public.no_room CASCADE")
    async with case_worker(hasty.state.gateway.engine._client, hasty.state.gateway.store):
        answer = await call("tanaka").do(case, "AddNote", NOTE, idempotency_key="no-room")
        assert (answer.status_code, answer.json()["version"]) == (200, 4)


async def test_a_case_whose_key_is_missing_says_so_and_the_others_are_read(
    servers: Stack, call: Call, case: str, engine: Client
) -> None:
    fetched = "key_id, subject, number, wrapped"
    [row] = await _as_owner(
        servers, f"DELETE FROM hashi.subject_keys WHERE subject = 'case-{case}' RETURNING {fetched}"
    )
    async with Store.open(servers.database_url, [bytes(range(32))]) as store:
        fresh = create_app(store, engine)
        answer = await call("tanaka", fresh).get(f"/v1/cases/{case}")
        assert (answer.status_code, answer.json()["code"]) == (503, "key_missing")
        assert (await call("tanaka", fresh).get("/v1/cases")).status_code == 200
        [found] = [one for one in examine_database(servers.database_url, [bytes(range(32))]) if one.name == _KEYS]
        assert case in found.told
        assert "subject_keys" in (found.remedy or "")
        values = f"('{row[0]}', '{row[1]}', {row[2]}, '\\x{row[3].hex()}')"
        await _as_owner(servers, f"INSERT INTO hashi.subject_keys ({fetched}) VALUES {values}")
        assert (await call("tanaka", fresh).get(f"/v1/cases/{case}")).status_code == 200

"""Engine and store compared both ways: what is amiss is found, and the store's word brings it right."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from case_desk import COORDINATOR, START, WITHDREW, Desk, register_everybody
from lost_engine import connected, is_good, lose, quiet
from temporalio.client import Client

import migrations
from activities.contract import CASE_WORKFLOW, SEARCH_ATTRIBUTES, TASK_QUEUE, CaseStart, workflow_id
from activities.ledger import CaseLedger
from store.clock import Clock
from store.connect import Store
from workers.case_worker import case_worker
from workers.cli import run
from workers.embedded import Stack, throwaway
from workers.reconciling import Reconciled, reconcile
from workers.replaying import histories


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Servers of these tests alone: what reconciles looks at every workflow there is."""
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as own:
        await asyncio.to_thread(migrations.upgrade, own.database_url)
        await Clock.make_movable(own.database_url)
        yield own


@pytest.fixture(scope="module")
async def store(stack: Stack) -> AsyncIterator[Store]:
    """The store of these tests."""
    async with Store.open(stack.database_url, [bytes(32)]) as opened:
        await register_everybody(opened)
        await opened.clock.move(START)
        yield opened


@pytest.fixture(scope="module")
async def client(stack: Stack) -> Client:
    """The engine of these tests."""
    return await connected(stack)


@pytest.fixture
async def desk(client: Client, store: Store) -> AsyncIterator[Desk]:
    """An open case, and a worker at its side; at the end it is closed."""
    desk = Desk.of_new_case(client, store)
    desk.task_queue = TASK_QUEUE
    async with case_worker(client, store):
        yield await desk.opened()


async def kinds(client: Client, store: Store, desk: Desk, **more: bool) -> tuple[list[str], Reconciled]:
    """What is found of the desk's case."""
    found = await reconcile(client, store, quiet, **more)
    return [one.kind for one in found.findings if one.case_id == desk.case_id], found


async def review(desk: Desk) -> None:
    """Begin the review of an open case."""
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    assert (await desk.send("StartReview")).outcome == "accepted"


async def as_owner(stack: Stack, *statements: str) -> None:
    url = stack.database_url.replace("+psycopg", "", 1)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


async def test_the_whole_engine_lost_loses_no_case() -> None:
    seen = await lose(4)
    assert is_good(seen, 4), seen


async def test_where_both_agree_nothing_is_found(client: Client, store: Store, desk: Desk) -> None:
    await review(desk)
    found, all_of_it = await kinds(client, store, desk)
    assert found == []
    assert all_of_it.events >= len(await desk.events()) - 1
    assert all_of_it.timers >= 1
    await desk.send("CloseCase", COORDINATOR, {"disposition": "withdrawn_by_company"}, reason=WITHDREW)
    assert (await kinds(client, store, desk))[0] == []


async def test_a_workflow_that_was_ended_is_missing_and_comes_back(client: Client, store: Store, desk: Desk) -> None:
    await desk.handle.terminate()
    assert (await kinds(client, store, desk))[0] == ["missing"]
    found, all_of_it = await kinds(client, store, desk, repair=True)
    assert (found, desk.case_id in all_of_it.repaired) == (["missing"], True)
    assert (await kinds(client, store, desk))[0] == []
    assert await desk.status() == "RUNNING"


async def test_what_was_stored_past_the_engine_is_found_and_made_known(
    client: Client, store: Store, desk: Desk
) -> None:
    ticket = await desk.seal("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    assert (await CaseLedger(store).apply_command(ticket)).answer.outcome == "accepted"
    assert (await kinds(client, store, desk))[0] == ["behind"]
    await kinds(client, store, desk, repair=True)
    assert (await kinds(client, store, desk))[0] == []


async def test_what_was_answered_and_is_not_stored_any_more_is_found(
    client: Client, store: Store, desk: Desk, stack: Stack
) -> None:
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    stream = f"case-{desk.case_id}"
    last = f"(SELECT max(version) FROM hashi.events WHERE stream = '{stream}')"
    await as_owner(
        stack,
        "ALTER TABLE hashi.events DISABLE TRIGGER keep_events",
        f"DELETE FROM hashi.events WHERE stream = '{stream}' AND version = {last}",
        "ALTER TABLE hashi.events ENABLE ALWAYS TRIGGER keep_events",
        f"UPDATE hashi.case_overview SET version = version - 1 WHERE case_id = '{desk.case_id}'",
    )
    assert (await kinds(client, store, desk))[0] == ["not_stored", "ahead"]


async def test_a_timer_that_does_not_wake_at_the_deadline_is_found(
    client: Client, store: Store, desk: Desk, stack: Stack
) -> None:
    before = await desk.run_id()
    await review(desk)
    await desk.next_run(before)  # a first run looks by itself after some seconds
    assert (await kinds(client, store, desk))[0] == []
    change = "next_due_at = next_due_at - interval '1 hour'"
    await as_owner(stack, f"UPDATE hashi.case_overview SET {change} WHERE case_id = '{desk.case_id}'")
    assert (await kinds(client, store, desk))[0] == ["timer"]


async def test_a_workflow_of_nothing_is_found_and_ended(client: Client, store: Store) -> None:
    case_id = os.urandom(8).hex()
    handle = await client.start_workflow(
        CASE_WORKFLOW, CaseStart(case_id=case_id), id=workflow_id(case_id), task_queue="nobody"
    )
    found = await reconcile(client, store, quiet, repair=True)
    assert [one.kind for one in found.findings if one.case_id == case_id] == ["unknown"]
    assert (await handle.describe()).status.name == "TERMINATED"  # type: ignore[union-attr]


async def test_all_runs_that_are_kept_are_read(client: Client, store: Store, desk: Desk) -> None:
    before = await desk.run_id()
    await review(desk)
    await desk.next_run(before)
    assert len(await histories(client, desk.case_id)) >= 2


async def test_the_command_line_replays_reconciles_and_restores(
    desk: Desk, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HASHI_DATABASE_URL", stack.database_url)
    monkeypatch.setenv("HASHI_MASTER_KEY", bytes(32).hex())
    monkeypatch.setenv("TEMPORAL_ADDRESS", stack.temporal_address)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)

    async def spoken(*words: str) -> tuple[int, dict[str, Any]]:
        status = await asyncio.to_thread(run, ["audit", *words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    await desk.handle.terminate()
    status, told = await spoken("reconcile")
    mine = [one for one in told["findings"] if one["case_id"] == desk.case_id]
    assert (status, [one["kind"] for one in mine]) == (1, ["missing"])
    status, told = await spoken("restore-workflows")
    assert told["cases"] >= 1
    assert desk.case_id not in told["failed"]
    status, told = await spoken("replay", desk.case_id)
    assert (status, told["version"], told["engine"].endswith("events replayed")) == (0, 3, True)
    await desk.handle.terminate()
    assert await asyncio.to_thread(run, ["audit", "reconcile"]) == 1
    assert "ワークフローがありません" in capsys.readouterr().out
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    assert await asyncio.to_thread(run, ["audit", "reconcile"]) == 3
    assert "Temporal" in capsys.readouterr().err

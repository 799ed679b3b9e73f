"""Engine and store compared both ways: what is amiss is found, and the store's word brings it right."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from case_desk import COORDINATOR, START, WITHDREW, Desk, register_everybody, until
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

import migrations
from activities.contract import APPLY, CASE_WORKFLOW, SEARCH_ATTRIBUTES, TASK_QUEUE, CaseStart, Ticket, workflow_id
from activities.ledger import CaseLedger
from store.clock import Clock
from store.connect import Store
from workers import reconciling
from workers.accounts import histories
from workers.case_worker import case_worker, runner
from workers.cli import run
from workers.embedded import Stack, throwaway
from workers.reconciling import Look, Reconciled, reconcile
from workers.restoring import Restored, restore_workflows
from workers.serving import serving
from workflows.referral_case import ReferralCase

ACCEPTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Servers of these tests alone: what reconciles looks at every workflow there is."""
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as own:
        await asyncio.to_thread(migrations.upgrade, own.database_url)
        await Clock.make_movable(own.database_url)
        yield own


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is under way when these tests look, so that the second look can follow at once."""
    monkeypatch.setattr(reconciling, "_AGAIN", 0.05)


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
    return await Client.connect(stack.temporal_address, data_converter=pydantic_data_converter)


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


async def test_where_both_agree_nothing_is_found(client: Client, store: Store, desk: Desk) -> None:
    before = await desk.run_id()
    await review(desk)
    await desk.next_run(before)  # a first run looks by itself after some seconds
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
    await desk.next_run(before)
    assert (await kinds(client, store, desk))[0] == []
    nearer, back = "next_due_at = next_due_at - interval '1 hour'", "next_due_at = next_due_at + interval '1 hour'"
    await as_owner(stack, f"UPDATE hashi.case_overview SET {nearer} WHERE case_id = '{desk.case_id}'")
    assert (await kinds(client, store, desk))[0] == ["timer"]
    await as_owner(stack, f"UPDATE hashi.case_overview SET {back} WHERE case_id = '{desk.case_id}'")


async def test_another_state_of_the_same_version_is_found(
    client: Client, store: Store, desk: Desk, stack: Stack
) -> None:
    await as_owner(stack, f"UPDATE hashi.case_overview SET stage = 'review' WHERE case_id = '{desk.case_id}'")
    assert (await kinds(client, store, desk))[0] == ["differs"]
    await as_owner(stack, f"UPDATE hashi.case_overview SET stage = 'intake' WHERE case_id = '{desk.case_id}'")


async def test_what_an_ended_run_answered_of_a_case_that_is_gone_is_found(
    client: Client, store: Store, desk: Desk, stack: Stack
) -> None:
    await desk.handle.terminate()
    await as_owner(
        stack,
        "ALTER TABLE hashi.events DISABLE TRIGGER keep_events",
        f"DELETE FROM hashi.events WHERE stream = 'case-{desk.case_id}'",
        "ALTER TABLE hashi.events ENABLE ALWAYS TRIGGER keep_events",
        f"DELETE FROM hashi.case_overview WHERE case_id = '{desk.case_id}'",
    )
    assert (await kinds(client, store, desk))[0] == ["not_stored"] * 3


@activity.defn(name=APPLY)
async def hangs(_: Ticket) -> None:
    """Carries nothing out."""
    await asyncio.Event().wait()


async def test_a_command_that_was_accepted_and_lost_is_found_and_carried_out(client: Client, store: Store) -> None:
    desk = Desk.of_new_case(client, store)
    desk.task_queue = TASK_QUEUE
    async with case_worker(client, store):
        await desk.opened()
    ticket = await desk.seal("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})

    async def is_accepted() -> bool:
        events = (await desk.handle.fetch_history()).events
        return [one.event_type for one in events].count(ACCEPTED) == 2

    async with Worker(
        client, task_queue=TASK_QUEUE, workflows=[ReferralCase], activities=[hangs], workflow_runner=runner(False)
    ):
        asked = asyncio.create_task(desk.ask(ticket))
        await until(is_accepted)
        await desk.handle.terminate()
        assert isinstance((await asyncio.gather(asked, return_exceptions=True))[0], WorkflowUpdateFailedError)
    async with case_worker(client, store):
        found, all_of_it = await kinds(client, store, desk, repair=True)
        assert (found, desk.case_id in all_of_it.repaired) == (["missing", "unanswered"], True)
        assert (await desk.told())[-1] == "CoordinatorAssigned"


async def test_a_restore_that_was_killed_is_begun_again_and_sets_the_timers_by_the_events(
    client: Client, store: Store, desk: Desk
) -> None:
    more = [Desk.of_new_case(client, store) for _ in range(2)]
    for one in more:
        one.task_queue = TASK_QUEUE
        await one.opened()
    for one in (desk, *more):
        await one.handle.terminate()
    going: list[asyncio.Task[Restored]] = []
    going.append(asyncio.create_task(restore_workflows(client, store, lambda done, total: going[0].cancel() and None)))
    with suppress(asyncio.CancelledError):
        await going[0]
    again = await restore_workflows(client, store, quiet)
    assert (again.failed, again.running > 0) == ([], True)
    for one in (desk, *more):
        await until(lambda one=one: waits_for_its_deadline(client, store, one))
        assert (await kinds(client, store, one))[0] == []


async def waits_for_its_deadline(client: Client, store: Store, desk: Desk) -> bool:
    """Whether the timer of the desk's case is that of the store."""
    count = Reconciled()
    look = Look(client, store, await serving(client))
    return not await look.at(workflow_id(desk.case_id), count) and count.timers == 1


@pytest.mark.usefixtures("desk")
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
    assert len(await histories(client, workflow_id(desk.case_id))) >= 2


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

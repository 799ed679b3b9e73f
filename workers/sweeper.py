"""The sweep: every case whose deadline has passed in the store is looked at again by its workflow.

A timer may be lost with the engine, or never set because the engine died between an append and its next task. The
store knows every deadline, so a nudge heals it; a case without a workflow gets one.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from activities.contract import CASE_WORKFLOW, SYNC_UPDATE, TASK_QUEUE, CaseStart, Standing, workflow_id
from activities.entries import EntryClock
from gateway.engine import begin_batch, start_delivery
from store.connect import Store, StoreUnreachable

GRACE: Final = timedelta(seconds=10)
"""How late a deadline may be before the sweep looks at it."""
STRANDED: Final = timedelta(seconds=60)
"""How long a batch may stand still before the sweep lets it go on."""
KEPT: Final = timedelta(days=30)
"""How long an uploaded table is kept after the batch last moved."""
_PERIOD: Final = 15.0
_AT_ONCE: Final = 8
_PATIENCE: Final = timedelta(seconds=10)

log = structlog.get_logger("sweeper")


async def nudge(client: Client, case_id: str, *, task_queue: str = TASK_QUEUE) -> Standing:
    """Let the workflow of *case_id* look into the store, starting it where it does not run. Raises RPCError."""
    operation: WithStartWorkflowOperation[object, object] = WithStartWorkflowOperation(
        CASE_WORKFLOW,
        CaseStart(case_id=case_id),
        id=workflow_id(case_id),
        task_queue=task_queue,
        task_timeout=timedelta(seconds=2),
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    try:
        return await client.execute_update_with_start_workflow(  # type: ignore[no-any-return]
            SYNC_UPDATE,
            start_workflow_operation=operation,
            id=f"sync-{uuid4()}",
            result_type=Standing,
            rpc_timeout=_PATIENCE,
        )
    except BaseException:
        await asyncio.gather(operation.workflow_handle(), return_exceptions=True)
        raise


async def sweep(
    client: Client,
    store: Store,
    *,
    grace: timedelta = GRACE,
    task_queue: str = TASK_QUEUE,
    entries: EntryClock | None = None,
) -> int:
    """Nudge every case, and move every entry, that is more than *grace* overdue; returns how many there were."""
    overdue = await store.overview.due(await store.clock.now(), grace)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(case_id: str) -> None:
        async with gate:
            await nudge(client, case_id, task_queue=task_queue)

    results = await asyncio.gather(*(one(case_id) for case_id in overdue), return_exceptions=True)
    _report(overdue, results)
    await sweep_batches(client, store)
    for endpoint_id in await store.endpoints.running():
        await start_delivery(client, endpoint_id, task_queue=task_queue)
    return len(overdue) + await (entries or EntryClock(store)).tick(grace)


async def sweep_batches(client: Client, store: Store, *, stranded: timedelta = STRANDED) -> None:
    """Let batches that stand still go on, and erase the uploads of old ones. Raises RPCError, StoreUnreachable."""
    for batch_id in await store.batches.stranded(stranded):
        await begin_batch(client, batch_id)
    await store.batches.forget_old(KEPT)


def _report(overdue: Sequence[str], results: Sequence[BaseException | None]) -> None:
    failed = [(case_id, one) for case_id, one in zip(overdue, results, strict=True) if one is not None]
    for case_id, error in failed:
        if not isinstance(error, RPCError | WorkflowUpdateFailedError | TemporalError | StoreUnreachable):
            raise error
        log.warning("nudge_failed", case_id=case_id, error=type(error).__name__)
    if overdue:
        log.info("overdue_cases_nudged", count=len(overdue), failed=len(failed))


async def sweep_for_ever(
    client: Client, store: Store, *, period: float = _PERIOD, task_queue: str = TASK_QUEUE
) -> None:
    """Sweep every *period* seconds until cancelled; an outage is logged and waited out."""
    entries = EntryClock(store)
    while True:
        try:
            await sweep(client, store, task_queue=task_queue, entries=entries)
        except (StoreUnreachable, RPCError) as error:
            log.warning("sweep_failed", error=type(error).__name__)
        await asyncio.sleep(period)

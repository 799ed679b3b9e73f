"""The Temporal worker of the cases: workflow tasks and the activity that decides and appends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Final

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.contract import TASK_QUEUE
from activities.delivery import LenderPush
from activities.ledger import CaseLedger
from activities.papers import Papers
from activities.webhooks import Webhooks
from store.cases import Cases
from store.connect import Store
from workers.build import deployment
from workflows.lender_delivery import LenderDelivery
from workflows.referral_case import ReferralCase

_CACHED: Final = 2_000
"""Workflows kept in memory, some 60 KB each; more active cases than this replay from history."""


def runner(sandboxed: bool) -> WorkflowRunner:
    """What runs the workflows: the sandbox, which guards determinism, or nothing in between."""
    if not sandboxed:
        return UnsandboxedWorkflowRunner()
    restrictions = SandboxRestrictions.default.with_passthrough_modules("pydantic", "activities.contract")
    return SandboxedWorkflowRunner(restrictions=restrictions)


@asynccontextmanager
async def case_worker(
    client: Client,
    store: Store,
    *,
    cases: Cases | None = None,
    papers: Papers | None = None,
    alike: Decimal | None = None,
    sandboxed: bool = True,
    cached: int = _CACHED,
    task_queue: str = TASK_QUEUE,
    webhooks: Webhooks | None = None,
    address: str = "",
    build: WorkerDeploymentConfig | None = None,
) -> AsyncIterator[Worker]:
    """A running worker; leaving the context lets what is under way end.

    *papers* renders dossiers; without it none is issued. Needs of one company that are at least *alike* are suspected
    to be one; by default none is.
    Events are pushed through *webhooks*, and lead to the gateway at *address*; by default to public addresses only.
    *build* is what Temporal is told of this worker's code; by default it takes every case, whichever build began it.
    The sandbox guards determinism and costs a third of the speed: tests use it, production need not.
    """
    ledger = CaseLedger(store, cases, papers, alike)
    pushing = webhooks or Webhooks()
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[ReferralCase, LenderDelivery],
        activities=[ledger.apply_command, ledger.fall_due, LenderPush(store, pushing, address=address).push],
        workflow_runner=runner(sandboxed),
        max_cached_workflows=cached,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        graceful_shutdown_timeout=timedelta(seconds=5),
        deployment_config=build or deployment(None),
    )
    try:
        async with worker:
            yield worker
    finally:
        await pushing.close()

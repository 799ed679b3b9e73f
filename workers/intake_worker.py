"""The Temporal worker of needs in bulk: one stretch of rows at a time, on the gateway's own way of a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.batches import BatchRows
from activities.contract import INTAKE_QUEUE
from gateway.ask import Asking
from gateway.batches.referring import Referrals
from gateway.engine import Engine
from gateway.settings import GatewaySettings
from gateway.trails import Trails
from store.cases import Cases
from store.connect import Store
from workers.build import deployment
from workers.case_worker import runner
from workflows.intake_batch import IntakeBatch


@asynccontextmanager
async def intake_worker(
    client: Client,
    store: Store,
    *,
    cases: Cases | None = None,
    sandboxed: bool = True,
    task_queue: str = INTAKE_QUEUE,
    build: WorkerDeploymentConfig | None = None,
) -> AsyncIterator[Worker]:
    """A running worker; leaving the context lets the row under way end.

    *build* is what Temporal is told of this worker's code, as for the cases.
    It takes one stretch at a time whatever the number of batches, so that people's commands are not kept waiting.
    """
    states = cases or Cases(store.ledger)
    asking = Asking(store, states, Engine(client, GatewaySettings()), Trails(states, store.desk))
    rows = BatchRows(store, Referrals(store, asking))
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[IntakeBatch],
        activities=[rows.commit_rows],
        workflow_runner=runner(sandboxed),
        max_concurrent_activities=1,
        max_cached_workflows=100,
        graceful_shutdown_timeout=timedelta(seconds=5),
        deployment_config=build or deployment(None),
    )
    async with worker:
        yield worker

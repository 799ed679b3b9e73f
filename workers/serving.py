"""Who serves the cases: the workers that Temporal has seen of late, their builds, and the build that new runs go to."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, NamedTuple

from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from activities.contract import TASK_QUEUE

_CALL: Final = timedelta(seconds=5)


class Build(NamedTuple):
    """A build as Temporal knows it; the deployment is empty where no version is asked for."""

    deployment: str
    build_id: str

    def __str__(self) -> str:
        return f"{self.deployment}:{self.build_id}" if self.deployment else self.build_id

    @classmethod
    def of(cls, version: WorkerDeploymentVersion) -> "Build":
        """The build that *version* names."""
        return cls(version.deployment_name, version.build_id)


class Serving(NamedTuple):
    """What the engine knows of the workers of the last five minutes."""

    workers: int
    versioned: frozenset[Build]
    """Builds whose workers take only the runs of their own build."""
    builds: frozenset[str]
    """The build ids of all."""
    current: Build | None
    """Where new runs go, and those that turn over; None: to workers without a deployment."""


async def serving(client: Client, task_queue: str = TASK_QUEUE) -> Serving:
    """The workers of *task_queue*. Raises RPCError."""
    told = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        ),
        timeout=_CALL,
    )
    info = told.versioning_info
    return Serving(
        workers=len({one.identity for one in told.pollers}),
        versioned=frozenset(_versioned(told.pollers)),
        builds=frozenset(one.deployment_options.build_id for one in told.pollers),
        current=Build.of(info.current_deployment_version) if info.HasField("current_deployment_version") else None,
    )


def _versioned(pollers: Iterable[PollerInfo]) -> Iterable[Build]:
    for one in pollers:
        told = one.deployment_options
        if told.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED:
            yield Build(told.deployment_name, told.build_id)

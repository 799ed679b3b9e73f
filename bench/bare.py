"""The peer: a bare Temporal Update with one ordinary activity that does nothing, in a worker process of its own."""

import asyncio
import os
from datetime import timedelta
from typing import Final

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

ADDRESS: Final = "TEMPORAL_ADDRESS"
QUEUE: Final = "bench-bare"
_ATTEMPT: Final = timedelta(seconds=10)
_TASK: Final = timedelta(seconds=2)
_CACHED: Final = 2_000


@activity.defn
async def nothing(word: str) -> str:
    """Do nothing."""
    return word


@workflow.defn
class Bare:
    """A workflow whose Update calls one activity."""

    def __init__(self) -> None:
        self._ended = False

    @workflow.run
    async def run(self) -> None:
        """Wait for the end."""
        await workflow.wait_condition(lambda: self._ended)

    @workflow.update
    async def command(self, word: str) -> str:
        """Ask the activity."""
        return await workflow.execute_activity(nothing, word, start_to_close_timeout=_ATTEMPT)

    @workflow.signal
    def end(self) -> None:
        """Let the run end."""
        self._ended = True


async def begin(client: Client, workflow_id: str) -> WorkflowHandle[Bare, None]:
    """A new run of the peer."""
    return await client.start_workflow(Bare.run, id=workflow_id, task_queue=QUEUE, task_timeout=_TASK)


async def serve(address: str) -> None:
    """Serve the peer's queue until killed, with the settings of `hashi worker`."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Bare],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=_CACHED,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(serve(os.environ[ADDRESS]))

"""The peer: a bare Temporal Update with one ordinary activity that does nothing, on a worker process of its own.

Run as `python -m bench.peer ADDRESS`, with the settings of our own worker wherever both have one.
"""

import asyncio
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE: Final = "bench-peer"
_PAUSE: Final = 0.05
"""Seconds before an Update that got no answer is sent again under its id, as our gateway does."""


@activity.defn
async def nothing(word: str) -> str:
    """Give *word* back."""
    return word


@workflow.defn
class Bare:
    """A workflow that carries out Updates by an activity, and ends when it is told to."""

    def __init__(self) -> None:
        """Begin."""
        self._done = False

    @workflow.run
    async def run(self) -> None:
        """Wait for the end."""
        await workflow.wait_condition(lambda: self._done)

    @workflow.update
    async def do(self, word: str) -> str:
        """One ordinary activity."""
        return await workflow.execute_activity(nothing, word, start_to_close_timeout=timedelta(seconds=3))


@dataclass
class Caller:
    """One client of the peer, which begins a new workflow after *length* Updates, as ours begins a new case."""

    client: Client
    length: int
    sent: int = 0
    workflow_id: str = ""

    async def send(self) -> None:
        """One Update, to its end; the first of a workflow starts it, as the first command of a case does."""
        first = self.sent % self.length == 0
        if first:
            self.workflow_id = f"bare-{uuid4().hex}"
        self.sent += 1
        update_id = uuid4().hex
        while True:
            try:
                return await self._once(update_id, first=first)
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):  # on a machine with much else to do
                await asyncio.sleep(_PAUSE)

    async def _once(self, update_id: str, *, first: bool) -> None:
        if first:
            await self.client.execute_update_with_start_workflow(
                "do", "a word", start_workflow_operation=_start(self.workflow_id), id=update_id, result_type=str
            )
        else:
            handle = self.client.get_workflow_handle(self.workflow_id)
            await handle.execute_update("do", "a word", id=update_id, result_type=str)


def _start(workflow_id: str) -> WithStartWorkflowOperation[Any, Any]:
    return WithStartWorkflowOperation(
        "Bare",
        id=workflow_id,
        task_queue=QUEUE,
        task_timeout=timedelta(seconds=2),
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def serve(address: str) -> None:
    """Run the peer's worker until the process ends."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Bare],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=2_000,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))

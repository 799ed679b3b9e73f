"""A batch of needs in time: stretch after stretch, over several runs, and only what the store says counts."""

import asyncio
from uuid import uuid4

from case_desk import sandbox
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, Worker

from activities.contract import COMMIT_ROWS, Stretch, intake_workflow_id
from gateway.engine import begin_batch
from workflows.intake_batch import IntakeBatch

STRETCHES = 45
"""More than one run holds."""


async def test_a_batch_goes_over_several_runs_and_replays(client: Client) -> None:
    done: list[str] = []

    @activity.defn(name=COMMIT_ROWS)
    async def commit_rows(batch_id: str) -> Stretch:
        done.append(batch_id)
        left = STRETCHES - len(done)
        return Stretch(settled=len(done), left=left, state="committing" if left else "done")

    queue, batch_id = f"intake-{uuid4()}", uuid4().hex
    async with Worker(
        client, task_queue=queue, workflows=[IntakeBatch], activities=[commit_rows], workflow_runner=sandbox()
    ):
        await asyncio.gather(*(begin_batch(client, batch_id, task_queue=queue) for _ in range(3)))
        handle = client.get_workflow_handle_for(IntakeBatch.run, intake_workflow_id(batch_id))
        assert await handle.result() == Stretch(settled=STRETCHES, left=0, state="done")
    assert done == [batch_id] * STRETCHES
    replayer = Replayer(workflows=[IntakeBatch], data_converter=pydantic_data_converter, workflow_runner=sandbox())
    last = await handle.fetch_history()
    first = last.events[0].workflow_execution_started_event_attributes.first_execution_run_id
    before = await client.get_workflow_handle(handle.id, run_id=first).fetch_history()
    going_on = before.events[-1].workflow_execution_continued_as_new_event_attributes
    assert going_on.new_execution_run_id == last.run_id
    for history in (before, last):
        await replayer.replay_workflow(history)

"""Bringing workflows back from the events: every case that waits for something gets a workflow that waits for it.

A workflow is started with what the events say, so it sets its timer without looking into the store first, and nobody
waits for it here.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import TemporalError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.contract import CASE_WORKFLOW, LOOK_SIGNAL, TASK_QUEUE, CaseStart, workflow_id
from activities.ledger import standing_of
from store.cases import Cases
from store.connect import Store
from store.rebuild import Tell

_AT_ONCE: Final = 32
_TRIES: Final = 3
_CALL: Final = timedelta(seconds=10)
_TASK: Final = timedelta(seconds=2)


@dataclass
class Restored:
    """What came of it."""

    started: int = 0
    """Cases whose workflow was gone and runs again."""
    running: int = 0
    """Cases whose workflow ran, and was told to look into the store."""
    failed: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Cases that wait for something, and whose workflow runs now."""
        return self.started + self.running


async def restore_workflows(client: Client, store: Store, tell: Tell, *, task_queue: str = TASK_QUEUE) -> Restored:
    """Start the workflow of every case that has a deadline, where it does not run, and let the others look.

    Repeating it, also after it was killed in the middle, changes nothing. Raises StoreUnreachable, UnknownEvent.
    """
    waiting = await store.overview.waiting()
    cases, found, gate = Cases(store.ledger, room=_AT_ONCE), Restored(), asyncio.Semaphore(_AT_ONCE)

    async def one(case_id: str) -> None:
        async with gate:
            for left in reversed(range(_TRIES)):
                try:
                    if await _begin(client, store, cases, case_id, task_queue):
                        found.started += 1
                    else:
                        found.running += 1
                except (RPCError, TemporalError):
                    if not left:
                        found.failed.append(case_id)
                    continue
                break
            tell(found.cases + len(found.failed), len(waiting))

    await asyncio.gather(*(one(case_id) for case_id in waiting))
    return found


async def _begin(client: Client, store: Store, cases: Cases, case_id: str, task_queue: str) -> bool:
    """Start the workflow of the case; where it runs already, tell it to look and return False."""
    standing = standing_of(await cases.today(case_id), await store.clock.now())
    try:
        await client.start_workflow(
            CASE_WORKFLOW,
            CaseStart(case_id=case_id, standing=standing),
            id=workflow_id(case_id),
            task_queue=task_queue,
            task_timeout=_TASK,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            rpc_timeout=_CALL,
        )
    except WorkflowAlreadyStartedError:
        await client.get_workflow_handle(workflow_id(case_id)).signal(LOOK_SIGNAL, rpc_timeout=_CALL)
        return False
    return True

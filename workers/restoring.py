"""Bringing workflows back from the events: every case that waits for something gets a workflow that waits for it."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from temporalio.client import Client
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from activities.contract import TASK_QUEUE
from store.connect import Store
from store.rebuild import Tell
from workers.sweeper import nudge

_AT_ONCE: Final = 16
_PAGE: Final = 500
_TRIES: Final = 3


@dataclass
class Restored:
    """What came of it."""

    cases: int = 0
    """Cases that wait for something, and whose workflow does now."""
    failed: list[str] = field(default_factory=list)


async def restore_workflows(client: Client, store: Store, tell: Tell, *, task_queue: str = TASK_QUEUE) -> Restored:
    """Start the workflow of every case that has a deadline, where it does not run, and let each look into the store.

    Repeating it changes nothing. A worker has to run. Raises StoreUnreachable.
    """
    waiting = await store.overview.waiting()
    found, gate = Restored(), asyncio.Semaphore(_AT_ONCE)

    async def one(case_id: str) -> None:
        async with gate:
            for left in reversed(range(_TRIES)):
                try:
                    await nudge(client, case_id, task_queue=task_queue)
                except (RPCError, TemporalError):
                    if not left:
                        found.failed.append(case_id)
                    continue
                found.cases += 1
                break
            tell(found.cases + len(found.failed), len(waiting))

    await asyncio.gather(*(one(case_id) for case_id in waiting))
    return found

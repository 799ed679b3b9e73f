"""The engine from the gateway's side: one Update of a case at a time, sent again under the same id until it answers.

The call to the engine may end without an answer while the command takes effect; `Unanswered` says no more than that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import (
    CASE_WORKFLOW,
    COMMAND_UPDATE,
    DELIVERY_WORKFLOW,
    INTAKE_QUEUE,
    INTAKE_WORKFLOW,
    TASK_QUEUE,
    WAKE_SIGNAL,
    BatchStart,
    CaseStart,
    Pushing,
    Reply,
    Ticket,
    delivery_id,
    intake_workflow_id,
)
from gateway.settings import GatewaySettings

_FINAL: Final = frozenset(
    {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED}
)
"""What no repetition cures; everything else is a race, a restart or an overload."""
_TRANSIENT: Final = (
    RPCError,
    WorkflowAlreadyStartedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    TimeoutError,
)
_TASK: Final = timedelta(seconds=2)
"""How long the engine waits for a worker that may have died before another gets the task."""
_BRIEF: Final = timedelta(seconds=3)
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
_GRACE: Final = 0.5
"""Seconds beyond an attempt's own limit; the SDK's inner repetitions do not count towards that."""


class Unanswered(Exception):
    """No answer within the patience; the command may or may not take effect."""

    def __init__(self, *, unreachable: bool) -> None:
        super().__init__("the engine is away" if unreachable else "the engine gave no answer")
        self.unreachable: Final = unreachable


@dataclass
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Engine:
    """Drives commands through the workflows of their cases."""

    def __init__(self, client: Client, settings: GatewaySettings) -> None:
        self._client = client
        self._settings = settings
        self._lines: dict[str, _Line] = {}

    async def send(self, ticket: Ticket) -> Reply:
        """What became of the command of *ticket*, whose body is kept. Raises Unanswered."""
        deadline = _now() + self._settings.patience
        try:
            async with self._turn(ticket.workflow_id, deadline):
                return await self._drive(ticket, deadline)
        except TimeoutError as error:
            raise Unanswered(unreachable=not await self.is_reachable(1.0)) from error

    async def begin(self, batch_id: str) -> None:
        """Let the batch be committed, if it is reachable; else whoever sweeps begins it."""
        with suppress(RPCError):
            await begin_batch(self._client, batch_id)

    async def deliver(self, endpoint_id: str) -> None:
        """Let somebody push to the endpoint; if the engine is away, the sweep does it within a minute."""
        with suppress(RPCError):
            await start_delivery(self._client, endpoint_id, wake=True)

    async def is_reachable(self, patience: float) -> bool:
        """Whether the engine answers within *patience* seconds."""
        try:
            return await self._client.service_client.check_health(timeout=timedelta(seconds=patience))
        except RPCError:
            return False

    @asynccontextmanager
    async def _turn(self, name: str, deadline: float) -> AsyncIterator[None]:
        """Wait for the case's turn in this process. Raises TimeoutError."""
        line = self._lines.setdefault(name, _Line())
        line.length += 1
        try:
            async with asyncio.timeout_at(deadline):
                await line.lock.acquire()
            try:
                yield
            finally:
                line.lock.release()
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[name]

    async def _drive(self, ticket: Ticket, deadline: float) -> Reply:
        pause = _FIRST_PAUSE
        while True:
            left = deadline - _now()
            try:
                return await self._once(ticket, max(0.1, min(self._settings.attempt, left)))
            except _TRANSIENT as error:
                _require_repeatable(error)
                if _now() + pause >= deadline:
                    raise TimeoutError from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _once(self, ticket: Ticket, patience: float) -> Reply:
        start = _start_of(ticket)
        try:
            async with asyncio.timeout(patience + _GRACE):
                handle = await self._client.start_update_with_start_workflow(
                    COMMAND_UPDATE,
                    ticket,
                    start_workflow_operation=start,
                    wait_for_stage=WorkflowUpdateStage.COMPLETED,
                    id=ticket.command_id,
                    result_type=Reply,
                    rpc_timeout=timedelta(seconds=patience),
                )
                reply: Reply = await handle.result(rpc_timeout=timedelta(seconds=patience))
                return reply
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowAlreadyStartedError):
            with suppress(BaseException):
                await start.workflow_handle()  # its error is this one; left alone it would be reported as unheard
            raise


async def begin_batch(client: Client, batch_id: str, *, task_queue: str = INTAKE_QUEUE) -> None:
    """Start the workflow of the batch, unless it runs. Raises RPCError."""
    await client.start_workflow(
        INTAKE_WORKFLOW,
        BatchStart(batch_id=batch_id),
        id=intake_workflow_id(batch_id),
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        rpc_timeout=_BRIEF,
    )


async def start_delivery(client: Client, endpoint_id: str, *, wake: bool = False, task_queue: str = TASK_QUEUE) -> None:
    """Start what pushes to the endpoint, unless it runs; *wake* one that is about to end. Raises RPCError."""
    await client.start_workflow(
        DELIVERY_WORKFLOW,
        Pushing(endpoint_id=endpoint_id),
        id=delivery_id(endpoint_id),
        task_queue=task_queue,
        task_timeout=_TASK,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal=WAKE_SIGNAL if wake else None,
        rpc_timeout=_BRIEF,
    )


def _start_of(ticket: Ticket) -> WithStartWorkflowOperation[Any, Any]:
    return WithStartWorkflowOperation(
        CASE_WORKFLOW,
        CaseStart(case_id=ticket.case_id),
        id=ticket.workflow_id,
        task_timeout=_TASK,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,  # the store, not the engine, prevents doubles
    )


def _require_repeatable(error: Exception) -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():  # the SDK turns cancellation into a timeout of its own
        raise asyncio.CancelledError from error
    if isinstance(error, RPCError) and error.status in _FINAL:
        raise error


def _now() -> float:
    return asyncio.get_running_loop().time()

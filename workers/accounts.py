"""What the engine's histories of a workflow say: what it was asked, what it answered, what it knows, when it wakes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import COMMAND_UPDATE, CaseStart, Reply, Standing, Ticket

_CLOSED: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)


@dataclass
class Account:
    """What the runs of one workflow did."""

    claimed: list[str] = field(default_factory=list)
    """Ids of the events that the senders of commands were told of."""
    unanswered: list[Ticket] = field(default_factory=list)
    """Commands that a run accepted, and ended without answering."""
    knows: Standing | None = None
    """What the newest run was told last; None where it was told nothing yet."""
    wakes_at: datetime | None = None
    """When the earliest timer of the newest run fires; now where a task is about to run."""


async def histories(client: Client, workflow_id: str) -> list[WorkflowHistory]:
    """The histories of all runs that the engine still has of a workflow, the oldest first. Raises RPCError."""
    query = f"WorkflowId = '{workflow_id}'"
    runs = {one.run_id async for one in client.list_workflows(query)}
    runs.add((await client.get_workflow_handle(workflow_id).describe()).run_id)  # lists may lag behind
    found = [one for run_id in runs if (one := await _history(client, workflow_id, run_id)) is not None]
    return sorted(found, key=lambda one: one.events[0].event_time.ToNanoseconds())


async def _history(client: Client, workflow_id: str, run_id: str) -> WorkflowHistory | None:
    try:
        return await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None  # its time of keeping is over


async def account_of(client: Client, runs: list[WorkflowHistory]) -> Account:
    """What *runs*, the oldest first, say of their workflow."""
    account = Account()
    for run in runs:
        await _hear_commands(client, run, account)
    account.knows = await _standing(client, runs[-1])
    account.wakes_at = _wakes_at(runs[-1])
    return account


async def _hear_commands(client: Client, run: WorkflowHistory, account: Account) -> None:
    open_: dict[int, Ticket] = {}
    for one in run.events:
        if one.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            asked = one.workflow_execution_update_accepted_event_attributes.accepted_request.input
            if asked.name == COMMAND_UPDATE:
                [open_[one.event_id]] = await client.data_converter.decode(asked.args.payloads, [Ticket])
        elif one.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
            told = one.workflow_execution_update_completed_event_attributes
            if open_.pop(told.accepted_event_id, None) is not None and told.outcome.HasField("success"):
                [reply] = await client.data_converter.decode(told.outcome.success.payloads, [Reply])
                account.claimed += [event.id for event in reply.answer.events]
    if run.events[-1].event_type in _CLOSED:
        account.unanswered += open_.values()


async def _standing(client: Client, run: WorkflowHistory) -> Standing | None:
    for one in reversed(run.events):
        told = await _told(client, one)
        if told is not None and told.standing is not None:
            standing: Standing = told.standing
            return standing
    return None


async def _told(client: Client, one: HistoryEvent) -> Any:
    decode = client.data_converter.decode
    match one.event_type:
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            payloads = one.marker_recorded_event_attributes.details["result"].payloads
            return (await decode(payloads, [Reply]))[0] if payloads else None
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            return (await decode(one.activity_task_completed_event_attributes.result.payloads, [Reply]))[0]
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return (await decode(one.workflow_execution_started_event_attributes.input.payloads, [CaseStart]))[0]
    return None


def _wakes_at(run: WorkflowHistory) -> datetime | None:
    timers: dict[int, datetime] = {}
    for one in run.events:
        match one.event_type:
            case EventType.EVENT_TYPE_TIMER_STARTED:
                lasts = one.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                timers[one.event_id] = one.event_time.ToDatetime(UTC) + lasts
            case EventType.EVENT_TYPE_TIMER_FIRED:
                timers.pop(one.timer_fired_event_attributes.started_event_id, None)
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                timers.pop(one.timer_canceled_event_attributes.started_event_id, None)
    if run.events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
        return datetime.now(UTC)
    return min(timers.values(), default=None)

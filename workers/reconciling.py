"""What the engine accepted against what the store holds, case by case and both ways; the store is right.

Whatever is found is looked at again after a moment, so that a command under way is no finding.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHistory
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import CASE_WORKFLOW, COMMAND_UPDATE, CaseStart, Reply, Standing, workflow_id
from store.connect import Store
from store.pool import fetch
from store.rebuild import Tell
from workers.replaying import histories
from workers.sweeper import nudge

_AT_ONCE: Final = 16
_AGAIN: Final = 1.0
"""Seconds after which a finding is looked at again."""
_STUCK: Final = 5
"""Attempts after which what the engine tries is stuck."""
_SLACK: Final = timedelta(seconds=60)
"""How far a timer may be from the store's deadline."""
_CASES: Final = "SELECT case_id, version, next_due_at FROM hashi.case_overview ORDER BY case_id"
_CASE: Final = "SELECT version, next_due_at, hashi.now() FROM hashi.case_overview WHERE case_id = %s"
_NOT_STORED: Final = """
SELECT given FROM unnest(%s::uuid[]) AS given WHERE NOT EXISTS (SELECT FROM hashi.events WHERE event_id = given)
"""
_WORDS: Final = {
    "missing": ("waits for a deadline, but has no workflow", "期限があるのにワークフローがありません"),
    "stuck": ("its workflow is stuck", "ワークフローが停滞しています"),
    "behind": ("its workflow does not know what is stored", "保存された内容をワークフローが知りません"),
    "ahead": ("its workflow knows more than is stored", "ワークフローが知る内容が保存されていません"),
    "not_stored": ("an event was answered, but is not stored", "回答済みのイベントが保存されていません"),
    "timer": ("its workflow does not wake at the deadline", "期限に起動するタイマーがありません"),
    "unknown": ("a workflow runs, but nothing is stored", "保存された案件のないワークフローが動いています"),
}


class Finding(NamedTuple):
    """One case in which engine and store do not agree."""

    kind: str
    case_id: str
    detail: str

    def told(self) -> dict[str, str]:
        """The finding as JSON."""
        en, ja = _WORDS[self.kind]
        return {
            "kind": self.kind,
            "case_id": self.case_id,
            "en": f"{en}: {self.detail}" if self.detail else en,
            "ja": ja,
        }


@dataclass
class Reconciled:
    """What was looked at and what was found."""

    cases: int = 0
    workflows: int = 0
    events: int = 0
    """Events that the engine still remembers having answered with."""
    timers: int = 0
    findings: list[Finding] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)


async def reconcile(client: Client, store: Store, tell: Tell, *, repair: bool = False) -> Reconciled:
    """Compare every case with its workflow; *repair* starts a workflow anew from the events where they differ.

    Raises StoreUnreachable, RPCError.
    """
    found = Reconciled()
    known = {str(case_id) for case_id, *_ in await fetch(store.pool, _CASES)}
    running = {one async for one in _running(client)}
    everybody = sorted(known | running)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(case_id: str) -> None:
        async with gate:
            findings = await _look(client, store, case_id, found)
            if findings:
                await asyncio.sleep(_AGAIN)
                kinds = {finding.kind for finding in findings}
                findings = [again for again in await _look(client, store, case_id, Reconciled()) if again.kind in kinds]
            found.findings += findings
            if findings and repair:
                await _restart(client, case_id, findings)
                if not await _look(client, store, case_id, Reconciled()):
                    found.repaired.append(case_id)
            found.cases += case_id in known
            tell(found.cases, len(everybody))

    await asyncio.gather(*(one(case_id) for case_id in everybody))
    return found


async def _running(client: Client) -> AsyncIterator[str]:
    query = f"WorkflowType = '{CASE_WORKFLOW}' AND ExecutionStatus = 'Running'"
    prefix = workflow_id("")
    async for one in client.list_workflows(query):
        if one.id.startswith(prefix):
            yield one.id.removeprefix(prefix)


async def _look(client: Client, store: Store, case_id: str, count: Reconciled) -> list[Finding]:
    rows = await fetch(store.pool, _CASE, [case_id])
    version, due_at, now = rows[0] if rows else (0, None, None)
    described = await _described(client, case_id)
    runs = described is not None and described.status is WorkflowExecutionStatus.RUNNING
    if not runs and due_at is not None:
        return [Finding("missing", case_id, "")]
    if described is None:
        return []
    if runs and not rows:
        return [Finding("unknown", case_id, "")]
    count.workflows += 1
    runs_told = await histories(client, case_id)
    findings = []
    claimed = [one for history in runs_told for one in await _claimed(client, history)]
    count.events += len(claimed)
    findings += [
        Finding("not_stored", case_id, str(event_id)) for (event_id,) in await fetch(store.pool, _NOT_STORED, [claimed])
    ]
    if not runs:
        return findings
    if stuck := _stuck(described):
        return [*findings, Finding("stuck", case_id, stuck)]
    knows = await _version(client, runs_told[-1])
    if knows is not None and knows != version:
        findings.append(Finding("behind" if knows < version else "ahead", case_id, f"{knows}, not {version}"))
    timer = _wakes_at(runs_told[-1])
    if due_at is not None:
        count.timers += 1
        left, wanted = (timer - datetime.now(UTC)) if timer else None, due_at - now
        if left is None or left > max(wanted, timedelta(0)) + _SLACK:
            findings.append(Finding("timer", case_id, f"due {due_at.isoformat()}"))
    return findings


async def _described(client: Client, case_id: str) -> WorkflowExecutionDescription | None:
    try:
        return await client.get_workflow_handle(workflow_id(case_id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def _claimed(client: Client, history: WorkflowHistory) -> list[str]:
    """The ids of the events that a run told the senders of commands had happened."""
    names: dict[int, str] = {}
    found: list[str] = []
    for one in history.events:
        if one.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            request = one.workflow_execution_update_accepted_event_attributes.accepted_request
            names[one.event_id] = request.input.name
        elif one.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
            told = one.workflow_execution_update_completed_event_attributes
            if names.get(told.accepted_event_id) == COMMAND_UPDATE and told.outcome.HasField("success"):
                [reply] = await client.data_converter.decode(told.outcome.success.payloads, [Reply])
                found += [event.id for event in reply.answer.events]
    return found


def _stuck(described: WorkflowExecutionDescription) -> str:
    raw = described.raw_description
    task = raw.pending_workflow_task
    if task.attempt > _STUCK:
        return f"its task failed {task.attempt} times"
    tries = max((one.attempt for one in raw.pending_activities), default=0)
    return f"an activity failed {tries} times" if tries > _STUCK else ""


async def _version(client: Client, history: WorkflowHistory) -> int | None:
    """The last version of the case that the run was told; None where it was told none yet."""
    convert = client.data_converter.decode
    for one in reversed(history.events):
        told: Any = None
        if one.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            payloads = one.marker_recorded_event_attributes.details["result"].payloads
            told = (await convert(payloads, [Reply]))[0] if payloads else None
        elif one.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            told = (await convert(one.activity_task_completed_event_attributes.result.payloads, [Reply]))[0]
        elif one.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            told = (await convert(one.workflow_execution_started_event_attributes.input.payloads, [CaseStart]))[0]
        standing: Standing | None = told.standing if told is not None else None
        if standing is not None:
            return standing.version
    return None


def _wakes_at(history: WorkflowHistory) -> datetime | None:
    """When the earliest timer of the run fires; now where a task is about to run."""
    timers: dict[int, datetime] = {}
    for one in history.events:
        match one.event_type:
            case EventType.EVENT_TYPE_TIMER_STARTED:
                lasts = one.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                timers[one.event_id] = one.event_time.ToDatetime(UTC) + lasts
            case EventType.EVENT_TYPE_TIMER_FIRED:
                timers.pop(one.timer_fired_event_attributes.started_event_id, None)
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                timers.pop(one.timer_canceled_event_attributes.started_event_id, None)
    if history.events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
        return datetime.now(UTC)
    return min(timers.values(), default=None)


async def _restart(client: Client, case_id: str, findings: list[Finding]) -> None:
    """End what runs, if it is wrong beyond a look into the store, and start the workflow from the events."""
    kinds = {one.kind for one in findings}
    if kinds & {"stuck", "ahead", "unknown", "timer"}:
        await client.get_workflow_handle(workflow_id(case_id)).terminate("reconciled: the store is right")
    if "unknown" not in kinds:
        with suppress(RPCError, TemporalError):  # what it does not mend is still found afterwards
            await nudge(client, case_id)

"""What the engine accepted against what the store holds, workflow by workflow and both ways; the store is right.

Whatever is found is looked at again after a moment, so that a command under way is no finding.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from temporalio.api.enums.v1 import PendingWorkflowTaskState, VersioningBehavior
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import CASE_WORKFLOW, Standing, Ticket, workflow_id
from domain.terms import Status
from gateway.engine import Engine, Unanswered
from gateway.settings import GatewaySettings
from store.connect import Store
from store.pool import fetch
from store.rebuild import Tell
from workers.accounts import account_of, histories
from workers.serving import Build, Serving, serving
from workers.sweeper import nudge

_AT_ONCE: Final = 16
_AGAIN: Final = 1.0
"""Seconds after which a finding is looked at again."""
_STUCK: Final = 5
"""Attempts after which what the engine tries is stuck."""
_WAITED: Final = timedelta(minutes=10)
"""How long a task may wait for a worker, which after a loss of the engine has many to take."""
_SLACK: Final = timedelta(seconds=60)
"""How far a timer may be from the store's deadline."""
_CASES: Final = "SELECT case_id FROM hashi.case_overview"
_CASE: Final = """
SELECT version, stage, status, next_due_at, hashi.now() FROM hashi.case_overview WHERE case_id = %s
"""
_NOT_STORED: Final = """
SELECT given FROM unnest(%s::uuid[]) AS given WHERE NOT EXISTS (SELECT FROM hashi.events WHERE event_id = given)
"""
_NOTHING_CAME: Final = """
SELECT given FROM unnest(%s::text[]) AS given
WHERE NOT EXISTS (SELECT FROM hashi.events WHERE command_id = given)
AND NOT EXISTS (SELECT FROM hashi.refusals WHERE command_id = given)
"""
_WORDS: Final = {
    "missing": ("waits for a deadline, but has no workflow", "期限があるのにワークフローがありません"),
    "stuck": ("its workflow is stuck", "ワークフローが停滞しています"),
    "orphaned": ("its workflow is pinned to a build that no worker has", "固定された版のワーカーがありません"),
    "behind": ("its workflow does not know what is stored", "保存された内容をワークフローが知りません"),
    "ahead": ("its workflow knows more than is stored", "ワークフローが知る内容が保存されていません"),
    "differs": ("its workflow knows another state of the same version", "同じ版でもワークフローの状態が異なります"),
    "not_stored": ("an event was answered, but is not stored", "回答済みのイベントが保存されていません"),
    "unanswered": ("a command was accepted, but nothing came of it", "受け付けた指示が実行されていません"),
    "timer": ("its workflow does not wake at the deadline", "期限に起動するタイマーがありません"),
    "unknown": ("a workflow runs, but nothing is stored", "保存された案件のないワークフローが動いています"),
}
_BEYOND_A_LOOK: Final = frozenset({"stuck", "orphaned", "ahead", "differs", "unknown", "timer"})
"""Findings that no look into the store cures: the run has to end."""


class Finding(NamedTuple):
    """One case in which engine and store do not agree."""

    kind: str
    case_id: str
    """The case; of a workflow that is no case's, its id."""
    detail: str
    lost: tuple[Ticket, ...] = ()
    """Commands that nothing came of; their bodies are kept."""

    def told(self) -> dict[str, str]:
        """The finding as JSON."""
        en, ja = _WORDS[self.kind]
        return {
            "kind": self.kind,
            "case_id": self.case_id,
            "en": f"{en}: {self.detail}" if self.detail else en,
            "ja": ja,
        }


class Row(NamedTuple):
    """A case as the store has it at *now*."""

    version: int
    stage: str
    status: str
    due_at: datetime | None
    now: datetime


@dataclass
class Reconciled:
    """What was looked at and what was found."""

    cases: int = 0
    workflows: int = 0
    events: int = 0
    """Events that the engine still remembers having answered with."""
    timers: int = 0
    """Running workflows that wake at the deadline of their case."""
    findings: list[Finding] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)


async def reconcile(client: Client, store: Store, tell: Tell, *, repair: bool = False) -> Reconciled:
    """Compare every case with its workflow; *repair* starts a workflow anew from the events where they differ.

    Commands that were accepted and that nothing came of are sent again. Raises StoreUnreachable, RPCError.
    """
    found = Reconciled()
    known = {workflow_id(case_id) for (case_id,) in await fetch(store.pool, _CASES)}
    seen = {one.id async for one in client.list_workflows(f"WorkflowType = '{CASE_WORKFLOW}'")}
    look = Look(client, store, await serving(client))
    everybody = sorted(known | seen)
    suspects: dict[str, list[Finding]] = {}

    async def first(name: str) -> None:
        if findings := await look.at(name, found):
            suspects[name] = findings
        found.cases += name in known

    async def again(name: str) -> None:
        kinds = {one.kind for one in suspects[name]}
        findings = [one for one in await look.at(name, Reconciled()) if one.kind in kinds]
        found.findings += findings
        if findings and repair:
            await _restart(client, name, findings)
            if not await look.at(name, Reconciled()):
                found.repaired.append(findings[0].case_id)

    await _each(everybody, first, tell)
    if suspects:
        await asyncio.sleep(_AGAIN)
        await _each(sorted(suspects), again, tell)
    return found


async def _each(names: list[str], work: Callable[[str], Awaitable[None]], tell: Tell) -> None:
    gate, done = asyncio.Semaphore(_AT_ONCE), 0

    async def one(name: str) -> None:
        nonlocal done
        async with gate:
            await work(name)
        done += 1
        tell(done, len(names))

    await asyncio.gather(*(one(name) for name in names))


@dataclass(frozen=True)
class Look:
    """Compares one workflow with the store."""

    client: Client
    store: Store
    serving: Serving

    async def at(self, name: str, count: Reconciled) -> list[Finding]:
        """What is amiss with the workflow *name*."""
        case_id = name.removeprefix(workflow_id(""))
        rows = await fetch(self.store.pool, _CASE, [case_id]) if case_id != name else []
        row = Row(*rows[0]) if rows else None
        described = await self._described(name)
        runs = described is not None and described.status is WorkflowExecutionStatus.RUNNING
        findings = []
        if not runs and row is not None and row.due_at is not None:
            findings.append(Finding("missing", case_id, ""))
        if described is None:
            return findings
        if runs and row is None and case_id != name:
            findings.append(Finding("unknown", case_id, ""))
        count.workflows += 1
        account = await account_of(self.client, await histories(self.client, name))
        count.events += len(account.claimed)
        findings += await self._not_stored(case_id, account.claimed)
        findings += await self._nothing_came(case_id, account.unanswered)
        if not runs:
            return findings
        for kind, detail in (("stuck", _stuck(described)), ("orphaned", self._orphaned(described))):
            if detail:
                return [*findings, Finding(kind, case_id, detail)]
        if row is not None:
            findings += _compared(case_id, row, account.knows)
            findings += _timed(case_id, row, account.wakes_at, count)
        return findings

    async def _described(self, name: str) -> WorkflowExecutionDescription | None:
        try:
            return await self.client.get_workflow_handle(name).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _not_stored(self, case_id: str, claimed: list[str]) -> list[Finding]:
        lost = await fetch(self.store.pool, _NOT_STORED, [claimed]) if claimed else []
        return [Finding("not_stored", case_id, str(event_id)) for (event_id,) in lost]

    async def _nothing_came(self, case_id: str, unanswered: list[Ticket]) -> list[Finding]:
        by_id = {one.command_id: one for one in unanswered}
        lost = await fetch(self.store.pool, _NOTHING_CAME, [list(by_id)]) if by_id else []
        return [Finding("unanswered", case_id, by_id[one].name, (by_id[one],)) for (one,) in lost]

    def _orphaned(self, described: WorkflowExecutionDescription) -> str:
        told = described.raw_description.workflow_execution_info.versioning_info
        pinned = told.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_PINNED
        build = Build.of(told.deployment_version)
        return str(build) if pinned and build not in self.serving.versioned else ""


def _stuck(described: WorkflowExecutionDescription) -> str:
    raw = described.raw_description
    task = raw.pending_workflow_task
    if task.attempt > _STUCK:
        return f"its task failed {task.attempt} times"
    waits = task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
    if waits and datetime.now(UTC) - task.scheduled_time.ToDatetime(UTC) > _WAITED:
        return "no worker takes its task"
    tries = max((one.attempt for one in raw.pending_activities), default=0)
    return f"an activity failed {tries} times" if tries > _STUCK else ""


def _compared(case_id: str, row: Row, knows: Standing | None) -> list[Finding]:
    if knows is None:
        return []
    if knows.version != row.version:
        kind = "behind" if knows.version < row.version else "ahead"
        return [Finding(kind, case_id, f"{knows.version}, not {row.version}")]
    finished = row.status == Status.closed and row.due_at is None
    if (knows.stage, knows.status, knows.finished) != (row.stage, row.status, finished):
        return [Finding("differs", case_id, f"{knows.stage} ({knows.status}), not {row.stage} ({row.status})")]
    return []


def _timed(case_id: str, row: Row, wakes_at: datetime | None, count: Reconciled) -> list[Finding]:
    """A timer that is early does no harm: the run looks, and waits on."""
    if row.due_at is None:
        return []
    wanted = max(row.due_at - row.now, timedelta(0))
    left = wakes_at - datetime.now(UTC) if wakes_at else None
    count.timers += left is not None and abs(left - wanted) <= _SLACK
    if left is None or left > wanted + _SLACK:
        return [Finding("timer", case_id, f"due {row.due_at.isoformat()}")]
    return []


async def _restart(client: Client, name: str, findings: list[Finding]) -> None:
    """End what runs, if it is wrong beyond a look into the store, and start the workflow from the events.

    What this does not mend is still found afterwards.
    """
    kinds = {one.kind for one in findings}
    if kinds & _BEYOND_A_LOOK:
        with suppress(RPCError):  # it has ended meanwhile
            await client.get_workflow_handle(name).terminate("reconciled: the store is right")
    if "unknown" not in kinds and name != findings[0].case_id:
        with suppress(RPCError, TemporalError):
            await nudge(client, findings[0].case_id)
    engine = Engine(client, GatewaySettings())
    for ticket in (ticket for one in findings for ticket in one.lost):
        with suppress(Unanswered):
            await engine.send(ticket)

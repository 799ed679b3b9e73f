"""A case in time: a queue for its commands and a clock for its deadlines, for as long as the case lives.

The workflow knows no rule. A command is carried out by one activity, which answers with the case's standing; the
earliest deadline of that standing is the workflow's timer. So a changed rule never breaks a running case.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.contract import (
        APPLY,
        CASE_WORKFLOW,
        CENTER_ATTRIBUTE,
        COMMAND_UPDATE,
        DRAINING,
        FALL_DUE,
        LOOK_SIGNAL,
        STAGE_ATTRIBUTE,
        SYNC_UPDATE,
        CaseStart,
        Reply,
        Standing,
        Ticket,
        workflow_id,
    )

_STAGE: Final = SearchAttributeKey.for_keyword(STAGE_ATTRIBUTE)
_CENTER: Final = SearchAttributeKey.for_keyword(CENTER_ATTRIBUTE)
_ATTEMPT: Final = timedelta(seconds=3)
_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=50), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=10)
)
_BRIEFLY: Final = timedelta(milliseconds=250)
"""Pauses between attempts that are longer than this are timers of the workflow: the worker can stop meanwhile."""
_QUIET: Final = 0.5
"""Seconds without a command after which a run may turn over."""
_MANY: Final = 200
"""Commands after which a run turns over at the next quiet moment."""
_TOO_MANY: Final = 400
"""Commands after which a run turns over, quiet or not; below every limit of the engine."""
_PATIENCE: Final = 1.0
"""Seconds before a deadline that has passed here, but changes nothing in the store, is tried again; then twice that…"""
_LONGEST: Final = 600.0
"""…and at most so many."""
_SOON: Final = 0.01
"""Seconds until a deadline acts that has passed while a run waited for its first task."""
_FIRST: Final = 10.0
"""Seconds a new run waits for its first command before it looks into the store by itself."""


@workflow.defn(name=CASE_WORKFLOW)
class ReferralCase:
    """One referral case, from intake to the last follow-up."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        """Begin a run, with the standing at which the last one stopped."""
        self._case_id = start.case_id
        self._center_id = start.center_id
        self._turn = asyncio.Lock()
        self._standing = Standing()
        self._first_stage: str | None = None
        self._handled = 0
        self._handled_at = workflow.time()
        self._draining = False
        self._taken_at = self._handled_at
        self._patience = _PATIENCE
        self._due_at: float | None = self._handled_at + _FIRST
        if start.standing is not None:
            self._take(start.standing, workflow.info().workflow_start_time.timestamp())
            self._first_stage = start.standing.stage

    @workflow.run
    async def run(self, start: CaseStart) -> int:
        """Wait for commands and deadlines; returns the case's version when nothing can happen any more."""
        while not await self._is_over():
            await self._wait()
            if self._is_due():
                await self._fall_due()
            if self._should_turn_over():
                self._draining = True
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(
                    CaseStart(case_id=self._case_id, center_id=self._center_id, standing=self._remaining()),
                    initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
                )
        return self._standing.version

    async def _is_over(self) -> bool:
        """Asked again after the last commands: one of them may have reopened the case."""
        if self._standing.finished:
            await workflow.wait_condition(workflow.all_handlers_finished)
        return self._standing.finished

    @workflow.update(name=COMMAND_UPDATE)
    async def command(self, ticket: Ticket) -> Reply:
        """Carry out one command; commands of a case run one after the other."""
        async with self._turn:
            reply: Reply = await workflow.execute_local_activity(
                APPLY,
                ticket,
                result_type=Reply,
                start_to_close_timeout=_ATTEMPT,
                retry_policy=_RETRY,
                local_retry_threshold=_BRIEFLY,
                summary=ticket.name,
            )
            self._count()
            self._take(reply.standing)
        for case_id in reply.touched:
            await _let_look(case_id)
        return reply

    @command.validator
    def _accepts(self, ticket: Ticket) -> None:
        if self._draining:
            raise ApplicationError("the run is turning over; send the command again", type=DRAINING)
        if ticket.case_id != self._case_id:
            raise ApplicationError("the command is for another case", type="WrongCase")

    @workflow.update(name=SYNC_UPDATE)
    async def sync(self) -> Standing:
        """Look into the store: take what has fallen due there, and what this run does not know."""
        await self._fall_due()
        return self._standing

    @sync.validator
    def _may_sync(self) -> None:
        if self._draining:
            raise ApplicationError("the run is turning over", type=DRAINING)

    @workflow.signal(name=LOOK_SIGNAL)
    def look(self) -> None:
        """Another case has changed this one in the store."""
        self._due_at = workflow.time()

    async def _fall_due(self) -> None:
        async with self._turn:
            reply: Reply = await workflow.execute_local_activity(
                FALL_DUE,
                self._case_id,
                result_type=Reply,
                start_to_close_timeout=_ATTEMPT,
                retry_policy=_RETRY,
                local_retry_threshold=_BRIEFLY,
                summary="deadlines",
            )
            self._count()
            before = self._standing.version
            self._take(reply.standing)
            if self._is_due() and self._standing.version == before:
                self._due_at = workflow.time() + self._patience
                self._patience = min(2 * self._patience, _LONGEST)
            else:
                self._patience = _PATIENCE

    def _count(self) -> None:
        self._handled += 1
        self._handled_at = workflow.time()

    def _take(self, standing: Standing | None, told_at: float | None = None) -> None:
        """Stand as *standing* says, which was so at *told_at*: now, unless the run waited for its first task."""
        if standing is None:
            return
        if standing.stage != self._standing.stage or self._standing.version == 0:
            workflow.upsert_search_attributes([_STAGE.value_set(standing.stage), _CENTER.value_set(self._center_id)])
        if self._first_stage is None and standing.version:
            self._first_stage = standing.stage
        self._standing = standing
        now = workflow.time()
        self._taken_at = now if told_at is None else told_at
        self._due_at = None
        if standing.deadlines and (due_in := standing.deadlines[0].due_in):
            self._due_at = max(self._taken_at + due_in, now + _SOON)  # a timer in any case, as earlier builds had one
        elif standing.deadlines:
            self._due_at = now
        workflow.set_current_details(_details(standing))

    def _is_due(self) -> bool:
        return self._due_at is not None and workflow.time() >= self._due_at

    def _wants_turn_over(self) -> bool:
        info = workflow.info()
        moved = self._first_stage not in (None, self._standing.stage)
        outdated = info.is_target_worker_deployment_version_changed()
        return moved or outdated or self._handled >= _MANY or info.is_continue_as_new_suggested()

    def _should_turn_over(self) -> bool:
        if self._handled >= _TOO_MANY or workflow.info().is_continue_as_new_suggested():
            return True
        quiet = workflow.time() - self._handled_at >= _QUIET and workflow.all_handlers_finished()
        return quiet and self._wants_turn_over()

    async def _wait(self) -> None:
        armed = self._due_at
        eager = self._wants_turn_over()
        moments = [armed] if armed is not None else []
        if eager:
            quiet_at = self._handled_at + _QUIET
            moments.append(quiet_at if quiet_at > workflow.time() else workflow.time() + _QUIET)
        wake = min(moments, default=None)
        timeout = None if wake is None else max(0.0, wake - workflow.time())
        try:
            await workflow.wait_condition(lambda: self._has_news(armed, eager), timeout=timeout)
        except TimeoutError:
            return

    def _has_news(self, armed: float | None, eager: bool) -> bool:
        nearer = self._due_at is not None and (armed is None or self._due_at < armed)
        return nearer or self._standing.finished or self._wants_turn_over() != eager or self._handled >= _TOO_MANY

    def _remaining(self) -> Standing:
        passed = workflow.time() - self._taken_at
        later = tuple(
            one.model_copy(update={"due_in": max(0.0, one.due_in - passed)}) for one in self._standing.deadlines
        )
        return self._standing.model_copy(update={"deadlines": later})


async def _let_look(case_id: str) -> None:
    """Tell the workflow of another case to look into the store; one that has ended does not wait for anything."""
    with suppress(ApplicationError):
        await workflow.get_external_workflow_handle(workflow_id(case_id)).signal(LOOK_SIGNAL)


def _details(standing: Standing) -> str:
    rows = [f"**{standing.stage}** ({standing.status}), version {standing.version}, next: {standing.owner or '-'}"]
    rows += [f"- {one.timer}: {one.owner}, in {timedelta(seconds=round(one.due_in))}" for one in standing.deadlines]
    if standing.last_events:
        rows.append(f"last: {', '.join(standing.last_events)}")
    return "\n".join(rows)

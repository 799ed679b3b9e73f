"""Who takes part in the cases of these tests, and the desk: the sender of commands as the gateway is one."""

import asyncio
import itertools
import os
import sysconfig
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle, WorkflowHistory
from temporalio.client import WorkflowUpdateFailedError as Rejected
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.contract import (
    CASE_WORKFLOW,
    COMMAND_UPDATE,
    DRAINING,
    SEARCH_ATTRIBUTES,
    SYNC_UPDATE,
    Answer,
    CaseStart,
    Reply,
    Standing,
    Ticket,
    workflow_id,
)
from domain.case import rule_of
from domain.envelope import CENTER, Actor, Command, Event, Organization, Person, Reason
from domain.terms import OrganizationKind, Role
from store.commands import pack
from store.connect import Store
from store.desk import stream_of
from workers.case_worker import case_worker

START = datetime.fromisoformat("2026-04-01T09:00+09:00")
"""A Wednesday; every case here begins at this time of the store's clock."""
PATIENCE = 30.0

BANK = Actor(role=Role.bank_officer, org_id="jfs-fukuoka", person="sato")
COORDINATOR = Actor(role=Role.coordinator, org_id=CENTER, person="tanaka")
SENIOR = Actor(role=Role.senior_coordinator, org_id=CENTER, person="mori")
COMPANY = Actor(role=Role.company_representative, org_id="ariake", person="arita")
RESEARCHER = Actor(role=Role.researcher, org_id="kyudai", person="hayashi")
WITHDREW = Reason(code="company_withdrew")

NEED: Mapping[str, Any] = {
    "bank_reference": "F-2026-0031",
    "company_id": "ariake",
    "title": "溶解炉を使わない耐熱ガラス部品",
    "public_summary": "陶磁器用の窯で焼結できる耐熱ガラス部品を作りたい。",
    "description": "社内の電気窯で焼結したいが、割れが起きる。",
    "consent": {
        "recipients": ["center", "universities"],
        "purposes": ["collaboration"],
        "data_classes": ["public_summary", "need_detail"],
        "valid_until": "2029-03-31",
        "given_by": "代表取締役",
    },
}
_KINDS = {
    CENTER: OrganizationKind.center,
    "jfs-fukuoka": OrganizationKind.bank,
    "ariake": OrganizationKind.company,
    "kyudai": OrganizationKind.university,
}


async def register_everybody(store: Store, name: str = "{}") -> None:
    """The organizations and people of these tests, each called by *name* filled with the id."""
    for org_id, kind in _KINDS.items():
        prefecture = None if org_id == CENTER else "fukuoka"
        organization = Organization(org_id=org_id, kind=kind, name=name.format(org_id), prefecture=prefecture)
        await store.directory.register_organization(organization)
    for actor in (BANK, COORDINATOR, SENIOR, RESEARCHER):
        person = Person(person_id=actor.person, role=actor.role, org_id=actor.org_id, name=name.format(actor.person))
        await store.directory.register_person(person)


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox, as the worker of the cases sets it up."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules("pydantic", "activities.contract")
    return SandboxedWorkflowRunner(restrictions=restrictions)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until *holds* does. Raises TimeoutError after PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)


@dataclass
class Desk:
    """Sends the commands of one case, and looks at what became of them."""

    client: Client
    store: Store
    case_id: str
    task_queue: str
    drained: int = 0
    """How often a run that was turning over told the desk to send again."""
    _count: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def of_new_case(cls, client: Client, store: Store) -> Self:
        """The desk of a case nobody has heard of, on a task queue of its own."""
        case_id = os.urandom(8).hex()
        return cls(client, store, case_id, task_queue=f"cases-{case_id}")

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        """The case's workflow, whichever run of it is the newest."""
        return self.client.get_workflow_handle(workflow_id(self.case_id))

    def new_id(self) -> str:
        """A command id that was not used before."""
        return f"{self.case_id}-{next(self._count)}"

    async def send(
        self,
        name: str,
        by: Actor = COORDINATOR,
        data: Mapping[str, Any] | None = None,
        *,
        reason: Reason | None = None,
        command_id: str | None = None,
    ) -> Answer:
        """Seal a command and let the case carry it out."""
        ticket = await self.seal(name, by, data, reason=reason, command_id=command_id)
        return (await self.ask(ticket)).answer

    async def seal(
        self,
        name: str,
        by: Actor = COORDINATOR,
        data: Mapping[str, Any] | None = None,
        *,
        reason: Reason | None = None,
        command_id: str | None = None,
    ) -> Ticket:
        """Keep the command in the store; what comes back is all that the engine will see of it."""
        command = Command(
            command_id=command_id or self.new_id(),
            case_id=self.case_id,
            name=name,
            data=rule_of(name).data.model_validate(data or {}),
            actor=by,
            reason=reason,
        )
        await self.keep(command.command_id, name, by, pack(command))
        return self.ticket(command.command_id, name, by)

    async def keep(self, command_id: str, name: str, by: Actor, body: bytes) -> None:
        """Seal *body* as it is."""
        fingerprint = body[:32]
        await self.store.desk.seal(
            command_id, case_id=self.case_id, name=name, org_id=by.org_id, body=body, fingerprint=fingerprint
        )

    def ticket(self, command_id: str, name: str, by: Actor) -> Ticket:
        """The command as the engine sees it."""
        return Ticket(
            case_id=self.case_id,
            command_id=command_id,
            name=name,
            role=by.role,
            org_id=by.org_id,
            person=by.person,
        )

    async def ask(self, ticket: Ticket) -> Reply:
        """Update-with-Start, sent again for as long as the run is turning over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self._update(COMMAND_UPDATE, ticket, ticket.command_id, Reply)
                except Rejected as error:
                    if not (isinstance(error.cause, ApplicationError) and error.cause.type == DRAINING):
                        raise
                    self.drained += 1
                    await asyncio.sleep(0.02)

    async def sync(self) -> Standing:
        """What the workflow knows after a look into the store."""
        return await self._update(SYNC_UPDATE, None, f"sync-{self.new_id()}", Standing)

    async def _update(self, update: str, argument: object, update_id: str, result_type: type[Any]) -> Any:
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            CASE_WORKFLOW,
            CaseStart(case_id=self.case_id),
            id=workflow_id(self.case_id),
            task_queue=self.task_queue,
            task_timeout=timedelta(seconds=2),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
        try:
            return await self.client.execute_update_with_start_workflow(
                update,
                args=[] if argument is None else [argument],
                start_workflow_operation=operation,
                id=update_id,
                result_type=result_type,
            )
        except BaseException:
            await asyncio.gather(operation.workflow_handle(), return_exceptions=True)
            raise

    async def opened(self) -> "Desk":
        """The same desk, once the need has been referred."""
        answer = await self.send("ReferNeed", BANK, {**NEED, "bank_reference": self.case_id})
        assert answer.outcome == "accepted", answer
        return self

    async def in_review(self) -> "Desk":
        """The same desk, once the review has begun."""
        await self.opened()
        await self.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
        answer = await self.send("StartReview")
        assert answer.outcome == "accepted", answer
        return self

    async def events(self) -> list[Event]:
        """Everything the store holds of the case."""
        return await self.store.ledger.read(stream_of(self.case_id))

    async def told(self) -> list[str]:
        """The types of the case's events, in order."""
        return [event.type for event in await self.events()]

    async def run_id(self) -> str:
        """Which run is the newest."""
        return (await self.handle.describe()).run_id

    async def status(self) -> str:
        """How the newest run stands."""
        status = (await self.handle.describe()).status
        return status.name if status else ""

    async def next_run(self, before: str) -> str:
        """The run after *before*, once it has begun."""

        async def turned() -> bool:
            return await self.run_id() != before

        await until(turned)
        return await self.run_id()

    async def histories(self) -> list[WorkflowHistory]:
        """The histories of all runs that continue one another, the newest last."""
        description = await self.handle.describe()
        run_id = description.raw_description.workflow_execution_info.first_run_id or description.run_id
        found = []
        while run_id:
            handle = self.client.get_workflow_handle(workflow_id(self.case_id), run_id=run_id)
            found.append(await handle.fetch_history())
            last = found[-1].events[-1]
            run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return found


@dataclass
class Time:
    """The engine's clock, which skips, and the store's, which stands: they move together when told to."""

    desk: Desk
    engine: WorkflowEnvironment

    async def pass_until(self, moment: datetime) -> None:
        """Let time pass, stopping at each deadline, where the workflow must act by itself."""
        store = self.desk.store
        while (due := await store.overview.next_due(moment)) is not None:
            before = len(await self.desk.events())
            await self._move(due)

            async def acted(before: int = before) -> bool:
                return len(await self.desk.events()) > before

            await until(acted)
        await self._move(moment)

    async def _move(self, moment: datetime) -> None:
        now = await self.desk.store.clock.now()
        await self.desk.store.clock.move(moment)
        await self.engine.sleep(moment - now + timedelta(seconds=1))


@asynccontextmanager
async def skipping(store: Store, *, identity: str | None = None) -> AsyncIterator[Time]:
    """A fresh case on a server that skips time, with a worker in the sandbox, and the hand on both clocks."""
    program = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), data_converter=pydantic_data_converter, identity=identity
    )
    async with environment:
        kinds = dict.fromkeys(SEARCH_ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace="default", search_attributes=kinds)
        )
        desk = Desk.of_new_case(environment.client, store)
        async with case_worker(desk.client, store, task_queue=desk.task_queue):
            yield Time(desk, environment)

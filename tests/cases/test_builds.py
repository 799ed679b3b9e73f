"""Cases outlive the code that began them: what happens to an open case when another build of the workers comes."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from case_desk import COORDINATOR, Desk, until
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

import workflows
from activities.contract import TASK_QUEUE, workflow_id
from store.connect import Store
from workers import build
from workers.case_worker import case_worker
from workers.doctor.engine import examine_temporal
from workers.doctor.finding import Level
from workers.reconciling import Look, Reconciled
from workers.serving import Build, serving
from workers.settings import Settings


@dataclass
class Rollout:
    """A deployment of its own, whose workers come and go."""

    desk: Desk
    served: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The deployment; the desk's task queue is the only one it serves."""
        return f"d-{self.desk.case_id}"

    def worker(self, build_id: str | None):  # type: ignore[no-untyped-def]
        """A worker of this build; None: one that takes every case."""
        version = build.deployment(self.name if build_id else None, build_id)
        return case_worker(self.desk.client, self.desk.store, task_queue=self.desk.task_queue, build=version)

    async def make_current(self, build_id: str) -> None:
        """Send what begins or turns over to this build, as `temporal worker deployment set-current-version` does."""

        async def done() -> bool:
            try:
                await self.desk.client.workflow_service.set_worker_deployment_current_version(
                    SetWorkerDeploymentCurrentVersionRequest(
                        namespace=self.desk.client.namespace, deployment_name=self.name, build_id=build_id
                    )
                )
            except RPCError as error:
                if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}:
                    raise  # else its worker has not been seen yet
                return False
            return True

        await until(done)

    async def build_of_the_case(self) -> str:
        """Which build the newest run is pinned to."""
        described = await self.desk.handle.describe()
        told = described.raw_description.workflow_execution_info.versioning_info
        return str(told.deployment_version.build_id)


@pytest.fixture
def rollout(idle: Desk) -> Rollout:
    """A deployment for one fresh case."""
    return Rollout(idle)


async def test_a_build_is_named_by_the_version_and_the_code_that_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build.replayed_code()
    assert build.build_id().endswith(f"-{before[:12]}")
    (tmp_path / "one.py").write_text("changed = True\n", encoding="utf-8")
    monkeypatch.setattr(workflows, "__path__", [*workflows.__path__, str(tmp_path)])
    assert build.replayed_code.__wrapped__() != before


async def test_an_open_case_goes_on_with_the_next_build_where_no_deployment_is_named(idle: Desk) -> None:
    for number in range(2):
        version = build.deployment(None, f"build-{number}")
        async with case_worker(idle.client, idle.store, task_queue=idle.task_queue, build=version):
            await (idle.opened() if not number else idle.send("AssignCoordinator", data={"coordinator_id": "tanaka"}))
    assert (await idle.told())[-1] == "CoordinatorAssigned"


async def test_a_case_stays_with_its_build_and_moves_on_once_it_hears_of_the_next(rollout: Rollout) -> None:
    desk = rollout.desk
    async with rollout.worker("a"):
        await rollout.make_current("a")
        await desk.opened()
        async with rollout.worker("b"):
            await rollout.make_current("b")
            assert await rollout.build_of_the_case() == "a"
            before = await desk.run_id()
            await desk.sync()  # as `hashi audit restore-workflows` lets every case look into the store
            await desk.next_run(before)
    async with rollout.worker("b"):
        answer = await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
        assert (answer.outcome, await rollout.build_of_the_case()) == ("accepted", "b")
        seen = await serving(desk.client, desk.task_queue)
        assert (seen.current, seen.builds) == (Build(rollout.name, "b"), {"a", "b"})


async def test_a_case_whose_build_no_worker_has_is_found(rollout: Rollout) -> None:
    desk, name = rollout.desk, workflow_id(rollout.desk.case_id)
    async with rollout.worker("a"):
        await rollout.make_current("a")
        await desk.opened()
        now = await serving(desk.client, desk.task_queue)
        assert await Look(desk.client, desk.store, now).at(name, Reconciled()) == []
        later = now._replace(versioned=now.versioned - {Build(rollout.name, "a")})
        [found] = await Look(desk.client, desk.store, later).at(name, Reconciled())
    assert (found.kind, found.detail) == ("orphaned", f"{rollout.name}:a")


async def test_cases_begun_without_a_deployment_go_over_to_one(rollout: Rollout) -> None:
    async with rollout.worker(None):
        await rollout.desk.opened()
    async with rollout.worker("a"):
        await rollout.make_current("a")
        answer = await rollout.desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    assert (answer.outcome, await rollout.build_of_the_case()) == ("accepted", "a")


async def test_the_doctor_says_where_temporal_sends_the_cases(client: Client, store: Store) -> None:
    desk = Desk.of_new_case(client, store)
    desk.task_queue = TASK_QUEUE
    rollout = Rollout(desk)

    async def told(**settings: str) -> tuple[Level, str]:
        address = client.service_client.config.target_host
        found = [one async for one in examine_temporal(Settings(**settings), address)]
        [one] = [one for one in found if one.name == "Build"]
        return one.level, one.told + (one.remedy or "")

    async with rollout.worker("a"):
        assert (await told())[0] is Level.ok
        level, words = await told(deployment=rollout.name, build_id="a")
        assert (level, f"--deployment-name {rollout.name} --build-id a" in words) == (Level.warning, True)
        await rollout.make_current("a")
        try:
            assert (await told(deployment=rollout.name, build_id="a"))[0] is Level.ok
            level, words = await told()
            assert (level, "--unversioned" in words) == (Level.fault, True)
        finally:
            await rollout.make_current("")

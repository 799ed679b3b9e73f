"""The code of today goes on with the cases of yesterday: histories kept of each release, and those these tests make."""

from importlib.metadata import version
from pathlib import Path

import pytest
from case_changed import CuriousCase, PatchedCase, RestingCase, SilentCase
from case_desk import COORDINATOR, START, WITHDREW, Desk, Time, sandbox
from kept_histories import FOLDER, kept, releases, require_replay, stories
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from domain.calendar import after_business_days
from workers.build import DISTRIBUTION
from workers.play.script import shipped
from workflows.referral_case import ReferralCase

WHAT_A_RUN_DOES = {
    "TIMER_STARTED",
    "TIMER_FIRED",
    "TIMER_CANCELED",
    "MARKER_RECORDED",
    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
    "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
    "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
    "WORKFLOW_EXECUTION_COMPLETED",
    "WORKFLOW_EXECUTION_SIGNALED",
    "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
}
NEWEST = releases()[-1]


async def replay(case: type, history: WorkflowHistory) -> None:
    """Go through *history* again with the workflow *case*. Raises what the engine would raise."""
    replayer = Replayer(workflows=[case], data_converter=pydantic_data_converter, workflow_runner=sandbox())
    await replayer.replay_workflow(history)


def test_this_release_has_histories() -> None:
    release = version(DISTRIBUTION)
    assert release in releases(), f"what cases do under {release} was never recorded: make histories RELEASE={release}"


def test_the_histories_of_the_newest_release_show_all_that_a_run_does() -> None:
    paths = [path for path in stories() if path.parent.name == NEWEST]
    seen = {
        EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        for path in paths
        for one in kept(path)
        for event in one.events
    }
    assert WHAT_A_RUN_DOES - seen == set()
    assert {*shipped()} <= {path.name.removesuffix(".jsonl.gz") for path in paths}


@pytest.mark.parametrize("path", stories(), ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")
async def test_a_case_begun_by_a_release_goes_on_with_the_code_of_today(path: Path) -> None:
    assert await require_replay(ReferralCase, path) > 0


async def test_a_history_replays_in_the_sandbox() -> None:
    for history in kept(FOLDER / NEWEST / "review.jsonl.gz"):
        await replay(ReferralCase, history)


async def test_all_runs_of_a_case_replay(desk: Desk) -> None:
    await desk.in_review()
    await desk.next_run(await desk.run_id())
    await desk.send("AddNote", COORDINATOR, {"text": "one"})
    await desk.send("StartReview")
    await desk.send("CloseCase", COORDINATOR, {"disposition": "withdrawn_by_company"}, reason=WITHDREW)
    await desk.handle.result()
    for history in await desk.histories():
        await replay(ReferralCase, history)


async def test_a_run_whose_deadlines_acted_replays(time: Time) -> None:
    await time.desk.opened()
    await time.pass_until(after_business_days(START, 4))
    assert "CaseEscalated" in await time.desk.told()
    for history in await time.desk.histories():
        await replay(ReferralCase, history)


@pytest.mark.parametrize("careless", [RestingCase, CuriousCase, SilentCase])
async def test_a_change_that_stops_open_cases_fails_and_says_what_to_do(careless: type) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        await require_replay(careless, FOLDER / NEWEST / "review.jsonl.gz")
    said = str(failure.value)
    assert f"A case that {NEWEST} began cannot go on with this code" in said
    for word in ("TMPRL1100", "workflow.patched(", "reconcile --repair", "CONTRIBUTING.md"):
        assert word in said


async def test_a_patched_change_lets_open_cases_go_on_in_their_old_way() -> None:
    assert await require_replay(PatchedCase, FOLDER / NEWEST / "review.jsonl.gz") > 0

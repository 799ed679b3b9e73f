"""The code of today goes on with the histories of yesterday: those kept here, and those these tests make."""

from pathlib import Path

import pytest
from case_changed import ChangedCase
from case_desk import COORDINATOR, START, WITHDREW, Desk, Time, sandbox
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from domain.calendar import after_business_days
from workflows.referral_case import ReferralCase

KEPT = sorted((Path(__file__).parent / "histories").glob("*.json"))
"""Written by `record_histories.py` in this folder; a release adds some and takes none away."""


async def replay(case: type, history: WorkflowHistory) -> None:
    """Go through *history* again with the workflow *case*. Raises what the engine would raise."""
    replayer = Replayer(workflows=[case], data_converter=pydantic_data_converter, workflow_runner=sandbox())
    await replayer.replay_workflow(history)


def kept(path: Path) -> WorkflowHistory:
    """The history in the file *path*."""
    return WorkflowHistory.from_json(f"case-{path.stem}", path.read_text(encoding="utf-8"))


def test_there_are_kept_histories() -> None:
    assert len(KEPT) >= 4


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
async def test_a_kept_history_replays(path: Path) -> None:
    await replay(ReferralCase, kept(path))


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


async def test_a_changed_workflow_is_found_out_by_a_kept_history() -> None:
    with pytest.raises(workflow.NondeterminismError):
        await replay(ChangedCase, kept(next(path for path in KEPT if "review-1" in path.stem)))

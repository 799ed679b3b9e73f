"""What the engine shows of a case, and what it must never hold."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from case_desk import BANK, COORDINATOR, NEED, START, Desk, register_everybody, until
from google.protobuf.json_format import MessageToDict
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHistory

from domain.calendar import after_business_days
from domain.envelope import Reason

CANARY = "カナリア-9c41"


async def details(desk: Desk) -> str:
    """The case as its page in the engine describes it."""
    told = await desk.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return told.current_details


async def test_stage_and_center_are_search_attributes_and_follow_the_case(desk: Desk) -> None:
    await desk.opened()
    before = await desk.handle.describe()
    assert before.search_attributes["HashiStage"] == ["intake"]
    assert before.search_attributes["HashiCenter"] == ["center"]
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await desk.send("StartReview")
    after = await desk.handle.describe()
    assert after.search_attributes["HashiStage"] == ["review"]


async def test_cases_are_found_by_stage(desk: Desk) -> None:
    await desk.in_review()

    async def found() -> bool:
        listed = desk.client.list_workflows("HashiStage = 'review' AND ExecutionStatus = 'Running'")
        return f"case-{desk.case_id}" in [one.id async for one in listed]

    await until(found)


async def test_the_page_of_a_case_shows_stage_next_owner_and_deadlines(desk: Desk) -> None:
    await desk.in_review()
    shown = await details(desk)
    assert "**review** (open), version 5, next: tanaka" in shown
    assert "- review: tanaka, in 7 days" in shown
    assert "last: CompanyConsentRecorded, CoordinatorAssigned, ReviewStarted" in shown


async def test_a_step_in_the_history_bears_the_name_of_its_command(desk: Desk) -> None:
    await desk.opened()
    [history] = await desk.histories()
    summaries = [event.user_metadata.summary.data for event in history.events if event.HasField("user_metadata")]
    assert b'"ReferNeed"' in summaries


async def test_the_engine_holds_ids_only(desk: Desk) -> None:
    await register_everybody(desk.store, name=f"{CANARY} {{}}")
    need = {name: f"{CANARY} {NEED[name]}" for name in ("title", "public_summary", "description")}
    consent = {**NEED["consent"], "given_by": CANARY}
    await desk.send("ReferNeed", BANK, {**NEED, **need, "bank_reference": CANARY, "consent": consent})
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await desk.send("StartReview")
    await desk.next_run(await desk.run_id())
    await desk.send("AddNote", COORDINATOR, {"text": CANARY})
    await desk.send("HoldCase", COORDINATOR, reason=Reason(code="company_asked", text=CANARY))
    refused = await desk.send("CloseCase", COORDINATOR, {"disposition": "transferred", "outcome_summary": CANARY})
    assert refused.outcome == "refused"
    await desk.store.clock.move(after_business_days(START, 30))
    await desk.sync()
    assert CANARY in str(await desk.events())

    description = await desk.handle.describe()
    held = [MessageToDict(description.raw_description), await details(desk), *map(texts, await desk.histories())]
    assert "NoteRecorded" in str(held)
    assert CANARY not in str(held)
    assert CANARY not in json.dumps(held)


def texts(history: WorkflowHistory) -> list[str]:
    """Everything a history says, payloads decoded."""
    return list(_texts(history.to_json_dict()))


def _texts(told: Any) -> Iterator[str]:
    if isinstance(told, dict):
        for key, value in told.items():
            yield from [b64decode(value).decode()] if key == "data" and isinstance(value, str) else _texts(value)
    elif isinstance(told, list):
        for value in told:
            yield from _texts(value)
    else:
        yield str(told)

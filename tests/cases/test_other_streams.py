"""What a command begins in other streams: a merge changes two cases, a first case begins its company's stream."""

import asyncio
import os
from dataclasses import replace

from case_desk import SENIOR, Desk, until


async def test_the_workflow_of_an_absorbed_case_ends_with_the_merge(desk: Desk) -> None:
    other = await replace(desk, case_id=os.urandom(8).hex()).in_review()
    await desk.in_review()
    await desk.send("MergeCases", data={"absorbed_case_id": other.case_id})
    answer = await desk.send("ConfirmDecision", SENIOR)
    assert [one.type for one in answer.events] == ["ReferralAttached"]
    assert (await other.told())[-2:] == ["CaseMergedInto", "CaseClosed"]

    async def ended() -> bool:
        return await other.status() == "COMPLETED"

    await until(ended)


async def test_a_merge_into_a_case_whose_workflow_is_gone_is_complete(desk: Desk) -> None:
    other = await replace(desk, case_id=os.urandom(8).hex()).in_review()
    await other.handle.terminate()
    await desk.in_review()
    await desk.send("MergeCases", data={"surviving_case_id": other.case_id})
    answer = await desk.send("ConfirmDecision", SENIOR)
    assert [one.type for one in answer.events] == ["CaseMergedInto", "CaseClosed"]
    assert (await other.told())[-1] == "ReferralAttached"


async def test_a_company_s_own_stream_begins_with_its_first_case(desk: Desk) -> None:
    """ReferNeed makes or finds the company (6a); two cases at once begin its stream once."""
    others = [replace(desk, case_id=os.urandom(8).hex()) for _ in range(3)]
    await asyncio.gather(desk.opened(), *(one.opened() for one in others))
    events = await desk.store.ledger.read("company-ariake")
    assert [(one.type, one.actor.person) for one in events] == [("CompanyRegistered", "system")]
    row = await desk.store.entries.entry("company-ariake")
    assert row is not None and row.standing == "registered"

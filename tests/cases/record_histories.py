"""Write histories of today's workflow for the replay tests: `python tests/cases/record_histories.py LABEL`.

Run it before a release and keep what it writes, `histories/LABEL-*.json`; files of older releases stay, because their
cases may still be running. A history of an old release that no longer replays is a change that breaks open cases.
"""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from case_desk import BANK, COORDINATOR, START, WITHDREW, Desk, Time, register_everybody, skipping
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from domain.calendar import after_business_days
from store.clock import Clock
from store.connect import Store
from workers.case_worker import case_worker
from workers.embedded import throwaway

FOLDER = Path(__file__).parent / "histories"


async def review(desk: Desk) -> None:
    """From need to review, with a refusal; the next run takes a note."""
    await desk.opened()
    await desk.send("StartReview")
    before = await desk.run_id()
    await desk.send("AssignCoordinator", COORDINATOR, {"coordinator_id": "tanaka"})
    await desk.send("StartReview")
    await desk.next_run(before)
    await desk.send("AddNote", COORDINATOR, {"text": "次回は冷却条件を確認する。"})


async def closed(desk: Desk) -> None:
    """Closed without deadlines, so that the run ends."""
    await desk.in_review()
    await desk.send("CloseCase", COORDINATOR, {"disposition": "withdrawn_by_company"}, reason=WITHDREW)
    await desk.handle.result()


async def refused(desk: Desk) -> None:
    """A need without consent: nothing is opened and the run ends."""
    await desk.send("AddNote", BANK, {"text": "?"})
    await desk.handle.result()


async def deadlines(time: Time) -> None:
    """Nobody takes the need: reminded and escalated; a nudge finds nothing more."""
    await time.desk.opened()
    await time.pass_until(after_business_days(START, 4))
    await time.desk.sync()


async def keep(label: str, story: str, desk: Desk) -> None:
    """Write the runs of the desk's case, the first as LABEL-STORY-1.json, without the name of this machine."""
    for number, history in enumerate(await desk.histories(), 1):
        path = FOLDER / f"{label}-{story}-{number}.json"
        told = json.dumps(history.to_json_dict(), separators=(",", ":"))
        path.write_text(told.replace(socket.gethostname(), "recorder") + "\n", encoding="utf-8")
        print(path.name, len(history.events), "events")


async def record(label: str) -> None:
    """Play every story on servers of its own and keep what the engine wrote."""
    FOLDER.mkdir(exist_ok=True)
    stories: list[Callable[[Desk], Awaitable[None]]] = [review, closed, refused]
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as stack:
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        await Clock.make_movable(stack.database_url)
        client = await Client.connect(
            stack.temporal_address, data_converter=pydantic_data_converter, identity="recorder"
        )
        async with Store.open(stack.database_url, [bytes(32)]) as store:
            await register_everybody(store)
            await store.clock.move(START)
            for story in stories:
                desk = Desk.of_new_case(client, store)
                async with case_worker(client, store, task_queue=desk.task_queue):
                    await story(desk)
                await keep(label, story.__name__, desk)
        async with Store.open(stack.database_url, [bytes(32)]) as store, skipping(store, identity="recorder") as time:
            await deadlines(time)
            await keep(label, deadlines.__name__, time.desk)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))

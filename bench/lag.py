"""How long an event waits for a follower: from its acknowledgement until it is handled, at a steady pace of appends."""

import asyncio
import time
from collections import deque
from typing import Final

from bench.sides import Ours, Place
from bench.told import Pattern
from store.connect import Store
from store.follow import Batch, Follower
from store.pool import Connection
from workers.relay import end, relay_for_ever

PACE: Final = 500
"""Appends a second."""


async def lag_figures(url: str, pattern: Pattern, seconds: float) -> dict[str, float]:
    """Milliseconds of lag at PACE."""
    handled: dict[int, float] = {}

    async def note(_: Connection, batch: Batch) -> None:
        handled.update(dict.fromkeys((one.position for one in batch.kept), time.perf_counter()))

    follower = Follower("bench lag", note)
    async with Store.open(url, [bytes(32)]) as store:
        await store.following.catch_up(follower)
        relaying = asyncio.ensure_future(relay_for_ever(url, store, everybody=[follower]))
        try:
            acknowledged = await _paced(Ours(url, pattern), store, seconds)
            async with asyncio.timeout(60):
                while await store.following.position(follower.name) < await store.following.head():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            await end(relaying)
    lags = sorted(1000 * max(0.0, handled[position] - at) for position, at in acknowledged.items())
    return {
        f"lag_ms_p50_at_{PACE}": round(lags[len(lags) // 2], 2),
        f"lag_ms_p99_at_{PACE}": round(lags[int(len(lags) * 0.99)], 2),
    }


async def _paced(ours: Ours, store: Store, seconds: float) -> dict[int, float]:
    """Append at the pace; when each position was acknowledged."""
    acknowledged: dict[int, float] = {}
    places = deque(Place() for _ in range(4 * PACE))

    async def one() -> None:
        place = places.popleft()
        position = (await ours.append(store, place)).last_position
        acknowledged[position] = time.perf_counter()
        places.append(place)

    began = time.perf_counter() + 2  # the relay leads by then
    async with asyncio.TaskGroup() as group:
        for number in range(round(PACE * seconds)):
            await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
            group.create_task(one())
    return acknowledged

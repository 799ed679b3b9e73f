"""How long an event waits for a follower: from its acknowledgement until it is handled, at a steady pace of appends."""

import asyncio
import time
from typing import Final

from bench.sides import Ours, Place
from bench.told import Pattern
from bench.turns import NotAccepted
from store.connect import Store, StoreUnreachable
from store.follow import Batch, Follower
from store.pool import Connection
from workers.relay import end, relay_for_ever

PACE: Final = 500
"""Appends a second."""
_PLACES: Final = 200
"""Streams that are written to side by side, so that at most so many appends are under way."""


async def lag_figures(url: str, pattern: Pattern, seconds: float) -> dict[str, float]:
    """Milliseconds of lag at PACE, and the pace that was kept. Raises NotAccepted where appends take too long."""
    handled: dict[int, float] = {}

    async def note(_: Connection, batch: Batch) -> None:
        handled.update(dict.fromkeys((one.position for one in batch.kept), time.perf_counter()))

    follower = Follower("bench lag", note)
    async with Store.open(url, [bytes(32)]) as store:
        await store.following.catch_up(follower)
        relaying = asyncio.ensure_future(relay_for_ever(url, store, everybody=[follower]))
        try:
            acknowledged, took = await _paced(Ours(url, pattern), store, seconds)
            async with asyncio.timeout(60):
                while await store.following.position(follower.name) < await store.following.head():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            await end(relaying)
    lags = sorted(1000 * max(0.0, handled[position] - at) for position, at in acknowledged.items())
    return {
        f"lag_ms_p50_at_{PACE}": round(lags[len(lags) // 2], 2),
        f"lag_ms_p99_at_{PACE}": round(lags[int(len(lags) * 0.99)], 2),
        f"appends_per_second_at_{PACE}": round(len(lags) / took, 1),
    }


async def _paced(ours: Ours, store: Store, seconds: float) -> tuple[dict[int, float], float]:
    """Append at the pace, or slower where all streams are busy; when each position was acknowledged, and seconds."""
    acknowledged: dict[int, float] = {}
    places: asyncio.Queue[Place] = asyncio.Queue()

    async def one(place: Place) -> None:
        position = (await ours.append(store, place)).last_position
        acknowledged[position] = time.perf_counter()
        places.put_nowait(place)

    try:
        await asyncio.gather(*(one(Place()) for _ in range(_PLACES)))  # so that the keys of the streams are there
        acknowledged.clear()
        began = time.perf_counter() + 2  # the relay leads by then
        async with asyncio.TaskGroup() as group:
            for number in range(round(PACE * seconds)):
                await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
                group.create_task(one(await places.get()))
    except* StoreUnreachable as errors:
        raise NotAccepted(f"{PACE} appends a second are too many here: {errors.exceptions[0]}") from errors
    return acknowledged, time.perf_counter() - began

"""The memory of a worker that idle open cases take: grown by opening many and leaving them alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from bench import bare
from bench.course import Course
from bench.figures import resident_bytes
from bench.runners import Client
from bench.stand import Process, Stand

_AT_ONCE: Final = 8
_FIRST: Final = 20
"""Cases opened before we look for the first time: what the first ones cost is paid once."""
_FEW: Final = 10
"""The bound of the bounded cache."""
_REST: Final = 1.5
"""Seconds in which a worker comes to rest."""


async def measure(
    here: Stand, peer: Process, course: Course, count: int, progress: Callable[[str], None]
) -> dict[str, float]:
    """Bytes in a worker for each of *count* idle cases; with the cache of cases bounded; and for a bare workflow."""

    async def open_case() -> None:
        client = Client(course, here.wire(), f"M{uuid4().hex}")
        await client.step()
        await client.close()

    async def begin_bare() -> None:
        run = await bare.begin(here.engine, f"idle-{uuid4().hex}")
        await run.execute_update(bare.Bare.command, "word")

    await here.worker.stop()
    progress(f"{count} idle cases")
    whole = await _with_a_worker(here.process("idle", *here.worker.words), open_case, count)
    progress(f"{count} idle cases, cache bounded")
    few = here.process("bounded", *here.worker.words, HASHI_CACHED_CASES=str(_FEW))
    bounded = await _with_a_worker(few, open_case, count)
    progress(f"{count} idle bare workflows")
    await peer.stop()
    theirs = await _with_a_worker(here.process("idle-bare", *peer.words), begin_bare, count)
    return {
        "worker_bytes_per_idle_case": whole,
        "worker_bytes_per_idle_case_bounded": bounded,
        "bare_worker_bytes_per_idle_workflow": theirs,
        "idle_cases": count,
    }


async def _with_a_worker(worker: Process, open_one: Callable[[], Awaitable[None]], count: int) -> int:
    worker.start()
    try:
        await _many(open_one, _FIRST)
        before = resident_bytes(worker.pid)
        await _many(open_one, count)
        return (resident_bytes(worker.pid) - before) // count
    finally:
        await worker.stop()


async def _many(open_one: Callable[[], Awaitable[None]], count: int) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with gate:
            await open_one()

    await asyncio.gather(*(one() for _ in range(count)))
    await asyncio.sleep(_REST)

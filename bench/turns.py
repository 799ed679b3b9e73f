"""One turn of one side: senders who send again and again until its time is over, and how long each call took."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

Send: TypeAlias = Callable[[], Awaitable[None]]
Tell: TypeAlias = Callable[[str], None]
"""Hears what is being done."""
Block: TypeAlias = Callable[[], None]
"""As Send, for what can only block."""


class NotAccepted(Exception):
    """What the benchmark sent was refused or is not kept as it should be, so its figures would be worth nothing."""


async def took(senders: Sequence[Send], until: float) -> list[float]:
    """The seconds of each append, all senders side by side until the moment *until*."""
    return [one for many in await asyncio.gather(*(_clocked(send, until) for send in senders)) for one in many]


async def _clocked(send: Send, until: float) -> list[float]:
    """The seconds of each call of one sender, who sends at least once."""
    found: list[float] = []
    while not found or time.perf_counter() < until:
        began = time.perf_counter()
        await send()
        found.append(time.perf_counter() - began)
    return found


async def took_blocking(blocks: Sequence[Block], seconds: float) -> list[float]:
    """As `took`, for those that block: a thread for each."""
    until = time.perf_counter() + seconds

    def run(send: Block) -> list[float]:
        found: list[float] = []
        while not found or time.perf_counter() < until:
            began = time.perf_counter()
            send()
            found.append(time.perf_counter() - began)
        return found

    with ThreadPoolExecutor(len(blocks)) as pool:
        loop = asyncio.get_running_loop()
        many = await asyncio.gather(*(loop.run_in_executor(pool, run, one) for one in blocks))
    return [one for each in many for one in each]

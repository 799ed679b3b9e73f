"""Group commit: what waits while one group is written goes out together as the next group."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from store.pool import PATIENCE, StoreUnreachable

GROUP: Final = 64
"""Most items in one group."""
_PAUSE: Final = 0.05
"""Seconds between two attempts while the database is away."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class Committer(Generic[Item, Answer]):
    """Hands waiting items to *send* in groups, one group at a time, and each answer back to whom it belongs.

    *send* must be safe to repeat for the same item: a group whose connection was lost is sent again as it was.
    """

    def __init__(self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._send = send
        self._queue: deque[_Waiting[Item, Answer]] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: Item) -> Answer:
        """The answer to *item*. Raises what *send* raised, or StoreUnreachable after PATIENCE: outcome unknown.

        A caller who is cancelled takes back an item that is not on its way yet; one that is takes effect.
        """
        if self._closed:
            raise StoreUnreachable("the store is closed in this process")
        waiting = _Waiting[Item, Answer](item, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        try:
            async with asyncio.timeout(PATIENCE):
                return await waiting.answer
        except TimeoutError as error:
            raise StoreUnreachable(f"no answer within {PATIENCE:.0f} s") from error

    async def close(self) -> None:
        """Take no more items and wait until those that wait are answered, at most PATIENCE."""
        self._closed = True
        if self._draining is not None:
            await self._draining

    async def _drain(self) -> None:
        while self._queue:
            if group := self._next_group():
                await self._commit(group)

    def _next_group(self) -> list[_Waiting[Item, Answer]]:
        group: list[_Waiting[Item, Answer]] = []
        while self._queue and len(group) < GROUP:
            waiting = self._queue.popleft()
            if not waiting.answer.done():  # its caller has left
                group.append(waiting)
        return group

    async def _commit(self, group: list[_Waiting[Item, Answer]]) -> None:
        try:
            answers = await self._send([waiting.item for waiting in group])
            _give(group, answers)
        except StoreUnreachable:
            self._queue.extendleft(reversed(group))
            await asyncio.sleep(_PAUSE)
        except Exception as error:
            await self._part(group, error)

    async def _part(self, group: list[_Waiting[Item, Answer]], error: Exception) -> None:
        """One item of *group* cannot be written at all: find it by sending each alone, so that the others are."""
        if len(group) == 1:
            _fail(group[0], error)
            return
        for waiting in group:
            await self._commit([waiting])


def _give(group: Sequence[_Waiting[Item, Answer]], answers: Sequence[Answer]) -> None:
    for waiting, answer in zip(group, answers, strict=True):
        if not waiting.answer.done():
            waiting.answer.set_result(answer)


def _fail(waiting: _Waiting[Item, Answer], error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)

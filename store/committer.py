"""Group commit: what waits while one group is written goes out together as the next group."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from store.pool import PATIENCE, StoreFull, StoreUnreachable

GROUP: Final = 64
"""Most items in one group."""
LANES: Final = 2
"""Most groups on their way at once."""
_PAUSE: Final = 0.05
"""Seconds between two attempts while the database is away."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class Committer(Generic[Item, Answer]):
    """Hands waiting items to *send* in groups and each answer back to whom it belongs.

    Two groups may be on their way at once, so that one is prepared while the other is written; items with the same
    *key* never are: they are written in the order of asking. *send* must be safe to repeat for the same item: a group
    whose connection was lost is sent again as it was.
    """

    def __init__(
        self, send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], key: Callable[[Item], Hashable]
    ) -> None:
        self._send = send
        self._key = key
        self._queue: deque[_Waiting[Item, Answer]] = deque()
        self._lanes: list[asyncio.Task[None]] = []
        self._flying: list[frozenset[Hashable]] = []
        self._closed = False

    async def submit(self, item: Item) -> Answer:
        """The answer to *item*. Raises what *send* raised, or StoreUnreachable after PATIENCE: outcome unknown.

        A caller who is cancelled takes back an item that is not on its way yet; one that is takes effect.
        """
        if self._closed:
            raise StoreUnreachable("the store is closed in this process")
        waiting = _Waiting[Item, Answer](item, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._lanes = [lane for lane in self._lanes if not lane.done()]
        if len(self._lanes) < LANES:
            self._lanes.append(asyncio.create_task(self._drain()))
        try:
            async with asyncio.timeout(PATIENCE):
                return await waiting.answer
        except TimeoutError as error:
            raise StoreUnreachable(f"no answer within {PATIENCE:.0f} s") from error

    async def close(self) -> None:
        """Take no more items and wait until those that wait are answered, at most PATIENCE."""
        self._closed = True
        await asyncio.gather(*self._lanes)

    async def _drain(self) -> None:
        while group := self._next_group():
            keys = frozenset(self._key(waiting.item) for waiting in group)
            self._flying.append(keys)
            try:
                await self._commit(group)
            finally:
                self._flying.remove(keys)

    def _next_group(self) -> list[_Waiting[Item, Answer]]:
        """A fair share of what waits, for the lanes that are free; nothing whose key is on its way."""
        room = min(GROUP, -(-len(self._queue) // (LANES - len(self._flying))))
        busy = {key for keys in self._flying for key in keys}
        group: list[_Waiting[Item, Answer]] = []
        kept: list[_Waiting[Item, Answer]] = []
        while self._queue and len(group) < room:
            waiting = self._queue.popleft()
            if waiting.answer.done():  # its caller has left
                continue
            if self._key(waiting.item) in busy:
                kept.append(waiting)
            else:
                group.append(waiting)
        self._queue.extendleft(reversed(kept))
        return group

    async def _commit(self, group: list[_Waiting[Item, Answer]]) -> None:
        try:
            answers = await self._send([waiting.item for waiting in group])
            _give(group, answers)
        except StoreFull as error:
            for waiting in group:
                _fail(waiting, error)
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

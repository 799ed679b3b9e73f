"""The one effect of a batch: some of its rows, each referred as if its bank had sent it alone, at a gentle pace.

A stretch that runs twice does no harm: a row's command has one id, and a row that is settled is not looked at again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from temporalio import activity

from activities.contract import COMMIT_ROWS, Stretch
from store.batches import Batch, BatchRow, Fault, RowState
from store.connect import Store

_ROWS: Final = 25
"""Rows of one stretch; then another batch may have its turn."""
_REST: Final = 1.0
"""How long to rest after a row, by how long it took: a busy system is given more time by itself."""
_SHORTEST: Final = 0.01
_BEAT: Final = 2.0
"""Seconds between two signs of life."""


@dataclass(frozen=True)
class Referred:
    """What became of a row."""

    state: RowState
    faults: Sequence[Fault] = ()


class NotNow(Exception):
    """A row cannot be referred now, and may be later; the message is a code, for the engine keeps it."""


class Referring(Protocol):
    """The one way of a command, seen from here: the gateway's, which the worker hands in."""

    async def refer(self, batch: Batch, row: BatchRow) -> Referred:
        """Refer the need in *row*, as whoever commits *batch*; the same row again is the same need.

        Raises NotNow.
        """


class BatchRows:
    """The activities of batches, on one store."""

    def __init__(self, store: Store, way: Referring) -> None:
        self._store = store
        self._way = way

    @activity.defn(name=COMMIT_ROWS)
    async def commit_rows(self, batch_id: str) -> Stretch:
        """Commit the next rows of the batch, until some are done, none is left, or it is cancelled."""
        batch = await self._store.batches.get(batch_id)
        if batch is None:
            return Stretch(settled=0, left=0, state="unknown")
        async with _alive():
            for _ in range(_ROWS):
                row = await self._store.batches.next_ready(batch_id)
                if row is None:
                    break
                began = time.monotonic()
                referred = await self._way.refer(batch, row)
                await self._store.batches.settle(batch_id, row.row, referred.state, referred.faults)
                await asyncio.sleep(max(_SHORTEST, _REST * (time.monotonic() - began)))
        await self._store.batches.finish(batch_id)
        return await self._stretch(batch_id)

    async def _stretch(self, batch_id: str) -> Stretch:
        batch = await self._store.batches.get(batch_id)
        assert batch is not None
        left = batch.rows.get("ready", 0)
        return Stretch(settled=sum(batch.rows.values()) - left, left=left, state=batch.state)


@asynccontextmanager
async def _alive() -> AsyncIterator[None]:
    """Tell the engine that this stretch goes on, as long as it does."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_BEAT)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()

"""Following the events: every one, once, in the order of positions, with a checkpoint that is one number.

A follower's checkpoint moves in the transaction of what the follower writes, so a crash at any moment repeats or loses
nothing, and it is still true after dump and restore. Since `hashi.append` gives positions without a gap in the order
of commits, whoever has handled position N has handled everything that will ever stand before N + 1.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from domain.envelope import Event
from store.codec import EventTypes, decode
from store.pool import Connection, Pool, fetch, transaction

BATCH: Final = 500
"""Most events in one batch."""
_CHECKPOINT: Final = "SELECT position FROM hashi.checkpoints WHERE follower = %s FOR UPDATE"
_BEGIN: Final = "INSERT INTO hashi.checkpoints VALUES (%s, 0) ON CONFLICT DO NOTHING"
_MOVE: Final = "UPDATE hashi.checkpoints SET position = %s WHERE follower = %s"
_NEXT: Final = """
SELECT position, stream, version, body FROM hashi.events WHERE position > %s ORDER BY position LIMIT %s
"""
_HEAD: Final = "SELECT coalesce(max(position), 0) FROM hashi.events"
_ALL: Final = "SELECT follower, position FROM hashi.checkpoints"


class LedgerBroken(Exception):
    """The ledger lacks a position it gave before: events were removed, or an older copy of it was put back."""


class KeptBytes(NamedTuple):
    """An event as it is kept."""

    position: int
    stream: str
    version: int
    body: bytes


@dataclass(frozen=True)
class Batch:
    """Consecutive events: at least one, in order, without a gap."""

    kept: tuple[KeptBytes, ...]
    event_types: EventTypes

    @property
    def bodies(self) -> list[tuple[int, bytes]]:
        """Position and kept bytes of each."""
        return [(one.position, one.body) for one in self.kept]

    @property
    def last(self) -> int:
        """The position of the last one."""
        return self.kept[-1].position

    @property
    def newest(self) -> dict[str, tuple[int, int]]:
        """The last event of each stream: its version and position."""
        return {one.stream: (one.version, one.position) for one in self.kept}

    @cached_property
    def events(self) -> list[tuple[int, Event]]:
        """Position and event of each. Raises UnknownEvent."""
        return [(one.position, decode(one.body, self.event_types)) for one in self.kept]


Handle: TypeAlias = Callable[[Connection, Batch], Awaitable[None]]
"""Writes what a batch brings about with `store.pool.fetch` or `rows` on the connection it is given, nothing else."""


@dataclass(frozen=True)
class Follower:
    """Somebody who handles all events in order; the *name*, never given to another, is that of the checkpoint.

    *handle* is called inside a transaction and may be called again with the same events if that fails: what it does
    outside the transaction must bear repetition.
    """

    name: str
    handle: Handle
    size: int = BATCH


class Following:
    """Moves followers forward. Every method raises StoreUnreachable when the database is away: call again."""

    def __init__(self, pool: Pool, event_types: EventTypes) -> None:
        self._pool = pool
        self._event_types = event_types

    async def step(self, follower: Follower) -> int:
        """Let *follower* handle its next batch; returns how many events there were, 0 when none are left.

        Two processes that try at once take turns. Raises LedgerBroken, and what the follower raised; in both cases
        the checkpoint stays.
        """
        async with transaction(self._pool) as connection:
            position = await _checkpoint(connection, follower.name)
            found = await fetch(connection, _NEXT, [position, follower.size])
            if not found:
                await _require_known(connection, follower.name, position)
                return 0
            batch = Batch(tuple(KeptBytes(*row) for row in found), self._event_types)
            _require_gapless(follower.name, position, [one.position for one in batch.kept])
            await follower.handle(connection, batch)
            await fetch(connection, _MOVE, [batch.last, follower.name])
            return len(found)

    async def catch_up(self, follower: Follower) -> int:
        """Let *follower* handle all there is; returns how many events there were."""
        handled = 0
        while (count := await self.step(follower)) > 0:
            handled += count
        return handled

    async def head(self) -> int:
        """The position of the last event."""
        [(position,)] = await fetch(self._pool, _HEAD)
        return int(position)

    async def position(self, name: str) -> int:
        """How far the follower *name* has come."""
        return (await self.positions([name]))[name]

    async def positions(self, names: Iterable[str]) -> dict[str, int]:
        """How far each of *names* has come; 0 for one that has not begun."""
        found: dict[str, int] = dict(await fetch(self._pool, _ALL))
        return {name: found.get(name, 0) for name in names}


async def _checkpoint(connection: Connection, name: str) -> int:
    """The checkpoint of *name*, held by this transaction until it ends."""
    while not (found := await fetch(connection, _CHECKPOINT, [name])):
        await fetch(connection, _BEGIN, [name])
    return int(found[0][0])


def _require_gapless(name: str, position: int, numbers: list[int]) -> None:
    for wanted, number in enumerate(numbers, position + 1):
        if number != wanted:
            raise LedgerBroken(f"{name} stands at {wanted - 1} and the next event is {number}: {wanted} is missing")


async def _require_known(connection: Connection, name: str, position: int) -> None:
    [(head,)] = await fetch(connection, _HEAD)
    if head < position:
        raise LedgerBroken(f"{name} stands at {position} and the ledger ends at {head}: an older copy was put back")

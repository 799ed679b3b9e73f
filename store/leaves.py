"""The leaves of the transparency log: one hash for each event, over its kept bytes, in the order of positions.

RFC 9162, section 2.1.1: SHA-256 over 0x00 and the bytes. The leaf with index N belongs to the event at position N + 1,
so that the two never have to be told apart by a table. Tiles and checkpoints are built on this table.
"""

import hashlib
from typing import Final

from store.follow import Batch, Follower
from store.pool import Connection, fetch

_ADD: Final = "INSERT INTO hashi.log_leaves SELECT * FROM unnest(%s::bigint[], %s::bytea[])"


def leaf_hash(body: bytes) -> bytes:
    """The leaf hash of the kept bytes of one event."""
    return hashlib.sha256(b"\0" + body).digest()


async def _add(connection: Connection, batch: Batch) -> None:
    positions = [position for position, _ in batch.bodies]
    await fetch(connection, _ADD, [positions, [leaf_hash(body) for _, body in batch.bodies]])


LEAVES: Final = Follower("log_leaves", _add)
"""Writes them."""

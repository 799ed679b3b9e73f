"""The transparency log of this system: leaves and tiles behind the events, checkpoints over them, proofs out of them.

The leaf with index N is the event at position N + 1, so that the two never have to be told apart by a table. Of the
tiles (C2SP tlog-tiles) each full one is kept as its hash, which is an entry of the tile above; the hashes of the lowest
are the leaves. So a root or a proof costs a few hundred hashes however large the log is.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from audit.signing import Signer, sign
from audit.tree import Place, Range, consistency, edge, hash_of, inclusion, tiles_of
from audit.verify_bundle import PROOF, TILE, Checkpoint, Tree, leaf_hash, parse_checkpoint, root_of
from store.follow import Batch, Follower, LedgerBroken
from store.pool import Connection, Pool, fetch, transaction

_ADD: Final = "INSERT INTO hashi.log_leaves SELECT * FROM unnest(%s::bigint[], %s::bytea[])"
_ADD_TILES: Final = "INSERT INTO hashi.log_tiles SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])"
_SIZE: Final = "SELECT coalesce(max(position), 0) FROM hashi.log_leaves"
_LEAVES: Final = "SELECT leaf_hash FROM hashi.log_leaves WHERE position > %s AND position <= %s ORDER BY position"
_TILES: Final = "SELECT hash FROM hashi.log_tiles WHERE level = %s AND number >= %s AND number < %s ORDER BY number"
_LAST: Final = "SELECT note FROM hashi.log_checkpoints ORDER BY size DESC LIMIT 1"
_NOTE: Final = "SELECT note FROM hashi.log_checkpoints WHERE size = %s"
_SEAL: Final = "INSERT INTO hashi.log_checkpoints (size, note) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_KEEP_KEY: Final = "INSERT INTO hashi.log_keys (vkey) VALUES (%s) ON CONFLICT DO NOTHING"
_KEYS: Final = "SELECT vkey FROM hashi.log_keys ORDER BY first_used_at"
_POSITION: Final = "SELECT position FROM hashi.events WHERE event_id = %s"


async def _add(connection: Connection, batch: Batch) -> None:
    first = batch.bodies[0][0]
    hashes = [leaf_hash(body) for _, body in batch.bodies]
    tree = await tree_at(connection, first - 1)
    filled = [one for leaf in hashes for one in tree.add(leaf)]
    await fetch(connection, _ADD, [[position for position, _ in batch.bodies], hashes])
    if filled:
        levels, numbers, full = zip(*filled, strict=True)
        await fetch(connection, _ADD_TILES, [list(levels), list(numbers), [root_of(one) for one in full]])


LOG: Final = Follower("log_leaves", _add)
"""Writes leaves and tiles."""


class Sealed(NamedTuple):
    """A checkpoint with the note that signs it."""

    checkpoint: Checkpoint
    note: bytes


class NotInLog(LookupError):
    """There is no such checkpoint or leaf."""


async def size_of(place: Pool | Connection) -> int:
    """How many leaves there are."""
    [(size,)] = await fetch(place, _SIZE)
    return int(size)


async def tiles(place: Pool | Connection, wanted: Iterable[Place], size: int) -> Mapping[Place, Sequence[bytes]]:
    """The hashes of the tiles *wanted* of the tree of *size*. Raises LedgerBroken when some are not there."""
    found = {}
    for level, number in wanted:
        first = number * TILE
        last = min(first + TILE, size >> 8 * level)
        told = (
            await fetch(place, _LEAVES, [first, last])
            if level == 0
            else await fetch(place, _TILES, [level - 1, first, last])
        )
        if len(told) != last - first:
            raise LedgerBroken(f"the log lacks hashes of tile {level}/{number}")
        found[level, number] = [bytes(one) for (one,) in told]
    return found


async def tree_at(place: Pool | Connection, size: int) -> Tree:
    """The tree of *size*, to go on with."""
    found = await tiles(place, edge(size), size)
    levels = (size.bit_length() + 7) // 8
    return Tree(size, [found.get((level, size >> 8 * (level + 1)), []) for level in range(levels)])


async def hashes_of(place: Pool | Connection, ranges: Sequence[Range], size: int) -> list[bytes]:
    """The hash of each of *ranges* of the tree of *size*."""
    found = await tiles(place, tiles_of(ranges), size)
    return [hash_of(one, found.__getitem__) for one in ranges]


async def last_sealed(place: Pool | Connection) -> Sealed | None:
    """The newest checkpoint; None before the first."""
    found = await fetch(place, _LAST)
    return _sealed(found[0][0]) if found else None


async def sealed_at(place: Pool | Connection, size: int) -> Sealed:
    """The checkpoint of *size*. Raises NotInLog."""
    found = await fetch(place, _NOTE, [size])
    if not found:
        raise NotInLog(f"there is no checkpoint of {size}")
    return _sealed(found[0][0])


async def known_keys(place: Pool | Connection) -> list[str]:
    """The verifier keys that ever signed a checkpoint here, the oldest first; whoever trusts nobody compares them."""
    return [str(vkey) for (vkey,) in await fetch(place, _KEYS)]


async def seal(pool: Pool, everybody: Sequence[Signer]) -> Sealed | None:
    """Sign what was added since the last checkpoint; None when nothing was.

    Raises LedgerBroken, and signs nothing, when the log does not go on from the last checkpoint.
    """
    async with transaction(pool) as connection:
        size, last = await size_of(connection), await last_sealed(connection)
        if last is not None:
            before = last.checkpoint
            if size < before.size or (await tree_at(connection, before.size)).root() != before.root:
                raise LedgerBroken(f"the log of {size} does not go on from the checkpoint of {before.size}")
        if size == (last.checkpoint.size if last else 0):
            return None
        new = Checkpoint(everybody[0].origin, size, (await tree_at(connection, size)).root())
        note = sign(new, everybody)
        await fetch(connection, _SEAL, [size, note])
        for one in everybody:
            await fetch(connection, _KEEP_KEY, [str(one.key)])
        return Sealed(new, note)


async def position_of(place: Pool | Connection, event_id: str) -> int:
    """The position of an event. Raises NotInLog."""
    found = await fetch(place, _POSITION, [event_id])
    if not found:
        raise NotInLog(f"there is no event {event_id}")
    return int(found[0][0])


async def prove_inclusion(place: Pool | Connection, position: int, sealed: Sealed) -> bytes:
    """The `.tlog-proof` of the event at *position* against *sealed*. Raises NotInLog for one that is not in it yet."""
    size = sealed.checkpoint.size
    if position > size:
        raise NotInLog(f"the event at {position} is not sealed yet")
    path = await hashes_of(place, inclusion(position - 1, size), size)
    head = [PROOF, f"index {position - 1}", *_lines(path)]
    return "\n".join([*head, "", ""]).encode() + sealed.note


async def prove_consistency(place: Pool | Connection, first: int, sealed: Sealed) -> bytes:
    """That the log of *sealed* begins with that of *first*, as a witness is told (C2SP tlog-witness, add-checkpoint).

    Raises NotInLog for a size beyond it.
    """
    size = sealed.checkpoint.size
    if not 0 < first <= size:
        raise NotInLog(f"{first} is not before {size}")
    path = await hashes_of(place, consistency(first, size), size)
    return "\n".join([f"old {first}", *_lines(path), "", ""]).encode() + sealed.note


def _sealed(note: bytes) -> Sealed:
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return Sealed(parse_checkpoint(text), note)


def _lines(hashes: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]

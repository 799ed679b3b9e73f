"""The Merkle tree of RFC 9162, section 2.1, grown leaf by leaf in tiles of 256 (C2SP tlog-tiles): memory stays flat."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from audit.verify_bundle import TILE, Tree, node_hash, root_of

Place: TypeAlias = tuple[int, int]
"""Level and number of a tile."""
Hashes: TypeAlias = Callable[[Place], Sequence[bytes]]
"""The hashes of a tile, those there are."""
Range: TypeAlias = tuple[int, int]
"""The leaves from a first one to before a last one."""

_HEIGHT: Final = TILE.bit_length() - 1

__all__ = ["Tree", "consistency", "edge", "hash_of", "inclusion", "node_hash", "root_of", "tiles_of"]


def inclusion(index: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that leaf *index* is in the tree of *size*, from its sibling up (2.1.3.1)."""
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency(first: int, second: int) -> list[Range]:
    """The ranges whose hashes prove that the tree of *second* leaves begins with that of *first* (2.1.4.1)."""
    start, end, path = 0, second, []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return ([(start, end)] if start else []) + path[::-1]


def edge(size: int) -> list[Place]:
    """The tiles at the right edge of the tree of *size*, which its root is made of."""
    found, level = [], 0
    while (count := size >> (_HEIGHT * level)) > 0:
        if count % TILE:
            found.append((level, count // TILE))
        level += 1
    return found


def tiles_of(ranges: Iterable[Range]) -> set[Place]:
    """The tiles that hold what the hashes of *ranges* are made of."""
    return {_tile(height, index) for one in ranges for height, index in _perfect(*one)}


def hash_of(part: Range, hashes: Hashes) -> bytes:
    """The hash of the leaves of *part*, which begins where a subtree of its size may begin."""
    found = b""
    for height, index in reversed(_perfect(*part)):
        level, number = _tile(height, index)
        first, count = (index << height % _HEIGHT) % TILE, 1 << height % _HEIGHT
        peak = root_of(hashes((level, number))[first : first + count])
        found = node_hash(peak, found) if found else peak
    return found


def _split(size: int) -> int:
    """The largest power of two below *size*."""
    return 1 << (size - 1).bit_length() - 1


def _perfect(start: int, end: int) -> list[Range]:
    """Height and index of the perfect subtrees that make up the leaves from *start* to before *end*, left to right."""
    found = []
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        found.append((height, start >> height))
        start += 1 << height
    return found


def _tile(height: int, index: int) -> Place:
    return height // _HEIGHT, (index << height % _HEIGHT) // TILE

"""The log against the kept bytes: the tree grown anew from them is the one that was kept, sealed and handed out."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from audit.faults import Fault, Unfit, missing, of_event, of_span
from audit.session import Session
from audit.verify_bundle import TILE, Broken, Checkpoint, Key, Tree, leaf_hash, open_checkpoint, root_of
from store.rebuild import Tell

_EVENTS: Final = """
COPY (SELECT e.position, e.body, l.leaf_hash FROM hashi.events e LEFT JOIN hashi.log_leaves l USING (position)
      ORDER BY e.position) TO STDOUT (FORMAT binary)
"""
_HEAD: Final = "SELECT max(position) FROM hashi.events"
_SEALED: Final = "SELECT max(size) FROM hashi.log_checkpoints"
_LEAVES: Final = "SELECT max(position) FROM hashi.log_leaves"
_FOLLOWED: Final = "SELECT position FROM hashi.checkpoints WHERE follower = 'log_leaves'"
_TILES: Final = "SELECT level, number, hash FROM hashi.log_tiles"
_CHECKPOINTS: Final = "SELECT size, note FROM hashi.log_checkpoints ORDER BY size"
_OFTEN: Final = 2_000
_WHAT: Final = ("the kept bytes and the leaf of the log do not fit", "保存されたバイト列とログの葉が一致しません")


def check_log(session: Session, keys: Sequence[Key], outside: Sequence[bytes], tell: Tell) -> dict[str, int]:
    """Grow the tree from every event and compare leaves, tiles and checkpoints; returns how many there were of each.

    *outside* are checkpoints that somebody kept: they find a database that was put back to an earlier day.
    Raises Unfit at the first thing that does not fit.
    """
    head = session.value(_HEAD)
    leaves = max(session.value(_LEAVES), session.value(_FOLLOWED))
    tiles = {(level, number): tile for level, number, tile in session.asking.execute(_TILES, binary=True)}
    told = {"events": head, "leaves": min(head, leaves), "tiles": len(tiles), "checkpoints": 0}
    tree, sealed = Tree(), 0
    waiting = _checkpoints(session, keys, outside)
    due = next(waiting, None)
    with session.reading.cursor().copy(_EVENTS) as kept:
        kept.set_types(["int8", "bytea", "bytea"])
        add = tree.add
        for size, (position, body, leaf) in enumerate(kept.rows(), 1):
            if position != size:
                raise missing(size)
            found = leaf_hash(body)
            if leaf != found and (leaf is not None or position <= leaves):
                raise of_event("event" if leaf else "leaf", position, body, _WHAT)
            for level, number, hashes in add(found):
                if tiles.pop((level, number), None) != root_of(hashes) and size <= leaves:
                    raise _of_tile(level, number)
            while due is not None and due.size == size:
                if due.root != tree.root():
                    raise of_span("span", sealed, size, _rewritten(sealed, size))
                sealed, told["checkpoints"] = size, told["checkpoints"] + 1
                due = next(waiting, None)
            if size % _OFTEN == 0:
                tell(size, head)
    if due is not None or leaves > head:
        raise of_end(head, max(leaves, due.size if due else 0))
    if tiles:
        raise _of_tile(*min(tiles))
    tell(head, head)
    return {**told, "not_sealed_yet": head - session.value(_SEALED)}


def _checkpoints(session: Session, keys: Sequence[Key], outside: Sequence[bytes]) -> Iterator[Checkpoint]:
    """All checkpoints by size, each signed with one of *keys*, those that were kept elsewhere among them."""
    brought = sorted((opened_outside(note, keys) for note in outside), key=lambda one: one.size)
    yield from heapq.merge(_own(session, keys), brought, key=lambda one: one.size)


def _own(session: Session, keys: Sequence[Key]) -> Iterable[Checkpoint]:
    with session.asking.cursor("checkpoints") as rows:
        rows.itersize = _OFTEN
        for size, note in rows.execute(_CHECKPOINTS):
            yield _opened(bytes(note), keys, size)


def opened_outside(note: bytes, keys: Sequence[Key]) -> Checkpoint:
    """The checkpoint that somebody kept as *note*. Raises Unfit."""
    return _opened(note, keys, None)


def _opened(note: bytes, keys: Sequence[Key], size: int | None) -> Checkpoint:
    which = f"checkpoint {size}" if size is not None else "a checkpoint from outside"
    try:
        found = open_checkpoint(note, keys)
    except Broken as error:
        raise Unfit(Fault("checkpoint", f"{which}: {error.en}", f"{which}: {error.ja}", until=size)) from error
    if size not in (None, found.size):
        en, ja = f"{which} is one of {found.size}", f"{which}: サイズが {found.size} です"
        raise Unfit(Fault("checkpoint", en, ja, until=size))
    if found.size == 0:
        raise Unfit(Fault("checkpoint", f"{which} is of an empty log", f"{which}: 空のログです", until=size))
    return found


def _rewritten(after: int, until: int) -> tuple[str, str]:
    return (
        f"rewritten after the checkpoint of {until} was signed; the one of {after} still fits",
        f"サイズ {until} の署名後に書き換えられています(サイズ {after} までは一致)",
    )


def of_end(head: int, known: int) -> Unfit:
    """The events end at *head*, before a position that was *known*."""
    en = f"the events end at {head}, but the log knew {known}: they were cut off, or an older copy was put back"
    ja = f"イベントは {head} で終わりますが、ログは {known} まで記録しています(切り捨て、または古い複製の復元)"
    return Unfit(Fault("missing", en, ja, position=head + 1, after=head, until=known))


def _of_tile(level: int, number: int) -> Unfit:
    width = TILE ** (level + 1)
    why = (f"tile {level}/{number} does not fit the events", f"タイル {level}/{number} がイベントと一致しません")
    return of_span("tile", number * width, (number + 1) * width, why)

"""`hashi audit verify`: everything that is kept against the kept bytes and the signed checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.faults import Fault, Unfit, of_event, of_span
from audit.log import hashes_of, last_sealed, prove_inclusion
from audit.session import session
from audit.tree import consistency
from audit.verify_bundle import (
    Broken,
    Checkpoint,
    Key,
    open_checkpoint,
    parse_proof,
    verify_consistency,
    verify_proof,
)
from audit.verify_log import check_log, of_end, opened_outside
from audit.verify_rows import check_rows
from store.follow import LedgerBroken
from store.pool import Pool, fetch
from store.rebuild import Tell

_OF_STREAM = "SELECT position, body FROM hashi.events WHERE stream = %s ORDER BY version"


@dataclass(frozen=True)
class Trusted:
    """What whoever verifies has from elsewhere: keys of the log, and checkpoints that were handed out."""

    keys: Sequence[Key]
    checkpoints: Sequence[bytes] = ()


def verify(url: str, trusted: Trusted, tell_log: Tell, tell_rows: Tell) -> dict[str, int]:
    """Verify the database at *url*, all of one moment; returns what was looked at.

    Raises Unfit with the first fault, StoreUnreachable.
    """
    with session(url) as opened:
        return check_log(opened, trusted.keys, trusted.checkpoints, tell_log) | check_rows(opened, None, tell_rows)


async def verify_case(pool: Pool, stream: str, trusted: Trusted) -> dict[str, int]:
    """Prove every sealed event of *stream* against the newest checkpoint; returns what was looked at. Raises Unfit."""
    sealed = await last_sealed(pool)
    try:
        head = open_checkpoint(sealed.note, trusted.keys) if sealed else None
    except Broken as error:
        raise Unfit(Fault("checkpoint", f"the newest checkpoint: {error.en}", error.ja)) from error
    told = {"events": 0, "proofs": 0, "not_sealed_yet": 0, "checkpoints": 0 if head is None else 1}
    for note in trusted.checkpoints:
        await _require_follows(pool, head, opened_outside(note, trusted.keys))
        told["checkpoints"] += 1
    for position, body in await fetch(pool, _OF_STREAM, [stream]):
        told["events"] += 1
        if sealed is None or head is None or position > head.size:
            told["not_sealed_yet"] += 1
            continue
        try:
            proof = parse_proof(await prove_inclusion(pool, position, sealed))
            verify_proof(proof, body, head)
        except (Broken, LedgerBroken) as error:
            why = ("it is not in the log as it was sealed", "封印されたログと一致しません")
            raise of_event("event", position, body, why) from error
        told["proofs"] += 1
    return told


async def _require_follows(pool: Pool, head: Checkpoint | None, kept: Checkpoint) -> None:
    """The log of *head* goes on from that of *kept*. Raises Unfit."""
    size = head.size if head else 0
    if head is None or kept.size > size:
        raise of_end(size, kept.size)
    try:
        path = await hashes_of(pool, consistency(kept.size, size), size)
        verify_consistency(kept.size, size, (kept.root, head.root), path)
    except (Broken, LedgerBroken) as error:
        raise of_span("span", 0, size, (str(error), "以前のチェックポイントの続きではありません")) from error


def verify_rows_of(url: str, stream: str, tell: Tell) -> dict[str, int]:
    """The rows of one *stream* against its events. Raises Unfit, StoreUnreachable."""
    with session(url) as opened:
        return check_rows(opened, stream, tell)

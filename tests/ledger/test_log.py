"""The log behind the events: leaves, tiles and checkpoints grow with them, and everything in it can be proved."""

import asyncio
import base64
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from ledger_notes import new_stream, notes

from audit.log import (
    LOG,
    NotInLog,
    known_keys,
    last_sealed,
    position_of,
    prove_consistency,
    prove_inclusion,
    seal,
    sealed_at,
    size_of,
)
from audit.signing import signers, signers_of
from audit.verify_bundle import (
    Tree,
    leaf_hash,
    open_checkpoint,
    parse_proof,
    verify_consistency,
    verify_proof,
)
from store.connect import Store
from store.follow import Follower, LedgerBroken
from store.pool import fetch
from workers.relay import end, relay_for_ever

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
SIGNERS = signers("hashi/test", [b"s" * 32])
KEYS = [one.key for one in SIGNERS]


async def grown(store: Store, count: int, size: int = LOG.size) -> None:
    """Append *count* events and let the log follow, in batches of *size*."""
    for start in range(0, count, 100):
        await store.ledger.append(notes(new_stream(), 0, "c1", min(100, count - start)))
    await store.following.catch_up(Follower(LOG.name, LOG.handle, size))


async def root(store: Store, size: int) -> bytes:
    """The root of the first *size* events, out of the kept bytes alone."""
    tree = Tree()
    for _, body in await store.ledger.bodies(0, size):
        tree.add(leaf_hash(body))
    return tree.root()


async def test_every_checkpoint_signs_the_root_of_the_kept_bytes(store: Store) -> None:
    assert await seal(store.pool, SIGNERS) is None
    for count, size in ((1, 500), (254, 7), (1, 500), (1, 500), (300, 33), (1, 500)):
        await grown(store, count, size)
        sealed = await seal(store.pool, SIGNERS)
        assert sealed is not None
        assert open_checkpoint(sealed.note, KEYS) == sealed.checkpoint
        assert sealed.checkpoint.size == await size_of(store.pool) == await store.following.head()
        assert sealed.checkpoint.root == await root(store, sealed.checkpoint.size)
        assert await seal(store.pool, SIGNERS) is None
        assert await last_sealed(store.pool) == sealed == await sealed_at(store.pool, sealed.checkpoint.size)


async def test_every_event_is_proved_and_every_checkpoint_follows_the_earlier_ones(store: Store) -> None:
    sealed = await last_sealed(store.pool)
    assert sealed is not None
    bodies = await store.ledger.bodies(0, 10_000)
    for position, body in bodies:
        proof = parse_proof(await prove_inclusion(store.pool, position, sealed))
        assert proof.leaf_index == position - 1
        verify_proof(proof, body, open_checkpoint(proof.note, KEYS))
    for size in (1, 255, 256, 257, 557):
        told = await prove_consistency(store.pool, size, sealed)
        head, _, note = told.partition(b"\n\n")
        first, *path = head.decode().split("\n")
        assert (first, note) == (f"old {size}", sealed.note)
        older = (await sealed_at(store.pool, size)).checkpoint.root
        hashes = [base64.b64decode(line) for line in path]
        verify_consistency(size, sealed.checkpoint.size, (older, sealed.checkpoint.root), hashes)


async def test_what_is_not_in_the_log_is_not_proved(store: Store) -> None:
    sealed = await last_sealed(store.pool)
    assert sealed is not None
    with pytest.raises(NotInLog, match="not sealed yet"):
        await prove_inclusion(store.pool, sealed.checkpoint.size + 1, sealed)
    with pytest.raises(NotInLog):
        await prove_consistency(store.pool, sealed.checkpoint.size + 1, sealed)
    with pytest.raises(NotInLog):
        await sealed_at(store.pool, 3)
    with pytest.raises(NotInLog):
        await position_of(store.pool, "01890000-0000-7000-8000-000000000000")


async def test_a_new_key_signs_beside_the_old_one_and_both_are_known(store: Store) -> None:
    await grown(store, 3)
    rotated = [*signers("hashi/test", [b"r" * 32]), *SIGNERS]
    sealed = await seal(store.pool, rotated)
    assert sealed is not None
    assert open_checkpoint(sealed.note, KEYS) == open_checkpoint(sealed.note, [rotated[0].key])
    assert set(await known_keys(store.pool)) == {str(one.key) for one in rotated}


async def test_a_relay_seals_by_itself_what_is_appended(store: Store, url: str) -> None:
    going = asyncio.ensure_future(relay_for_ever(url, store, everybody=[LOG]))
    try:
        await store.ledger.append(notes(new_stream(), 0, "c1", 5))
        head = await store.following.head()
        async with asyncio.timeout(60):
            while (found := await last_sealed(store.pool)) is None or found.checkpoint.size < head:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert open_checkpoint(found.note, [one.key for one in signers_of(store.seals)]).size == head
    finally:
        await end(going)


async def test_nothing_is_signed_that_does_not_go_on_from_the_last_checkpoint(
    store: Store, as_owner: Run, url: str
) -> None:
    await grown(store, 5)
    await seal(store.pool, SIGNERS)
    await grown(store, 1)
    size = await size_of(store.pool)
    place = f"WHERE position = {size - 2}"
    [(before,)] = await as_owner(url, f"SELECT encode(leaf_hash, 'hex') FROM hashi.log_leaves {place}")
    for damage in (
        f"UPDATE hashi.log_leaves SET leaf_hash = sha256('x') {place}",
        f"UPDATE hashi.log_leaves SET leaf_hash = decode('{before}', 'hex') {place}",
        f"DELETE FROM hashi.log_leaves WHERE position > {size - 3}",
    ):
        await as_owner(url, damage)
        if before in damage:
            assert await seal(store.pool, SIGNERS) is not None
            continue
        with pytest.raises(LedgerBroken, match="does not go on"):
            await seal(store.pool, SIGNERS)


async def test_the_application_may_not_change_what_was_sealed(store: Store) -> None:
    for table in ("log_leaves", "log_tiles", "log_checkpoints", "log_keys"):
        for statement in (f"DELETE FROM hashi.{table}", f"TRUNCATE hashi.{table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await fetch(store.pool, statement.encode())

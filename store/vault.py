"""The data keys of cases and documents: made with the first use, wrapped by the master key, destroyed on erasure."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.streams import CASE
from store.pool import Pool, fetch
from store.sealing import Seals
from store.veil import NO_VEIL, Veil

_MEMORY: Final = 60.0
"""Seconds for which a process remembers a key: so long may one that is destroyed be of use elsewhere."""
_REMEMBERED: Final = 20_000
_KEYS: Final = """
SELECT subject, key_id, wrapped FROM hashi.subject_keys WHERE subject = ANY(%s) ORDER BY subject, number
"""
_MAKE: Final = """
WITH made AS (
    INSERT INTO hashi.subject_keys (subject, number, key_id, wrapped)
    SELECT %(subject)s, count(*) + 1, %(subject)s || '#' || (count(*) + 1), %(wrapped)s
    FROM hashi.subject_keys WHERE subject = %(subject)s
    HAVING count(*) FILTER (WHERE wrapped IS NOT NULL) = 0
    ON CONFLICT DO NOTHING RETURNING subject, key_id, wrapped, number
)
SELECT subject, key_id, wrapped FROM (
    SELECT subject, key_id, wrapped, number FROM hashi.subject_keys WHERE subject = %(subject)s
    UNION ALL SELECT * FROM made
) AS held ORDER BY number
"""
_DESTROY: Final = """
UPDATE hashi.subject_keys SET wrapped = NULL, destroyed_at = hashi.now()
WHERE subject = %s AND wrapped IS NOT NULL RETURNING key_id
"""


class Vault:
    """Keeps data keys. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals) -> None:
        self._pool = pool
        self._seals = seals
        self._known: dict[str, tuple[float, Veil]] = {}
        self._making: dict[str, asyncio.Future[Veil]] = {}

    async def writing(self, stream: str) -> Veil:
        """The veil for what is written to *stream* now; a case gets its key with its first event."""
        if not _has_secrets(stream):
            return NO_VEIL
        known = self._remembered(stream)
        if known is not None:
            return known
        making = self._making.get(stream)
        if making is None:  # all who write at once wait for one key, and go on in the order in which they came
            making = self._making[stream] = asyncio.ensure_future(self._made(stream))
            making.add_done_callback(lambda _: self._making.pop(stream, None))
        return await asyncio.shield(making)

    async def _made(self, stream: str) -> Veil:
        """The keys of *stream* with one to write under, in one journey: nobody waits longer for their first event."""
        veil = NO_VEIL
        while veil.newest is None:  # again only where another process makes one at this moment
            wrapped = self._seals.seal(AESGCM.generate_key(256), stream)
            kept = await fetch(self._pool, _MAKE, {"subject": stream, "wrapped": wrapped})
            veil = self._remember([stream], kept)[stream]
        return veil

    async def reading(self, streams: Iterable[str]) -> dict[str, Veil]:
        """The veils of *streams*, each with the keys that are not destroyed. Raises KeyMissing for a master key."""
        wanted = set(streams)
        found = {one: NO_VEIL for one in wanted if not _has_secrets(one)}
        for one in wanted - found.keys():
            if (veil := self._remembered(one)) is not None:
                found[one] = veil
        missing = wanted - found.keys()
        return found | (await self._load(missing) if missing else {})

    def forget(self, stream: str) -> None:
        """Ask the database for the keys of *stream* when they are needed again."""
        self._known.pop(stream, None)

    async def destroy(self, subject: str) -> int:
        """Destroy the keys of *subject*; returns how many there were. Other processes forget them within 60 s."""
        self._known.pop(subject, None)
        return len(await fetch(self._pool, _DESTROY, [subject]))

    def _remembered(self, stream: str) -> Veil | None:
        until, veil = self._known.get(stream, (0.0, NO_VEIL))
        return veil if asyncio.get_running_loop().time() < until else None

    async def _load(self, streams: Iterable[str]) -> dict[str, Veil]:
        subjects = sorted(streams)
        return self._remember(subjects, await fetch(self._pool, _KEYS, [subjects]))

    def _remember(self, subjects: Iterable[str], kept: Iterable[tuple[Any, ...]]) -> dict[str, Veil]:
        """The veils of *subjects* out of the rows *kept*, those that are destroyed left out."""
        keys: dict[str, dict[str, AESGCM]] = {one: {} for one in subjects}
        destroyed: dict[str, set[str]] = {one: set() for one in subjects}
        for subject, key_id, wrapped in kept:
            if wrapped is None:
                destroyed[subject].add(key_id)
            else:
                keys[subject][key_id] = AESGCM(self._seals.unseal(wrapped, subject))
        found = {
            one: Veil(known, next(reversed(known), None), frozenset(destroyed[one])) for one, known in keys.items()
        }
        until = asyncio.get_running_loop().time() + _MEMORY
        if len(self._known) + len(found) > _REMEMBERED:
            self._known.clear()
        self._known |= {one: (until, veil) for one, veil in found.items() if veil.newest}
        return found


def _has_secrets(stream: str) -> bool:
    return stream.startswith((f"{CASE}-", "document-", "upload-"))

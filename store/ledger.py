"""The ledger of events: append under one lock in groups, read by stream, follow by position (`hashi.append`)."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias, assert_never

from domain.envelope import Event
from store.append import Append, Appended, AppendRefused, Conflict, Duplicate, NaturalKey, Outcome, ReferenceTaken
from store.codec import EventTypes, decode, encode
from store.committer import Committer
from store.entries import EntryRow
from store.overview import Overview
from store.pool import Pool, Seen, connected, fetch
from store.vault import Vault
from store.veil import NO_VEIL, SEALED_BY, Veil

__all__ = [
    "Append",
    "AppendRefused",
    "Appended",
    "Conflict",
    "Duplicate",
    "Ledger",
    "NaturalKey",
    "Outcome",
    "ReferenceTaken",
]

_APPEND: Final = "SELECT * FROM hashi.append(%b::text::jsonb, %b::bytea[])"
_READ: Final = "SELECT body FROM hashi.events WHERE stream = %s AND version > %s AND version <= %s ORDER BY version"
_POSITIONS: Final = "SELECT version, position FROM hashi.events WHERE stream = %s"
_HEAD: Final = "SELECT coalesce(max(version), 0) FROM hashi.events WHERE stream = %s"
_KNOWN: Final = """
SELECT coalesce(min(version) FILTER (WHERE recorded_at > %s) - 1, max(version), 0) FROM hashi.events WHERE stream = %s
"""
_BEGUN: Final = "SELECT stream FROM hashi.events WHERE version = 1 AND stream = ANY(%s)"
_FOLLOW: Final = "SELECT position, body FROM hashi.events WHERE position > %s ORDER BY position LIMIT %s"
_FOLLOW_OPEN: Final = "SELECT position, stream, body FROM hashi.events WHERE position > %s ORDER BY position LIMIT %s"
_RESTATE: Final = "SELECT hashi.restate(%s, %s, %s::jsonb)"
_NO_END: Final = 2**31 - 1
_ATTEMPT: Final = 1.0
"""Seconds one attempt of a group waits for a connection before the next."""


_Wanted: TypeAlias = tuple[Append, list[bytes]]


class Ledger:
    """Appends and reads events. Every method raises StoreUnreachable when the database is away for PATIENCE seconds."""

    def __init__(self, pool: Pool, event_types: EventTypes, vault: Vault) -> None:
        self._pool = pool
        self._seen = Seen(pool)
        self._vault = vault
        self._covering = 0
        """How many appends wait for the key of their case."""
        self._event_types = event_types
        self._committer = Committer[_Wanted, Outcome | AppendRefused](self._send, lambda wanted: wanted[0].stream)

    async def append(self, wanted: Append) -> Outcome:
        """Add the events of *wanted*; the same command twice counts once.

        Raises NotCanonical for an event without canonical form, AppendRefused for a time off the clock (take a fresh
        time and decide again), and StoreUnreachable with the outcome unknown: send the same again.
        """
        outcome = await self._committer.submit((wanted, await self._covered(wanted)))
        if isinstance(outcome, AppendRefused):
            raise outcome
        return outcome

    async def _covered(self, wanted: Append) -> list[bytes]:
        """The kept bytes of the events of *wanted*, their secrets sealed."""
        self._covering += 1
        try:
            veil = await self._vault.writing(wanted.stream)
        finally:
            self._covering -= 1
        return [encode(event, veil) for event in wanted.events]

    async def restate(self, stream: str, version: int, overview: Overview | EntryRow) -> bool:
        """Write the row of a case or entry without an event; False, nothing written, when *stream* left *version*."""
        [(written,)] = await fetch(self._pool, _RESTATE, [stream, version, overview.model_dump_json()])
        return bool(written)

    async def read(self, stream: str, after: int = 0, up_to: int | None = None) -> list[Event]:
        """The events of *stream* above version *after*, up to and with *up_to*, in order.

        Raises UnknownEvent, KeyMissing.
        """
        return list(await self.each(stream, after, up_to))

    async def each(self, stream: str, after: int = 0, up_to: int | None = None) -> Iterator[Event]:
        """As `read`, but each event is opened when it is its turn: who folds a long stream does not hold it whole."""
        found = await fetch(self._seen, _READ, [stream, after, _NO_END if up_to is None else up_to])
        veil = await self._veil(stream, [body for (body,) in found])
        return (decode(body, self._event_types, veil=veil) for (body,) in found)

    async def _veil(self, stream: str, bodies: Sequence[bytes]) -> Veil:
        """The keys of *stream*, looked up again where another process may have made one since."""
        if not bodies:
            return NO_VEIL
        veil = (await self._vault.reading([stream]))[stream]
        if veil.knows_key_of(next((one for one in reversed(bodies) if SEALED_BY.encode() in one), b"")):
            return veil
        self._vault.forget(stream)
        return (await self._vault.reading([stream]))[stream]

    async def positions(self, stream: str) -> dict[int, int]:
        """The global position of each event of *stream*, by version."""
        return dict(await fetch(self._seen, _POSITIONS, [stream]))

    async def head(self, stream: str) -> int:
        """The version of the last event of *stream*, 0 when it has none."""
        [(version,)] = await fetch(self._seen, _HEAD, [stream])
        return int(version)

    async def known(self, stream: str, moment: datetime) -> int:
        """The version up to which *stream* was on record at *moment*, 0 before its first event."""
        [(version,)] = await fetch(self._seen, _KNOWN, [moment, stream])
        return int(version)

    async def begun(self, streams: Sequence[str]) -> set[str]:
        """Those of *streams* that have events."""
        return {stream for (stream,) in await fetch(self._pool, _BEGUN, [list(streams)])}

    async def read_all(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """At most *limit* events above position *after*, with their positions, in order. Raises UnknownEvent."""
        found = await fetch(self._seen, _FOLLOW_OPEN, [after, limit])
        veils = await self._vault.reading({stream for _, stream, _ in found})
        return [(position, decode(body, self._event_types, veil=veils[stream])) for position, stream, body in found]

    async def bodies(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """As `read_all`, but the kept bytes as they are. A position that is missing in the middle is a loss."""
        return [(position, body) for position, body in await fetch(self._seen, _FOLLOW, [after, limit])]

    async def close(self) -> None:
        """Take no more appends and wait for those under way, at most PATIENCE seconds."""
        while self._covering:  # noqa: ASYNC110 - seldom, and over as soon as the key is there
            await asyncio.sleep(0.005)
        await self._committer.close()

    async def _send(self, group: Sequence[_Wanted]) -> list[Outcome | AppendRefused]:
        async with connected(self._pool, _ATTEMPT) as connection:
            cursor = await connection.execute(_APPEND, _batch(group))
            return [_outcome(*row) for row in await cursor.fetchall()]


def _batch(group: Sequence[_Wanted]) -> tuple[str, list[bytes]]:
    items = ",".join([_item(append, len(bodies)) for append, bodies in group])
    return f"[{items}]", [body for _, bodies in group for body in bodies]


def _item(wanted: Append, count: int) -> str:
    """What is known of one append, as JSON; an overview is JSON already."""
    known = {"stream": wanted.stream, "expected": wanted.expected_version, "command": wanted.command_id, "count": count}
    if wanted.referral is not None:
        known["referral"] = {**vars(wanted.referral), "fingerprint": wanted.referral.fingerprint.hex()}
    told = json.dumps(known)
    return told if wanted.overview is None else f'{told[:-1]},"overview":{wanted.overview.model_dump_json()}}}'


def _outcome(
    outcome: Literal["appended", "duplicate", "conflict", "reference_taken", "clock", "disorder"],
    first_version: int,
    last_version: int,
    last_position: int,
    other: str,
) -> Outcome | AppendRefused:
    match outcome:
        case "appended":
            return Appended(first_version, last_version, last_position)
        case "duplicate":
            return Duplicate(first_version, last_version)
        case "conflict":
            return Conflict(last_version)
        case "reference_taken":
            return ReferenceTaken(other)
        case "clock" | "disorder":
            return AppendRefused(outcome)
    assert_never(outcome)

"""Feeds of lenders: the events that a company's consent opened to a lender, under dense numbers of the lender's own.

The relay gives a number once, when an event becomes permitted; whether it may still be read is asked at every reading,
in the same snapshot. So nothing is missed, and what is withdrawn stays as a number without content.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from pydantic import TypeAdapter

from domain.cloud_events import Reader, cloud_event, sequence
from domain.envelope import Event, Organization
from domain.lending import LENDERS, Grant, fed_view, granted, grants_of, is_fed
from domain.state import Case
from domain.streams import CASE, evolve
from domain.terms import Role
from store.cases import Cases
from store.codec import EventTypes, decode
from store.desk import stream_of
from store.follow import Batch, Follower, KeptBytes
from store.ledger import Ledger
from store.pool import Connection, Pool, Seen, fetch, reading_as
from store.vault import Vault

_LENDERS: Final = """
SELECT row_to_json(o), EXISTS (SELECT FROM hashi.feed_lenders WHERE lender_id = o.org_id)
FROM hashi.organizations o WHERE kind = ANY(%s) AND successor_id IS NULL ORDER BY org_id
"""
_MEET: Final = "INSERT INTO hashi.feed_lenders SELECT unnest(%s::text[]), %s"
_REACH: Final = "SELECT lender_id, case_id, version FROM hashi.feed_reach WHERE case_id = ANY(%s)"
_HAVE_REACHED: Final = """
INSERT INTO hashi.feed_reach SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])
ON CONFLICT (lender_id, case_id) DO UPDATE SET version = excluded.version
"""
_ADD: Final = """
INSERT INTO hashi.feed (lender_id, number, position, case_id)
SELECT lender_id, coalesce((SELECT max(number) FROM hashi.feed AS had WHERE had.lender_id = new.lender_id), 0)
       + row_number() OVER (PARTITION BY lender_id ORDER BY n), position, case_id
FROM unnest(%s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY AS new (lender_id, position, case_id, n)
"""
_TELL: Final = "SELECT pg_notify('hashi_feed', lender_id) FROM unnest(%s::text[]) AS told (lender_id)"
_LENDING: Final = """
SELECT o.case_id, (SELECT max(version) FROM hashi.events WHERE stream = 'case-' || o.case_id AND position < %s)
FROM hashi.case_overview AS o WHERE o.lending <> '[]' ORDER BY o.case_id
"""
_READ: Final = """
SELECT f.number, f.case_id, e.body, o.lending, o.disposition IS NOT DISTINCT FROM 'merged', hashi.now()
FROM hashi.feed AS f JOIN hashi.events AS e USING (position) JOIN hashi.case_overview AS o USING (case_id)
"""
_AFTER: Final = _READ + "WHERE f.lender_id = %s AND f.number > %s AND f.number <= %s ORDER BY f.number"
_ONE: Final = _READ + "WHERE f.lender_id = %s AND e.event_id = %s"
_UP_TO: Final = """
SELECT coalesce(max(number), 0)
FROM (SELECT number FROM hashi.feed WHERE lender_id = %s AND number > %s ORDER BY number LIMIT %s) AS next
"""
_GRANTS: Final = TypeAdapter(tuple[Grant, ...])


@dataclass(frozen=True)
class Fed:
    """One number of a lender's feed."""

    number: int
    case_id: str
    event: Event | None
    """None: withheld, since the company's consent no longer covers it."""
    classes: frozenset[str]
    """The classes of data that the lender may have."""
    now: datetime
    """When it was read."""


class Feeds:
    """Reads feeds. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, vault: Vault, cases: Cases, event_types: EventTypes) -> None:
        self._pool = pool
        self._seen = Seen(pool)
        self._vault = vault
        self._cases = cases
        self._event_types = event_types

    async def read(self, lender: Organization, after: int, limit: int) -> list[Fed]:
        """At most *limit* entries of the feed of *lender* above the number *after*, as they may be read now."""
        up_to = await self._up_to(lender, after, limit)
        return await self._fed(lender, _AFTER, [lender.org_id, after, up_to]) if up_to else []

    async def one(self, lender: Organization, event_id: str) -> Fed | None:
        """The entry of *event_id*; None where the feed of *lender* has none."""
        found = await self._fed(lender, _ONE, [lender.org_id, event_id])
        return found[0] if found and await self._up_to(lender, found[0].number - 1, 1) else None

    async def told(self, lender: Organization, one: Fed) -> dict[str, Any]:
        """*one* as the CloudEvent that *lender* sees, or that it is withheld."""
        if one.event is None:
            return {"sequence": sequence(one.number), "withheld": True}
        is_filing = one.event.type == "PatentApplicationFiled"
        with reading_as(None):  # whether it is laid open, the case says, which is not the lender's to read
            case = await self._cases.today(one.case_id) if is_filing else None
        data = fed_view(one.event, lender.org_id, one.classes, one.now, case)
        return cloud_event(one.number, one.event, data, Reader(Role.lender_officer, lender.org_id, one.case_id))

    async def _up_to(self, lender: Organization, after: int, limit: int) -> int:
        """The last of the next *limit* numbers above *after*; 0 where the reader is shown none."""
        [(number,)] = await fetch(self._seen, _UP_TO, [lender.org_id, after, limit])
        return int(number)

    async def _fed(self, lender: Organization, query: LiteralString, parameters: Sequence[object]) -> list[Fed]:
        """What *query* finds in the feed of *lender*, who was shown its numbers; consents say how much of it."""
        with reading_as(None):
            return await self._covered(lender, await fetch(self._pool, query, parameters))

    async def _covered(self, lender: Organization, found: Sequence[Any]) -> list[Fed]:
        veils = await self._vault.reading({stream_of(row[1]) for row in found})
        allowed: dict[str, frozenset[str] | None] = {}
        fed = []
        for number, case_id, body, lending, is_merged, now in found:
            if case_id not in allowed:
                grants = await self._later(case_id) if is_merged else _GRANTS.validate_python(lending or ())
                allowed[case_id] = granted(grants, lender, now)
            classes = allowed[case_id]
            kept = None
            if classes is not None:
                kept = decode(body, self._event_types, veil=veils[stream_of(case_id)])
            fed.append(Fed(number, case_id, kept, classes or frozenset(), now))
        return fed

    async def _later(self, case_id: str) -> tuple[Grant, ...]:
        """What lenders may learn of a merged case: what the consents of the surviving one let them."""
        case = await self._cases.today(case_id)
        while case is not None and case.merged_into is not None:
            case = await self._cases.today(case.merged_into)
        return grants_of(case) if case else ()


def feeding(ledger: Ledger) -> Follower:
    """The follower that gives the numbers."""
    return Follower("feed", _Feeder(ledger).handle)


class _Feeder:
    """Looks at each event of a case with the consents that were in force when it was recorded."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._cases = Cases(ledger)  # its own, since it must stand where this follower stands

    async def handle(self, connection: Connection, batch: Batch) -> None:
        """Give numbers to what *batch* brings to each lender."""
        kinds = [kind.value for kind in sorted(LENDERS)]
        known = [(Organization(**row), is_met) for row, is_met in await fetch(connection, _LENDERS, [kinds])]
        cases: dict[str, list[KeptBytes]] = {}
        for one in batch.kept:
            if one.stream.startswith(f"{CASE}-"):
                cases.setdefault(one.stream.removeprefix(f"{CASE}-"), []).append(one)
        strangers = [one for one, is_met in known if not is_met]
        found = await fetch(connection, _LENDING, [batch.kept[0].position]) if strangers else []
        open_to: dict[str, int | None] = dict(found)
        reach = await fetch(connection, _REACH, [[*cases, *open_to]])
        adding = _Adding(self._ledger, {(lender, case): version for lender, case, version in reach})
        for case_id, version in open_to.items():
            if version:
                await self._greet(adding, case_id, version, strangers)
        for case_id, kept in cases.items():
            await self._look(adding, case_id, kept, [one for one, _ in known])
        await adding.write(connection)
        if strangers:
            await fetch(connection, _MEET, [[one.org_id for one in strangers], batch.kept[0].position])

    async def _greet(self, adding: "_Adding", case_id: str, version: int, strangers: Sequence[Organization]) -> None:
        """Give *strangers* what was permitted to them before they were known."""
        case = await self._cases.at(case_id, version)
        assert case is not None
        for lender in strangers:
            if granted(grants_of(case), lender, case.updated_at) is not None:
                await adding.up_to(lender.org_id, case_id, version, 0)

    async def _look(
        self, adding: "_Adding", case_id: str, kept: Sequence[KeptBytes], lenders: Sequence[Organization]
    ) -> None:
        stream, before = stream_of(case_id), kept[0].version - 1
        state: Any = await self._cases.state(stream, before)
        for one, event in zip(kept, await self._ledger.read(stream, before, kept[-1].version), strict=True):
            state = evolve(state, event)
            assert isinstance(state, Case)
            grants = grants_of(state)
            for lender in lenders if grants else ():
                if granted(grants, lender, event.recorded_at) is not None:
                    await adding.one(lender.org_id, case_id, event, one.position)
        self._cases.keep(stream, state)


class _Adding:
    """What goes into the feeds with one batch."""

    def __init__(self, ledger: Ledger, reach: dict[tuple[str, str], int]) -> None:
        self._ledger = ledger
        self._reach = reach
        self._moved: dict[tuple[str, str], int] = {}
        self._found: list[tuple[int, int, str, int, str]] = []
        self._histories: dict[str, tuple[list[Event], dict[int, int]]] = {}

    async def one(self, lender_id: str, case_id: str, event: Event, position: int) -> None:
        """Take *event*, and before it what *lender_id* has not had of the case."""
        await self.up_to(lender_id, case_id, event.version - 1, position)
        if self._reach.get((lender_id, case_id), 0) < event.version:
            self._take(lender_id, case_id, event, position, position)
            self._reach[lender_id, case_id] = self._moved[lender_id, case_id] = event.version

    async def up_to(self, lender_id: str, case_id: str, version: int, at: int) -> None:
        """Take what *lender_id* has not had of the case, up to *version*; it comes to the feed with position *at*."""
        had = self._reach.get((lender_id, case_id), 0)
        if had >= version:
            return
        if case_id not in self._histories:
            stream = stream_of(case_id)
            self._histories[case_id] = await self._ledger.read(stream), await self._ledger.positions(stream)
        events, positions = self._histories[case_id]
        for event in events[had:version]:
            self._take(lender_id, case_id, event, positions[event.version], at)
        self._reach[lender_id, case_id] = self._moved[lender_id, case_id] = version

    def _take(self, lender_id: str, case_id: str, event: Event, position: int, at: int) -> None:
        if is_fed(event, lender_id):
            self._found.append((at, event.version, lender_id, position, case_id))

    async def write(self, connection: Connection) -> None:
        """Give the numbers, in the order in which the batch opened the events."""
        if self._moved:
            lenders, case_ids = zip(*self._moved, strict=True)
            await fetch(connection, _HAVE_REACHED, [list(lenders), list(case_ids), list(self._moved.values())])
        if self._found:
            rows = [(lender, position, case) for _, _, lender, position, case in sorted(self._found)]
            await fetch(connection, _ADD, [list(column) for column in zip(*rows, strict=True)])
            await fetch(connection, _TELL, [sorted({lender for lender, _, _ in rows})])

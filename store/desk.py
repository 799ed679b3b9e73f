"""The gateway's and the activities' desk: what one command needs to know or to leave, a round trip each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg.types.json import Jsonb

from domain.envelope import Actor, Directory
from store.pool import Pool, Seen, fetch
from store.sealing import Seals

_BRIEFING: Final = """
SELECT hashi.now(),
    (SELECT coalesce(max(version), 0) FROM hashi.events WHERE stream = %(stream)s),
    (SELECT coalesce(json_agg(json_build_array(event_id, convert_from(body, 'UTF8')::jsonb ->> 'type', version)
                              ORDER BY version), '[]')
     FROM hashi.events WHERE stream = %(stream)s AND command_id = %(command_id)s),
    (SELECT coalesce(json_object_agg(org_id, row_to_json(o)), '{}')
     FROM hashi.organizations o WHERE org_id = ANY(%(ids)s) OR corporate_number = ANY(%(ids)s)
        OR org_id IN (SELECT org_id FROM hashi.people WHERE person_id = ANY(%(ids)s))
        OR org_id IN (SELECT successor_id FROM hashi.organizations WHERE org_id = ANY(%(ids)s))),
    (SELECT coalesce(json_object_agg(person_id, row_to_json(p)), '{}')
     FROM hashi.people p WHERE person_id = ANY(%(ids)s)),
    (SELECT coalesce(json_object_agg(document_id, sha256), '{}')
     FROM hashi.documents WHERE document_id = ANY(%(ids)s)),
    EXISTS (SELECT FROM hashi.refusals WHERE command_id = %(command_id)s)
"""
_STANDING: Final = "SELECT hashi.now(), (SELECT coalesce(max(version), 0) FROM hashi.events WHERE stream = %s)"
_SEAL: Final = """
INSERT INTO hashi.commands (command_id, case_id, name, org_id, sealed_body, fingerprint)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (command_id) DO NOTHING RETURNING command_id
"""
_SEALED: Final = "SELECT case_id, name, org_id, fingerprint FROM hashi.commands WHERE command_id = %s"
_UNSEAL: Final = "SELECT sealed_body FROM hashi.commands WHERE command_id = %s"
_REFUSE: Final = """
INSERT INTO hashi.refusals (command_id, case_id, name, role, org_id, code, problem, fingerprint)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (command_id) DO NOTHING
"""
_REFUSED: Final = """
SELECT case_id, name, role, org_id, code, problem, fingerprint, refused_at FROM hashi.refusals WHERE command_id = %s
"""
_REFERRAL: Final = "SELECT case_id, fingerprint FROM hashi.referrals WHERE bank_id = %s AND bank_reference = %s"
_REFERRALS: Final = """
SELECT bank_reference, fingerprint FROM hashi.referrals WHERE bank_id = %s AND bank_reference = ANY(%s)
"""
_NUMBER: Final = "SELECT nextval('hashi.case_numbers')"


_LOG_READ: Final = """
INSERT INTO hashi.reads (role, org_id, person_id, address, case_ids) VALUES (%s, %s, %s, %s, %s)
"""
_READS: Final = """
SELECT read_at, role, org_id, person_id, address FROM (
    SELECT * FROM hashi.reads WHERE case_ids @> ARRAY[%s] ORDER BY read_id DESC LIMIT 1000
) AS newest ORDER BY read_id
"""


class Read(NamedTuple):
    """Somebody was answered."""

    read_at: datetime
    role: str
    org_id: str
    person_id: str
    address: str
    """What was asked for, without its parameters."""


class KeptEvent(NamedTuple):
    """An event by reference."""

    id: str
    type: str
    version: int


@dataclass(frozen=True)
class Briefing:
    """What a decision needs beside the state: the time, how far the stream is, what this command did before."""

    now: datetime
    version: int
    """The version of the case's last event, 0 when there is none."""
    done: tuple[KeptEvent, ...]
    """The events of this command, if it took effect before."""
    directory: Directory
    was_refused: bool = False
    """Whether a refusal of this command is logged."""


@dataclass(frozen=True)
class SealedCommand:
    """A command whose body is kept: compare its fingerprint before answering a second one of the same id."""

    case_id: str
    name: str
    org_id: str
    fingerprint: bytes


@dataclass(frozen=True)
class LoggedRefusal:
    """A refused command, and the RFC 9457 problem that answered it."""

    case_id: str
    name: str
    role: str
    org_id: str
    code: str
    problem: Mapping[str, Any]
    fingerprint: bytes
    refused_at: datetime


class NotSealed(LookupError):
    """No body is kept under this command id."""


class Desk:
    """Reads and leaves what goes with commands. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals) -> None:
        self._pool = pool
        self._seals = seals

    async def briefing(
        self, case_id: str, command_id: str, ids: Collection[str], *, stream: str | None = None
    ) -> Briefing:
        """The time, the version of the case (or of *stream*), what *command_id* did, and the known ones of *ids*."""
        asked = {"stream": stream or stream_of(case_id), "command_id": command_id, "ids": sorted(set(ids))}
        [(now, version, done, organizations, people, documents, refused)] = await fetch(self._pool, _BRIEFING, asked)
        directory = Directory(organizations=organizations, people=people, documents=documents)
        return Briefing(now, version, tuple(KeptEvent(*one) for one in done), directory, refused)

    async def standing(self, stream: str) -> tuple[datetime, int]:
        """The time, and the version of the last event of *stream*; 0 also where the reader may not see it."""
        [(now, version)] = await fetch(Seen(self._pool), _STANDING, [stream])
        return now, int(version)

    async def seal(
        self, command_id: str, *, case_id: str, name: str, org_id: str, body: bytes, fingerprint: bytes
    ) -> SealedCommand | None:
        """Keep the command with its *body* sealed; None when it is kept now, else the one that has the id already."""
        sealed = self._seals.seal(body, command_id)
        if await fetch(self._pool, _SEAL, [command_id, case_id, name, org_id, sealed, fingerprint]):
            return None
        [row] = await fetch(self._pool, _SEALED, [command_id])
        return SealedCommand(*row)

    async def unseal(self, command_id: str) -> bytes:
        """The body kept under *command_id*. Raises NotSealed, and SealBroken when it is not what was sealed there."""
        found = await fetch(self._pool, _UNSEAL, [command_id])
        if not found or not found[0][0]:  # never there, or erased
            raise NotSealed(command_id)
        return self._seals.unseal(found[0][0], command_id)

    async def kept(self, command_id: str) -> SealedCommand | None:
        """What is known of the command kept under *command_id* without opening it; None when there is none."""
        found = await fetch(self._pool, _SEALED, [command_id])
        return SealedCommand(*found[0]) if found else None

    async def log_refusal(
        self,
        command_id: str,
        *,
        case_id: str,
        name: str,
        role: str,
        org_id: str,
        code: str,
        problem: Mapping[str, Any],
        fingerprint: bytes,
    ) -> None:
        """Remember that *command_id* was refused with *problem*; what was remembered first stays."""
        parameters = [command_id, case_id, name, role, org_id, code, Jsonb(dict(problem)), fingerprint]
        await fetch(self._pool, _REFUSE, parameters)

    async def refusal(self, command_id: str) -> LoggedRefusal | None:
        """How *command_id* was refused, None when it was not."""
        found = await fetch(self._pool, _REFUSED, [command_id])
        return LoggedRefusal(*found[0]) if found else None

    async def referral(self, bank_id: str, bank_reference: str) -> tuple[str, bytes] | None:
        """The case that a bank's reference began, and the fingerprint of what was sent; None for a new reference."""
        found = await fetch(self._pool, _REFERRAL, [bank_id, bank_reference])
        return (found[0][0], found[0][1]) if found else None

    async def referrals(self, bank_id: str, references: Collection[str]) -> dict[str, bytes]:
        """The fingerprints of what a bank sent before, by those of *references* that it used."""
        return dict(await fetch(self._pool, _REFERRALS, [bank_id, list(references)]))

    async def log_read(self, actor: Actor, address: str, case_ids: Collection[str]) -> None:
        """Remember that *actor* is answered at *address*, with what is known of *case_ids*."""
        await fetch(self._pool, _LOG_READ, [actor.role.value, actor.org_id, actor.person, address, list(case_ids)])

    async def reads(self, case_id: str) -> list[Read]:
        """The last thousand reads that told of the case, in order."""
        return [Read(*row) for row in await fetch(Seen(self._pool), _READS, [case_id])]

    async def next_case_number(self) -> int:
        """A number no case has had; numbers may be skipped."""
        [(number,)] = await fetch(self._pool, _NUMBER)
        return int(number)


def stream_of(case_id: str) -> str:
    """The stream that holds a case's events, as `domain.case` names it."""
    return f"case-{case_id}"

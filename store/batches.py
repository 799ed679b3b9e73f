"""Needs in bulk: an uploaded table and its rows, each checked, then committed one by one.

The table as it was uploaded lies under a key of its own; rows are sealed one by one, and what a row said goes when it
is committed, for then its command holds it. An erasure of any of its cases takes the whole upload.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import uuid4

from store.pool import Pool, Seen, fetch, transaction
from store.sealing import Seals
from store.vault import Vault

BatchState: TypeAlias = Literal["checked", "committing", "cancelled", "done"]
RowState: TypeAlias = Literal["ready", "already_there", "refused", "committed"]
Fault: TypeAlias = Mapping[str, Any]
"""What is wrong with a row: column, code, and a sentence in each language (ja, en)."""

_BATCH: Final = "batch_id, org_id, person_id, format, encoding, sha256, bytes, state, created_at, moved_at"
_ADD: Final = """
INSERT INTO hashi.intake_batches
    (batch_id, org_id, person_id, format, encoding, sha256, bytes, content, state, moved_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'checked', hashi.now())
"""
_ADD_ROWS: Final = """
INSERT INTO hashi.intake_rows (batch_id, number, reference, case_id, state, sealed)
SELECT %s, * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::bytea[])
"""
_GET: Final = f"""
SELECT {_BATCH}, (SELECT coalesce(json_object_agg(state, n), '{{}}')
    FROM (SELECT state, count(*) AS n FROM hashi.intake_rows WHERE batch_id = %(id)s GROUP BY state) AS counted)
FROM hashi.intake_batches WHERE batch_id = %(id)s
"""  # noqa: S608 - only names of columns are put in
_ROWS: Final = """
SELECT number, reference, case_id, state, sealed FROM hashi.intake_rows
WHERE batch_id = %s AND number > %s ORDER BY number LIMIT %s
"""
_NEXT: Final = """
SELECT r.number, r.reference, r.case_id, r.state, r.sealed FROM hashi.intake_rows r JOIN hashi.intake_batches b
    USING (batch_id)
WHERE batch_id = %s AND r.state = 'ready' AND b.state = 'committing' ORDER BY r.number LIMIT 1
"""
_SETTLE: Final = """
WITH settled AS (
    UPDATE hashi.intake_rows SET state = %(state)s, sealed = %(sealed)s
    WHERE batch_id = %(id)s AND number = %(row)s AND state = 'ready' RETURNING batch_id
)
UPDATE hashi.intake_batches SET moved_at = hashi.now() WHERE batch_id IN (SELECT batch_id FROM settled)
"""
_MOVE: Final = """
UPDATE hashi.intake_batches SET state = %s, person_id = coalesce(%s, person_id), moved_at = hashi.now()
WHERE batch_id = %s AND state = ANY(%s) RETURNING batch_id
"""
_FINISH: Final = """
UPDATE hashi.intake_batches SET state = 'done', moved_at = hashi.now()
WHERE batch_id = %(id)s AND state = 'committing'
  AND NOT EXISTS (SELECT FROM hashi.intake_rows WHERE batch_id = %(id)s AND state = 'ready')
"""
_WAITING: Final = "SELECT batch_id FROM hashi.intake_batches WHERE state = 'committing' AND moved_at < hashi.now() - %s"
_OLD: Final = """
SELECT batch_id FROM hashi.intake_batches
WHERE content <> ''::bytea AND state <> 'committing' AND moved_at < hashi.now() - %s ORDER BY moved_at LIMIT 100
"""
_OF_CASE: Final = "SELECT DISTINCT batch_id FROM hashi.intake_rows WHERE case_id = %s"
_EMPTY_ROWS: Final = """
UPDATE hashi.intake_rows SET sealed = ''::bytea, state = CASE state WHEN 'ready' THEN 'refused' ELSE state END
WHERE batch_id = ANY(%(batches)s) AND (case_id = %(case)s OR %(case)s IS NULL)
"""
_EMPTY: Final = "UPDATE hashi.intake_batches SET content = ''::bytea WHERE batch_id = ANY(%s)"


@dataclass(frozen=True)
class Upload:
    """A table as it came: whose, from whom, and its bytes."""

    org_id: str
    person_id: str
    form: str
    encoding: str | None
    content: bytes


@dataclass(frozen=True)
class Batch:
    """An uploaded table and how far it is; `rows` counts its rows by state."""

    batch_id: str
    org_id: str
    person_id: str
    """Who committed it, before that who uploaded it."""
    format: str
    encoding: str | None
    sha256: str
    bytes: int
    state: BatchState
    created_at: datetime
    moved_at: datetime
    rows: Mapping[RowState, int]


@dataclass(frozen=True)
class BatchRow:
    """One row: the data of its need while it waits, its faults where it was refused."""

    row: int
    reference: str | None
    case_id: str | None
    """The case that its reference begins; there need not be one yet."""
    state: RowState
    data: Mapping[str, Any] | None = None
    faults: tuple[Fault, ...] = ()


class Batches:
    """Keeps uploaded tables. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool, seals: Seals, vault: Vault) -> None:
        self._pool = pool
        self._seen = Seen(pool)
        self._seals = seals
        self._vault = vault

    async def keep(self, upload: Upload, checked: Sequence[BatchRow]) -> str:
        """Keep *upload* and its *checked* rows together; the id of the batch."""
        batch_id = f"b_{uuid4().hex}"
        veil = await self._vault.writing(subject_of(batch_id))
        content = veil.seal(upload.content, batch_id)
        digest = hashlib.sha256(upload.content).hexdigest()
        told = [upload.org_id, upload.person_id, upload.form, upload.encoding, digest, len(upload.content), content]
        columns = [
            [one.row for one in checked],
            [one.reference for one in checked],
            [one.case_id for one in checked],
            [one.state for one in checked],
            [self._sealed(batch_id, one) for one in checked],
        ]
        async with transaction(self._pool) as connection:
            await fetch(connection, _ADD, [batch_id, *told])
            await fetch(connection, _ADD_ROWS, [batch_id, *columns])
        return batch_id

    async def get(self, batch_id: str) -> Batch | None:
        """The batch, None when there is none."""
        found = await fetch(self._seen, _GET, {"id": batch_id})
        return Batch(*found[0]) if found else None

    async def content(self, batch_id: str) -> bytes | None:
        """The table as it was uploaded, None once it was erased."""
        found = await fetch(self._seen, "SELECT content FROM hashi.intake_batches WHERE batch_id = %s", [batch_id])
        veils = await self._vault.reading([subject_of(batch_id)])
        return veils[subject_of(batch_id)].unseal(found[0][0], batch_id) if found else None

    async def rows(self, batch_id: str, after: int = 0, limit: int = 100_000) -> list[BatchRow]:
        """At most *limit* rows above row *after*, in order."""
        return [self._opened(batch_id, one) for one in await fetch(self._seen, _ROWS, [batch_id, after, limit])]

    async def next_ready(self, batch_id: str) -> BatchRow | None:
        """The first row that waits to be committed; None when none does, or the batch is not being committed."""
        found = await fetch(self._pool, _NEXT, [batch_id])
        return self._opened(batch_id, found[0]) if found else None

    async def settle(self, batch_id: str, row: int, state: RowState, faults: Sequence[Fault] = ()) -> None:
        """What became of a waiting *row*; one that is settled stays as it is."""
        sealed = self._sealed(batch_id, BatchRow(row, None, None, state, faults=tuple(faults)))
        await fetch(self._pool, _SETTLE, {"id": batch_id, "row": row, "state": state, "sealed": sealed})

    async def commit(self, batch_id: str, person_id: str) -> bool:
        """Let *person_id* commit what waits in the batch, also after a cancellation; False where that is no news."""
        return bool(await fetch(self._pool, _MOVE, ["committing", person_id, batch_id, ["checked", "cancelled"]]))

    async def cancel(self, batch_id: str) -> bool:
        """Stop the batch after the row under way; False where nothing is left to stop."""
        return bool(await fetch(self._pool, _MOVE, ["cancelled", None, batch_id, ["checked", "committing"]]))

    async def finish(self, batch_id: str) -> None:
        """Note that the batch is done, if no row of it waits any more."""
        await fetch(self._pool, _FINISH, {"id": batch_id})

    async def stranded(self, grace: timedelta) -> list[str]:
        """Batches that are to be committed and have not moved for *grace*: perhaps nothing drives them."""
        return [batch_id for (batch_id,) in await fetch(self._pool, _WAITING, [grace])]

    async def forget_case(self, case_id: str) -> int:
        """Erase every upload in which the case stands, and what its rows said; returns how many keys were destroyed."""
        return await self._erase([batch_id for (batch_id,) in await fetch(self._pool, _OF_CASE, [case_id])], case_id)

    async def forget_old(self, age: timedelta) -> int:
        """Erase the uploads that have not moved for *age*, and what their rows said; returns how many there were."""
        old = [batch_id for (batch_id,) in await fetch(self._pool, _OLD, [age])]
        await self._erase(old)
        return len(old)

    async def _erase(self, batches: Sequence[str], case_id: str | None = None) -> int:
        """Erase the uploads *batches*, and what their rows said of the case, or of every case."""
        destroyed = 0
        await fetch(self._pool, _EMPTY_ROWS, {"batches": list(batches), "case": case_id})
        for batch_id in batches:
            destroyed += await self._vault.destroy(subject_of(batch_id))
        await fetch(self._pool, _EMPTY, [list(batches)])
        return destroyed

    def _sealed(self, batch_id: str, row: BatchRow) -> bytes:
        told = json.dumps({"data": row.data, "faults": list(row.faults)}, ensure_ascii=False).encode()
        return self._seals.seal(told, f"{batch_id}/{row.row}")

    def _opened(self, batch_id: str, found: Sequence[Any]) -> BatchRow:
        row, reference, case_id, state, sealed = found
        if not sealed:  # erased
            return BatchRow(row, reference, case_id, state)
        told = json.loads(self._seals.unseal(sealed, f"{batch_id}/{row}"))
        return BatchRow(row, reference, case_id, state, told["data"], tuple(told["faults"]))


def subject_of(batch_id: str) -> str:
    """The name under which the key of an uploaded table is kept."""
    return f"upload-{batch_id}"

"""Builds a projection anew from the events, beside the one in use, and puts it in its place; commands go on meanwhile.

The bulk is folded in several processes, stream by stream, up to the position where the ledger stood at the start; what
came since is folded after it; the last of it, and the exchange, happen in one transaction under the lock of whoever
writes the table. The exchange touches only rows that differ, so that no reader waits and none sees half of it.
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from operator import itemgetter
from typing import Any, Final, LiteralString, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy import MetaData

from domain.streams import State, evolve
from store.codec import decode
from store.pool import DIALECT, StoreUnreachable, connect_arguments
from store.projections import PROJECTIONS, Projection, putting
from store.tables import SCHEMA

BESIDE: Final = "hashi_rebuild"
"""The schema of what is being built."""
_SAMPLES: Final = 20
"""Streams looked at to find where a part ends."""
_DISTANCE: Final = 997
"""Positions from one of them to the next, so that a part has some 20,000 events; a prime, which keeps step with nothing
that comes at regular distances."""
_FEW: Final = 500
"""So many events may be left to fold while writers wait."""
_HEAD: Final = "SELECT coalesce(max(position), 0) FROM hashi.events"
_SAMPLE: Final = """
SELECT stream FROM generate_series(%s::bigint, %s::bigint, %s::bigint) AS place (position)
JOIN hashi.events USING (position) ORDER BY stream
"""
_PART_OF: Final = """
COPY (SELECT stream, position, body FROM hashi.events
      WHERE stream >= %s AND (%s::text IS NULL OR stream < %s) AND position <= %s ORDER BY stream, version)
TO STDOUT (FORMAT binary)
"""
BY_INDEX: Final = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET max_parallel_workers_per_gather = 0"
"""Each part along the index, in its order: the planner would read and sort the whole ledger for every one of them."""
_NEWS: Final = "SELECT DISTINCT stream FROM hashi.events WHERE position > %s AND position <= %s"
_STREAM: Final = "SELECT stream, position, body FROM hashi.events WHERE stream = %s AND position <= %s ORDER BY version"
_HOLD_APPENDS: Final = "SELECT hashi.take_turn()"
_BEGIN: Final = "INSERT INTO hashi.checkpoints VALUES (%s, 0) ON CONFLICT DO NOTHING"
_HOLD_FOLLOWER: Final = "SELECT FROM hashi.checkpoints WHERE follower = %s FOR UPDATE"
_MOVE: Final = "UPDATE hashi.checkpoints SET position = %s WHERE follower = %s"
_REMOVE: Final = """
DELETE FROM {live} AS old WHERE NOT EXISTS (SELECT FROM {beside} AS new WHERE new.{key} = old.{key} AND new = old)
"""
_ADD: Final = """
INSERT INTO {live} ({columns})
SELECT {columns} FROM {beside} AS new WHERE NOT EXISTS (SELECT FROM {live} AS old WHERE new.{key} = old.{key})
"""

Connection: TypeAlias = psycopg.Connection[TupleRow]
Tell: TypeAlias = Callable[[int, int], None]
"""Hears how many events of how many are folded."""


class RebuildUnderWay(Exception):
    """Another process rebuilds this projection."""


@dataclass(frozen=True)
class Rebuilt:
    """What was built: from how many events, how many rows, and how many of them were not as before."""

    events: int
    rows: int
    changed: int


@dataclass(frozen=True)
class Part:
    """The streams from *low* to before *high* (None: to the last one), up to a position, to be folded in one go."""

    url: str
    name: str
    low: str
    high: str | None
    up_to: int


def rebuild(url: str, name: str, *, jobs: int | None = None, tell: Tell = lambda done, total: None) -> Rebuilt:
    """Build the projection *name* anew as the owner at *url*, in *jobs* processes (None: one a core).

    Raises KeyError for an unknown name, RebuildUnderWay, UnknownEvent, StoreUnreachable. Whatever ends it, the
    projection in use stays as it was; a second run begins anew.
    """
    projection = PROJECTIONS[name]
    with _connected(url) as connection:
        _require_alone(connection, name)
        _prepare(connection, projection)
        up_to = _fold_all(connection, Part(url, name, "", None, _head(connection)), jobs or cores(), tell)
        connection.execute(_named("ALTER TABLE {beside} ADD PRIMARY KEY ({key})", projection))
        while (head := _head(connection)) - up_to > _FEW:
            up_to = _fold_news(connection, projection, up_to, head)
        with connection.transaction():
            _hold(connection, projection)
            up_to = _fold_news(connection, projection, up_to, _head(connection))
            changed = _exchange(connection, projection)
            if not projection.is_inline:
                connection.execute(_MOVE, [up_to, name])
        [(count,)] = connection.execute(_named("SELECT count(*) FROM {beside}", projection)).fetchall()
        connection.execute(_named("DROP TABLE {beside}", projection))
        return Rebuilt(up_to, count, changed)


def fold_part(part: Part) -> int:
    """Fold the streams of *part* and write their rows beside; returns how many events they had."""
    projection = PROJECTIONS[part.name]
    events = 0
    with (
        _connected(part.url, BY_INDEX) as reading,
        _connected(part.url) as writing,
        reading.cursor().copy(_PART_OF, [part.low, part.high, part.high, part.up_to]) as kept,
        writing.cursor().copy(_named("COPY {beside} ({columns}) FROM STDIN", projection)) as rows,
    ):
        kept.set_types(["text", "int8", "bytea"])
        for stream, many in groupby(kept.rows(), itemgetter(0)):
            state, position, count = _fold(many)
            events += count
            if (values := projection.values(stream, state, position)) is not None:
                rows.write_row(list(values.values()))
    return events


@contextmanager
def _connected(url: str, settings: LiteralString = "") -> Iterator[Connection]:
    try:
        with psycopg.connect(**connect_arguments(url, role=None)) as connection:
            connection.execute(f"SET statement_timeout = 0; {settings}")
            yield connection
    except psycopg.OperationalError as error:
        raise StoreUnreachable(str(error).strip()) from error


def cores() -> int:
    """How many processes work at once."""
    return len(os.sched_getaffinity(0))


def _require_alone(connection: Connection, name: str) -> None:
    """Take the lock of this rebuild, which goes with the connection."""
    query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    [(is_free,)] = connection.execute(query, [f"rebuild {name}"]).fetchall()
    if not is_free:
        raise RebuildUnderWay(name)


def _named(text: LiteralString, projection: Projection) -> sql.Composed:
    """*text* with the names of the two tables, of the key and of the columns."""
    [key] = projection.table.primary_key
    return sql.SQL(text).format(
        beside=sql.Identifier(BESIDE, projection.name),
        live=sql.Identifier(SCHEMA, projection.name),
        key=sql.Identifier(key.name),
        columns=sql.SQL(", ").join(sql.Identifier(one.name) for one in projection.table.columns),
    )


def _prepare(connection: Connection, projection: Projection) -> None:
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(BESIDE)))
    connection.execute(_named("DROP TABLE IF EXISTS {beside}", projection))  # of a run that was killed
    connection.execute(_named("CREATE UNLOGGED TABLE {beside} (LIKE {live})", projection))


def _head(connection: Connection) -> int:
    [(position,)] = connection.execute(_HEAD).fetchall()
    return int(position)


def _fold_all(connection: Connection, whole: Part, jobs: int, tell: Tell) -> int:
    """Fold everything; returns up to which position."""
    tell(0, whole.up_to)
    parts = _divided(connection, whole)
    done = 0
    for count in _folded(parts, min(jobs, len(parts))):
        done += count
        tell(done, whole.up_to)
    return whole.up_to


def _divided(connection: Connection, whole: Part) -> list[Part]:
    return [Part(whole.url, whole.name, low, high, whole.up_to) for low, high in ranges(connection, whole.up_to)]


def ranges(connection: Connection, up_to: int) -> list[tuple[str, str | None]]:
    """The streams in ranges of about the same size, each from one name to before another, None where it has no end.

    A sample at equal distances says where; it is sorted by the database, whose order of names is not Python's.
    """
    found = [stream for (stream,) in connection.execute(_SAMPLE, [_DISTANCE, up_to, _DISTANCE])]
    bounds = list(dict.fromkeys(found[_SAMPLES - 1 :: _SAMPLES]))
    return list(zip(["", *bounds], [*bounds, None], strict=True))


def _folded(parts: Sequence[Part], jobs: int) -> Iterator[int]:
    """The numbers of events of *parts*, as they are done."""
    if jobs == 1:
        yield from map(fold_part, parts)
        return
    # what a fold leaves behind is free at once, so looking for cycles would be for nothing
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield from (one.result() for one in as_completed([pool.submit(fold_part, part) for part in parts]))


def _fold(kept: Iterable[tuple[Any, ...]]) -> tuple[State, int, int]:
    """The state, the last position and the number of the events of one stream."""
    state: State | None = None
    position = count = 0
    for _, position, body in kept:  # noqa: B007 - the last one is asked for
        state = evolve(state, decode(body))
        count += 1
    assert state is not None
    return state, position, count


def _fold_news(connection: Connection, projection: Projection, after: int, up_to: int) -> int:
    """Fold again the streams that have events between two positions; returns the second."""
    beside = projection.table.to_metadata(MetaData(), schema=BESIDE)
    for (stream,) in connection.execute(_NEWS, [after, up_to]).fetchall():
        state, position, _ = _fold(connection.execute(_STREAM, [stream, up_to], binary=True))
        if (values := projection.values(stream, state, position)) is not None:
            put = putting(beside, [values]).compile(dialect=DIALECT)
            connection.execute(str(put).encode(), put.params)
    return up_to


def _hold(connection: Connection, projection: Projection) -> None:
    """Let whoever writes the table wait until this transaction ends."""
    if projection.is_inline:
        connection.execute(_HOLD_APPENDS)
        return
    connection.execute(_BEGIN, [projection.name])
    connection.execute(_HOLD_FOLLOWER, [projection.name])


def _exchange(connection: Connection, projection: Projection) -> int:
    """Make the table in use what stands beside it; returns how many rows were not as they should be."""
    gone = connection.execute(_named(_REMOVE, projection)).rowcount
    new = connection.execute(_named(_ADD, projection)).rowcount
    return max(gone, new)

"""What is derived from the events against the events: their columns, every projection, every referral's natural key.

The streams are folded in ranges, in as many processes as there are cores; all of them see the one moment.
"""

import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from multiprocessing import get_context
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from psycopg import sql
from pydantic_core import from_json

from audit.faults import Fault, Unfit, of_event, of_row
from audit.session import Moment, Session, session
from domain.envelope import Event
from domain.streams import State, evolve
from store.codec import decode
from store.projections import PROJECTIONS, Projection
from store.rebuild import BY_INDEX, Tell, cores, ranges
from store.tables import SCHEMA

_COLUMNS: Final = ("stream", "version", "event_id", "command_id", "recorded_at")
_TYPES: Final = ("text", "int4", "text", "text", "timestamptz", "int8", "bytea")
_EVENTS: Final = """
COPY (SELECT stream, version, event_id::text, command_id, recorded_at, position, body
      FROM hashi.events WHERE stream {} ORDER BY stream, version) TO STDOUT (FORMAT binary)
"""
_FOLLOWED: Final = "SELECT position FROM hashi.checkpoints WHERE follower = %s"
_DIFFERENT: Final = """
SELECT given.{key}, to_jsonb(given), to_jsonb(kept)
FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS given LEFT JOIN {table} AS kept USING ({key})
WHERE given IS DISTINCT FROM kept ORDER BY 1 LIMIT 1
"""
_COUNT: Final = "SELECT count(*) FROM {table} AS kept"
_STRANGE: Final = (
    "SELECT {key} FROM {table} AS kept WHERE NOT EXISTS (SELECT FROM hashi.events WHERE stream = {stream}) LIMIT 1"
)
_REFERRALS: Final = """
SELECT given.bank_id || ' ' || given.bank_reference
FROM jsonb_populate_recordset(NULL::hashi.referrals, %s::jsonb) AS given LEFT JOIN hashi.referrals AS kept
USING (bank_id, bank_reference) WHERE given.case_id IS DISTINCT FROM kept.case_id LIMIT 1
"""
_MANY: Final = 500
"""Streams whose rows are compared in one go."""
_TOLD: Final = itemgetter(*_COLUMNS)
_Row: TypeAlias = tuple[Any, ...]


class _Part(NamedTuple):
    """The streams from *low* to before *high* (None: to the last one), or the one stream *low*, at one moment."""

    moment: Moment
    low: str
    high: str | None
    limits: Mapping[str, int]
    """How far each projection has followed that the append does not write."""
    is_one: bool = False

    @property
    def which(self) -> sql.Composable:
        """The condition on the name of the stream."""
        if self.is_one:
            return sql.SQL("= {}").format(self.low)
        above = sql.SQL(">= {}").format(self.low)
        return above if self.high is None else above + sql.SQL(" AND stream < {}").format(self.high)


@dataclass
class _Expected:
    """What the rows of one projection have to be, as far as it has followed the events."""

    projection: Projection
    limit: int | None
    """The position up to which the relay has written; None where the append writes."""
    waiting: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def add(self, stream: str, state: State, position: int) -> None:
        """Note what the row of *stream* has to be after *position*."""
        row = self.projection.row(stream, state)
        if row is not None:
            self.waiting.append(row.model_dump(mode="json") | {"version": state.version, "position": position})
            self.count += 1


def check_rows(session: Session, stream: str | None, tell: Tell, jobs: int | None = None) -> dict[str, int]:
    """Fold every stream (or one) with today's code and compare what is kept beside the events; returns the counts.

    Raises Unfit at the first thing that does not fit.
    """
    head = session.value("SELECT max(position) FROM hashi.events")
    limits = {one.name: session.value(_FOLLOWED, one.name) for one in PROJECTIONS.values() if not one.is_inline}
    if stream is not None:
        parts = [_Part(session.moment, stream, None, limits, is_one=True)]
    else:
        parts = [_Part(session.moment, *one, limits) for one in ranges(session.asking, head)]
    told = Counter({name: 0 for name in ("streams", "folded", "referrals", *PROJECTIONS)})
    for found in _checked(parts, min(jobs or cores(), len(parts))):
        if isinstance(found, Fault):
            raise Unfit(found)
        told.update(found)
        tell(told["folded"], head)
    if stream is None:
        for one in PROJECTIONS.values():
            _require_no_more(session, one, told[one.name])
        kept_referrals = session.value("SELECT count(*) FROM hashi.referrals")
        if kept_referrals != told["referrals"]:
            raise of_row("referrals", "*", (f"{kept_referrals} instead of {told['referrals']}", "行数が一致しません"))
    tell(head, head)
    return dict(told)


def _checked(parts: Sequence[_Part], jobs: int) -> Iterator[Mapping[str, int] | Fault]:
    """The counts of each of *parts*, in order, or what does not fit in it."""
    if jobs == 1:
        yield from map(_check_part, parts)
        return
    # what a fold leaves behind is free at once, so looking for cycles would be for nothing
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        try:
            yield from pool.map(_check_part, parts)
        finally:
            pool.shutdown(cancel_futures=True)


def _check_part(part: _Part) -> Mapping[str, int] | Fault:
    with session(part.moment.url, part.moment) as opened:
        opened.reading.execute(BY_INDEX)
        try:
            return _compare_part(opened, part)
        except Unfit as unfit:
            return unfit.fault


def _compare_part(session: Session, part: _Part) -> Mapping[str, int]:
    everybody = [_Expected(one, part.limits.get(one.name)) for one in PROJECTIONS.values()]
    referrals: list[dict[str, Any]] = []
    streams = folded = compared = 0
    with session.reading.cursor().copy(sql.SQL(_EVENTS).format(part.which)) as kept:
        kept.set_types(_TYPES)
        for name, many in groupby(kept.rows(), itemgetter(0)):
            streams += 1
            folded += _fold(name, many, everybody, referrals)
            if streams % _MANY == 0:
                compared += _compare(session, everybody, referrals)
    compared += _compare(session, everybody, referrals)
    counts = {one.projection.name: one.count for one in everybody}
    return {"streams": streams, "folded": folded, "referrals": compared, **counts}


def _fold(name: str, many: Iterable[_Row], everybody: list[_Expected], referrals: list[dict[str, Any]]) -> int:
    """Fold one stream and note what its rows have to be; returns how many events it has."""
    steps = _steps(many, referrals)
    behind = [one for one in everybody if one.limit is not None]
    earlier: dict[str, tuple[State, int]] = {}
    state, position, count = next(steps)
    for after in steps:
        for one in behind:
            if one.limit is not None and position <= one.limit < after[1]:
                earlier[one.projection.name] = state, position
        state, position, count = after
    for one in everybody:
        if one.limit is None or position <= one.limit:
            one.add(name, state, position)
        elif one.projection.name in earlier:
            one.add(name, *earlier[one.projection.name])
    return count


def _steps(many: Iterable[_Row], referrals: list[dict[str, Any]]) -> Iterator[tuple[State, int, int]]:
    """The state after each event of one stream, its position, and how many there were; notes the referrals."""
    state: State | None = None
    for count, row in enumerate(many, 1):
        event = _event(row)
        try:
            state = evolve(state, event)
        except Exception as error:  # whatever a changed event brings about: it does not fit
            why = f"it does not follow what came before: {type(error).__name__}: {error}"
            raise of_event("fold", row[-2], row[-1], (why, "それまでの履歴に続きません")) from error
        if event.type == "NeedReferred":
            referrals += _referral(event)
        yield state, row[-2], count


def _event(row: _Row) -> Event:
    """The event of one row, whose columns have to say what its bytes say."""
    *columns, position, body = row
    try:
        event = decode(body)
        if tuple(columns) != _TOLD(event.__dict__):
            _require_same(columns, position, body)
    except (ValueError, KeyError, TypeError, LookupError) as error:
        why = (f"it cannot be read: {error}", "読み取れません")
        raise of_event("event", position, body, why) from error
    return event


def _require_same(columns: list[Any], position: int, body: bytes) -> None:
    said = from_json(body)
    *texts, recorded_at = [said[name] for name in _COLUMNS]
    wanted = [*texts, datetime.fromisoformat(recorded_at)]
    for name, kept, wants in zip(_COLUMNS, columns, wanted, strict=True):
        if kept != wants:
            why = (f"its column {name} says {kept}, its bytes {wants}", f"列 {name} がバイト列と一致しません")
            raise of_event("column", position, body, why)


def _referral(event: Event) -> Iterator[dict[str, Any]]:
    """The natural key that the event took for its case, if a bank gave one."""
    said = event.data.model_dump()
    if said["bank_id"] == event.actor.org_id and said["bank_reference"]:
        key = {"bank_id": said["bank_id"], "bank_reference": said["bank_reference"]}
        yield {**key, "case_id": event.correlation_id}


def _compare(session: Session, everybody: list[_Expected], referrals: list[dict[str, Any]]) -> int:
    """Compare what was noted with what is kept; returns how many referrals there were."""
    for one in everybody:
        query = _named(_DIFFERENT, one.projection)
        for key, wanted, kept in session.asking.execute(query, [json.dumps(one.waiting)]):
            raise _of_difference(one.projection.name, key, wanted, kept)
        one.waiting.clear()
    for (key,) in session.asking.execute(_REFERRALS, [json.dumps(referrals)]):
        raise of_row("referrals", key, ("it does not name the case that this reference began", "案件が一致しません"))
    count = len(referrals)
    referrals.clear()
    return count


def _of_difference(name: str, key: str, wanted: dict[str, Any], kept: dict[str, Any] | None) -> Unfit:
    if kept is None:
        return of_row(name, key, ("the row is missing", "行がありません"))
    which = next(column for column in wanted if wanted[column] != kept[column])
    why = f"{which} is {kept[which]!r}, the events say {wanted[which]!r}"
    return of_row(name, key, (why, f"{which} がイベントと一致しません"))


def _require_no_more(session: Session, projection: Projection, wanted: int) -> None:
    """There is no row without events."""
    count = session.value(_named(_COUNT, projection).as_string())
    if count == wanted:
        return
    found = session.asking.execute(_named(_STRANGE, projection)).fetchone()
    key = found[0] if found else "*"
    raise of_row(
        projection.name, key, (f"{count} rows instead of {wanted}: no event speaks of it", "イベントのない行です")
    )


def _named(text: str, projection: Projection) -> sql.Composed:
    [key] = projection.table.primary_key
    name = sql.Identifier("kept", key.name)
    return sql.SQL(text).format(
        table=sql.Identifier(SCHEMA, projection.name),
        key=sql.Identifier(key.name),
        stream=name if key.name == "stream" else sql.SQL("'case-' || {}").format(name),
    )

"""What is derived from the events against the events: their columns, every projection, every referral's natural key."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from psycopg import sql
from pydantic_core import from_json

from audit.faults import Unfit, of_event, of_row
from audit.session import Session
from domain.envelope import Event
from domain.streams import State, evolve
from store.codec import decode
from store.projections import PROJECTIONS, Projection
from store.rebuild import Tell
from store.tables import SCHEMA

_COLUMNS: Final = ("stream", "version", "event_id", "command_id", "recorded_at")
_TYPES: Final = ("text", "int4", "text", "text", "timestamptz", "int8", "bytea")
_EVENTS: Final = """
COPY (SELECT stream, version, event_id::text, command_id, recorded_at, position, body
      FROM hashi.events WHERE {} ORDER BY stream, version) TO STDOUT (FORMAT binary)
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


@dataclass
class _Expected:
    """What the rows of one projection have to be, as far as it has followed the events."""

    projection: Projection
    limit: int | None
    """The position up to which the relay has written; None where the append writes."""
    waiting: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def is_behind(self, position: int) -> bool:
        return self.limit is not None and position > self.limit


def check_rows(session: Session, stream: str | None, tell: Tell) -> dict[str, int]:
    """Fold every stream (or one) with today's code and compare what is kept beside the events; returns the counts.

    Raises Unfit at the first thing that does not fit.
    """
    head = session.value("SELECT max(position) FROM hashi.events")
    everybody = [_Expected(one, _limit(session, one)) for one in PROJECTIONS.values()]
    referrals: list[dict[str, Any]] = []
    told = {"streams": 0, "folded": 0, "referrals": 0}
    query = sql.SQL(_EVENTS).format(sql.SQL("stream = {}").format(stream) if stream else sql.SQL("true"))
    with session.reading.cursor().copy(query) as kept:
        kept.set_types(_TYPES)
        for name, many in groupby(kept.rows(), itemgetter(0)):
            told["streams"] += 1
            told["folded"] += _fold(name, many, everybody, referrals)
            if told["streams"] % _MANY == 0:
                told["referrals"] += _compare(session, everybody, referrals)
                tell(told["folded"], head)
    told["referrals"] += _compare(session, everybody, referrals)
    if stream is None:
        for one in everybody:
            _require_no_more(session, one)
        kept_referrals = session.value("SELECT count(*) FROM hashi.referrals")
        if kept_referrals != told["referrals"]:
            raise of_row("referrals", "*", (f"{kept_referrals} instead of {told['referrals']}", "行数が一致しません"))
    tell(head, head)
    return {**told, **{one.projection.name: one.count for one in everybody}}


def _limit(session: Session, projection: Projection) -> int | None:
    return None if projection.is_inline else session.value(_FOLLOWED, projection.name)


def _fold(
    name: str, many: Iterable[tuple[Any, ...]], everybody: list[_Expected], referrals: list[dict[str, Any]]
) -> int:
    """Fold one stream and note what its rows have to be; returns how many events it has."""
    state: State | None = None
    newest: dict[str, tuple[State, int]] = {}
    count = 0
    for *columns, position, body in many:
        count += 1
        event = _event(columns, position, body)
        try:
            state = evolve(state, event)
        except Exception as error:  # whatever a changed event brings about: it does not fit
            why = f"it does not follow what came before: {type(error).__name__}: {error}"
            raise of_event("fold", position, body, (why, "それまでの履歴に続きません")) from error
        for one in everybody:
            if not one.is_behind(position):
                newest[one.projection.name] = state, position
        if event.type == "NeedReferred":
            referrals += _referral(event)
    for one in everybody:
        if one.projection.name in newest:
            after, last = newest[one.projection.name]
            row = one.projection.row(name, after)
            if row is not None:
                told = row.model_dump(mode="json") | {"version": after.version, "position": last}
                one.waiting.append(told)
                one.count += 1
    return count


def _event(columns: list[Any], position: int, body: bytes) -> Event:
    """The event of one row, whose columns have to say what its bytes say."""
    try:
        said = from_json(body)
        *texts, recorded_at = [said[name] for name in _COLUMNS]
        wanted = [*texts, datetime.fromisoformat(recorded_at)]
        event = decode(body)
    except (ValueError, KeyError, TypeError, LookupError) as error:
        why = (f"it cannot be read: {error}", "読み取れません")
        raise of_event("event", position, body, why) from error
    for name, kept, wants in zip(_COLUMNS, columns, wanted, strict=True):
        if kept != wants:
            why = (f"its column {name} says {kept}, its bytes {wants}", f"列 {name} がバイト列と一致しません")
            raise of_event("column", position, body, why)
    return event


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


def _require_no_more(session: Session, one: _Expected) -> None:
    """There is no row without events."""
    name = one.projection.name
    count = session.value(_named(_COUNT, one.projection).as_string())
    if count == one.count:
        return
    found = session.asking.execute(_named(_STRANGE, one.projection)).fetchone()
    key = found[0] if found else "*"
    raise of_row(name, key, (f"{count} rows instead of {one.count}: no event speaks of it", "イベントのない行です"))


def _named(text: str, projection: Projection) -> sql.Composed:
    [key] = projection.table.primary_key
    name = sql.Identifier("kept", key.name)
    return sql.SQL(text).format(
        table=sql.Identifier(SCHEMA, projection.name),
        key=sql.Identifier(key.name),
        stream=name if key.name == "stream" else sql.SQL("'case-' || {}").format(name),
    )

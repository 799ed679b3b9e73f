"""How fast everything kept is verified: the log beside COPY of its rows, the projections beside a rebuild of one."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from audit.session import session
from audit.signing import sign, signers
from audit.verify_bundle import Checkpoint, Key, Tree, leaf_hash, root_of
from audit.verify_log import check_log
from audit.verify_rows import check_rows
from bench.figures import Figures
from bench.read import Plan, ledger, per_second, rate
from bench.told import Pattern, fill, patterns
from bench.turns import NotAccepted, Tell
from domain.state import Case
from domain.streams import fold
from store.pool import connect_arguments
from store.projections import PROJECTIONS
from store.rebuild import rebuild
from store.tables import SCHEMA

VERIFY: Final = Plan(events=1_000_000, rounds=3)
SIGNERS: Final = signers("hashi/bench", [bytes(32)])
_SEALED_EVERY: Final = 200
"""Events between two checkpoints, as of a relay that seals two hundred a second."""
_BODIES: Final = "COPY (SELECT position, body FROM hashi.events ORDER BY position) TO STDOUT (FORMAT binary)"
_ROWS: Final = """
COPY (SELECT e.position, e.body, l.leaf_hash FROM hashi.events e LEFT JOIN hashi.log_leaves l USING (position)
      ORDER BY e.position) TO STDOUT (FORMAT binary)
"""
_LEAVES: Final = "COPY hashi.log_leaves (position, leaf_hash) FROM STDIN (FORMAT binary)"
_TILE: Final = "INSERT INTO hashi.log_tiles VALUES (%s, %s, %s)"
_NOTE: Final = "INSERT INTO hashi.log_checkpoints (size, note) VALUES (%s, %s)"
_FOLLOWED: Final = "INSERT INTO hashi.checkpoints SELECT name, %s FROM unnest(%s::text[]) AS name"
_REFERRALS: Final = r"""
INSERT INTO hashi.referrals (bank_id, bank_reference, case_id, fingerprint)
SELECT told -> 'data' ->> 'bank_id', told -> 'data' ->> 'bank_reference', told ->> 'correlation_id', '\x00'
FROM (SELECT convert_from(body, 'UTF8')::jsonb AS told FROM hashi.events WHERE version = %s) AS referred
"""
_HEADS: Final = "SELECT stream, max(position) FROM hashi.events GROUP BY stream"
_COPY_ROWS: Final = "COPY {} ({}) FROM STDIN"


async def verifying(plan: Plan, tell: Tell) -> Figures:
    """Verify a whole ledger in its two parts. Raises NotAccepted, EmbeddedServerError."""
    made_of = patterns()
    async with ledger(tell, lambda url: filled(url, plan.events, made_of, tell)) as url:
        return await asyncio.to_thread(_measured, url, plan, tell)


def _measured(url: str, plan: Plan, tell: Tell) -> Figures:
    found: dict[str, list[float]] = {name: [] for name in ("log", "log_processor", "copy", "rows", "rebuild")}
    told: dict[str, int] = {}
    for number in range(1, plan.rounds + 1):
        tell(f"round {number} of {plan.rounds}")
        began = time.process_time()
        found["log"].append(_timed(lambda: told.update(_log(url, tell))))
        found["log_processor"].append(time.process_time() - began)
        found["copy"].append(_timed(lambda: _drained(url)))
        found["rows"].append(_timed(lambda: told.update(_rows(url, tell))))
        found["rebuild"].append(_timed(lambda: rebuild(url, "case_facts")))
    tell("the command, for its memory")
    count = told["events"]
    figures = {
        "events": count,
        "checkpoints": told["checkpoints"],
        "log_events_per_second": per_second(count, found["log"]),
        "log_events_per_processor_second": per_second(count, found["log_processor"]),
        "copy_events_per_second": per_second(count, found["copy"]),
        "rows_events_per_second": per_second(count, found["rows"]),
        "rebuild_events_per_second": per_second(count, found["rebuild"]),
        "peak_bytes_of_the_command": _peak(url),
    }
    ratios = {
        "rate_vs_copy": rate(found["log"], found["copy"]),
        "rate_vs_rebuild": rate(found["rows"], found["rebuild"]),
    }
    return Figures("verify", figures, ratios)


def _log(url: str, tell: Tell) -> dict[str, int]:
    with session(url) as opened:
        return check_log(opened, _keys(), [], lambda done, total: tell(f"the log: {done:,} of {total:,}"))


def _rows(url: str, tell: Tell) -> dict[str, int]:
    with session(url) as opened:
        return check_rows(opened, None, lambda done, total: tell(f"the projections: {done:,} of {total:,}"))


def _drained(url: str) -> None:
    """Read what the log part reads, and do nothing with it."""
    with _connected(url) as connection, connection.cursor().copy(_ROWS.encode()) as kept:
        kept.set_types(["int8", "bytea", "bytea"])
        for _ in kept.rows():
            pass


def _peak(url: str) -> int:
    """The most memory that `hashi audit verify` took, its processes' largest; in bytes."""
    words = [sys.executable, "-P", "-m", "workers.cli", "audit", "verify", "--json"]
    environment = {**os.environ, "HASHI_DATABASE_URL": url, "HASHI_LOG_TRUSTED": str(_keys()[0])}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise NotAccepted(f"hashi audit verify found: {json.loads(said) if said else 'nothing'}")
    return used.ru_maxrss * 1024


def filled(url: str, count: int, made_of: Sequence[Pattern], tell: Tell) -> int:
    """Fill the empty database at *url* with some *count* events and all that follows from them; returns how many."""
    size = fill(url, count, made_of)
    tell("sealing")
    _seal(url)
    tell("projecting")
    with _connected(url) as connection:
        [referred] = [one.event.version for one in made_of if one.event.type == "NeedReferred"]
        connection.execute(_REFERRALS.encode(), [referred])
        _project(connection, made_of)
        connection.execute(_FOLLOWED.encode(), [size, ["log_leaves", *_behind()]])
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    return size


def _behind() -> list[str]:
    return [one.name for one in PROJECTIONS.values() if not one.is_inline]


def _seal(url: str) -> None:
    """Write leaves, tiles and checkpoints as the relay would."""
    tree = Tree()
    tiles: list[tuple[int, int, bytes]] = []
    notes: list[tuple[int, bytes]] = []
    with (
        _connected(url) as reading,
        _connected(url) as writing,
        reading.cursor().copy(_BODIES.encode()) as kept,
    ):
        kept.set_types(["int8", "bytea"])
        with writing.cursor().copy(_LEAVES.encode()) as leaves:
            leaves.set_types(["int8", "bytea"])
            for position, body in kept.rows():
                leaf = leaf_hash(body)
                leaves.write_row((position, leaf))
                tiles += [(level, number, root_of(hashes)) for level, number, hashes in tree.add(leaf)]
                if position % _SEALED_EVERY == 0:
                    notes.append((position, sign(Checkpoint("hashi/bench", position, tree.root()), SIGNERS)))
        with writing.cursor() as rows:
            rows.executemany(_TILE, tiles)
            rows.executemany(_NOTE, notes)


def _project(connection: psycopg.Connection[TupleRow], made_of: Sequence[Pattern]) -> None:
    """Write the rows of every projection; the cases differ in their ids only."""
    state = fold([one.event for one in made_of])
    assert isinstance(state, Case)
    for projection in PROJECTIONS.values():
        names = [one.name for one in projection.table.columns]
        if projection.row(f"case-{state.case_id}", state) is None:
            continue
        into = sql.SQL(_COPY_ROWS).format(
            sql.Identifier(SCHEMA, projection.name), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        heads = connection.execute(_HEADS).fetchall()
        with connection.cursor().copy(into) as rows:
            for stream, position in heads:
                case = state.but(case_id=stream.removeprefix("case-"))
                values = projection.values(stream, case, position)
                assert values is not None
                rows.write_row(list(values.values()))


def _connected(url: str) -> psycopg.Connection[TupleRow]:
    connection = psycopg.connect(**connect_arguments(url, role=None))
    connection.execute("SET statement_timeout = 0")
    return connection


def _keys() -> list[Key]:
    return [one.key for one in SIGNERS]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

"""How fast events are read: one stream to its state, and a whole ledger to a projection, beside COPY and a parser.

The peer of both reads the same rows by COPY and parses each as JSON: by orjson where it is installed, else by
pydantic's parser, which is about as fast.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow

import migrations
from bench.figures import Figures
from bench.sides import is_there
from bench.told import Pattern, fill, fill_one, long_case, patterns
from bench.turns import NotAccepted, Tell
from domain.as_of import fold_true, true_at
from store.cases import Cases
from store.connect import Store
from store.pool import connect_arguments, fetch
from store.rebuild import rebuild
from workers.embedded import throwaway

_ALL: Final = "COPY (SELECT body FROM hashi.events ORDER BY position) TO STDOUT (FORMAT binary)"
_ONE: Final = "COPY (SELECT body FROM hashi.events WHERE stream = %s ORDER BY version) TO STDOUT (FORMAT binary)"
_FETCH: Final = "SELECT body FROM hashi.events WHERE stream = %s ORDER BY version"
_SIZE: Final = "SELECT count(*), pg_total_relation_size('hashi.events'), sum(length(body)) FROM hashi.events"
_LONG: Final = "f" * 32
_CASES: Final = "SELECT stream FROM hashi.events WHERE version = %s ORDER BY stream LIMIT %s"
_USUAL: Final = 200
"""How often the state of a usual case is read."""


@dataclass(frozen=True)
class Plan:
    """How much is read, in how many rounds."""

    events: int
    rounds: int


REPLAY: Final = Plan(events=2_000, rounds=15)
REBUILD: Final = Plan(events=1_000_000, rounds=3)


async def replay(plan: Plan, tell: Tell) -> Figures:
    """One stream to its state, at its end and for a usual case. Raises NotAccepted, EmbeddedServerError."""
    made_of = patterns()
    async with ledger(tell, lambda url: fill(url, _USUAL * len(made_of), made_of)) as url:
        await asyncio.to_thread(fill_one, url, _LONG, long_case(plan.events))
        async with Store.open(url, [bytes(32)]) as store:
            await _state(store, _LONG, plan.events)  # once, so that plans and pages are there
            told = await _in_turns(plan, tell, lambda: _state(store, _LONG, plan.events), url)
            usual = await _usual(store, made_of)
    return Figures("replay", told["figures"] | usual, told["ratios"])


async def _in_turns(
    plan: Plan, tell: Tell, ours: Callable[[], Awaitable[None]], url: str
) -> dict[str, dict[str, float]]:
    found: dict[str, list[float]] = {"hashi": [], "copy": [], "fetch": []}
    with psycopg.connect(**connect_arguments(url, role=None)) as connection:
        for number in range(1, plan.rounds + 1):
            tell(f"round {number} of {plan.rounds}")
            began = time.perf_counter()
            await ours()
            found["hashi"].append(time.perf_counter() - began)
            found["copy"].append(copied(connection, _ONE, plan.events, [f"case-{_LONG}"]))
            found["fetch"].append(_fetched(connection, plan.events))
    figures = {f"ms_{name}_{plan.events}_events": _milliseconds(took) for name, took in found.items()}
    figures |= {f"events_per_second_{name}": per_second(plan.events, took) for name, took in found.items()}
    ratios = {f"rate_vs_{peer}": rate(found["hashi"], found[peer]) for peer in ("copy", "fetch")}
    return {"figures": figures, "ratios": ratios}


async def _state(store: Store, case_id: str, version: int) -> None:
    """The state of a case from its events, with nothing kept in memory."""
    case = await Cases(store.ledger).at(case_id, version)
    if case is None or case.version != version:
        raise NotAccepted(f"{case_id} has no version {version}")


async def _usual(store: Store, made_of: list[Pattern]) -> dict[str, float]:
    """What the state of a case of usual length costs: at its last version, and as it was known and true earlier."""
    last = len(made_of)
    rows = await fetch(store.pool, _CASES, [last, _USUAL])
    moment = made_of[last // 2].event.recorded_at
    took, as_of = [], []
    for (stream,) in rows:
        case_id = stream.removeprefix("case-")
        began = time.perf_counter()
        await _state(store, case_id, last)
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
        cases = Cases(store.ledger)
        fold_true(true_at(await cases.events(case_id, await cases.known(case_id, moment)), moment))
        as_of.append(time.perf_counter() - began)
    ordered = sorted(took)
    return {
        "events_of_a_usual_case": last,
        "ms_usual_case_p50": _milliseconds(took),
        "ms_usual_case_p99": round(1000 * ordered[int(0.99 * len(ordered))], 2),
        "ms_usual_case_as_of_p50": _milliseconds(as_of),
    }


async def rebuilding(plan: Plan, tell: Tell) -> Figures:
    """A whole ledger to the projection `case_facts`. Raises NotAccepted, EmbeddedServerError."""
    made_of = patterns()
    async with ledger(tell, lambda url: fill(url, plan.events, made_of)) as url:
        ours: list[float] = []
        theirs: list[float] = []
        with psycopg.connect(**connect_arguments(url, role=None)) as connection:
            connection.execute("SET statement_timeout = 0")
            [(count, size, canonical)] = connection.execute(_SIZE).fetchall()
            for number in range(1, plan.rounds + 1):
                tell(f"round {number} of {plan.rounds}: hashi")
                began = time.perf_counter()
                built = await asyncio.to_thread(rebuild, url, "case_facts")
                ours.append(time.perf_counter() - began)
                if built.events != count:
                    raise NotAccepted(f"{built.events} of {count} events were read")
                tell(f"round {number} of {plan.rounds}: COPY")
                theirs.append(copied(connection, _ALL, count, []))
    figures = {
        "events": count,
        "events_per_second_hashi": per_second(count, ours),
        "events_per_second_copy": per_second(count, theirs),
        "bytes_per_event": round(size / count, 1),
        "bytes_per_canonical_event": round(float(canonical) / count, 1),
        "bytes_vs_canonical": round(size / float(canonical), 3),
    }
    return Figures("rebuild", figures, {"rate_vs_copy": rate(ours, theirs)})


@asynccontextmanager
async def ledger(tell: Tell, make: Callable[[str], int]) -> AsyncIterator[str]:
    """The URL of a throw-away database whose ledger *make* has filled."""
    tell("starting PostgreSQL")
    async with throwaway(in_memory_temporal=True) as stack:
        await stack.kill_temporal()  # it is not asked
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        tell("filling the ledger")
        await asyncio.to_thread(make, stack.database_url)
        yield stack.database_url


def copied(connection: psycopg.Connection[TupleRow], query: str, count: int, parameters: list[Any]) -> float:
    """Seconds for COPY and parsing of *count* rows."""
    parse = _parser()
    began, seen = time.perf_counter(), 0
    with connection.cursor().copy(query.encode(), parameters) as copy:
        copy.set_types(["bytea"])
        for (body,) in copy.rows():
            parse(body)
            seen += 1
    if seen != count:
        raise NotAccepted(f"{seen} of {count} rows were copied")
    return time.perf_counter() - began


def _fetched(connection: psycopg.Connection[TupleRow], count: int) -> float:
    """Seconds for SELECT and parsing of the long stream."""
    parse = _parser()
    began = time.perf_counter()
    rows = connection.execute(_FETCH, [f"case-{_LONG}"], binary=True).fetchall()
    for (body,) in rows:
        parse(body)
    if len(rows) != count:
        raise NotAccepted(f"{len(rows)} of {count} rows were fetched")
    return time.perf_counter() - began


def _parser() -> Callable[[bytes], Any]:
    if is_there("orjson"):
        import orjson  # noqa: PLC0415 - an optional peer

        parser: Callable[[bytes], Any] = orjson.loads
        return parser
    from pydantic_core import from_json  # noqa: PLC0415

    return from_json


def _milliseconds(took: list[float]) -> float:
    return round(1000 * statistics.median(took), 2)


def per_second(count: int, took: list[float]) -> float:
    """How many of *count* in a second, the median over the rounds."""
    return round(count / statistics.median(took))


def rate(ours: list[float], theirs: list[float]) -> float:
    """Our rate by theirs, the median over the rounds."""
    return round(statistics.median(their / our for our, their in zip(ours, theirs, strict=True)), 3)

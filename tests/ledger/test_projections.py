"""Projections: rebuilt they are what they were, broken they are mended, and nobody waits for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from ledger_cases import append_all, entries, walked

from store.cases import Cases
from store.connect import Store, StoreUnreachable
from store.pool import fetch
from store.projections import PROJECTIONS, asynchronous
from store.rebuild import RebuildUnderWay, Rebuilt, rebuild
from workers.cli import run

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]
NAMES = list(PROJECTIONS)


@pytest.fixture(scope="module")
async def store(url: str) -> Any:
    """A store with a dozen cases, entries of every kind, and projections that are up to date."""
    async with Store.open(url, [bytes(32)]) as opened:
        await append_all(opened, [*(walked(f"w{n}", n) for n in range(12)), *entries()])
        await follow(opened)
        yield opened


async def follow(store: Store) -> None:
    """Let the projections that are not written by the append catch up."""
    for follower in asynchronous(Cases(store.ledger)):
        await store.following.catch_up(follower)


async def contents(store: Store, name: str) -> list[tuple[Any, ...]]:
    key = PROJECTIONS[name].table.primary_key.columns.keys()[0]
    return await fetch(store.pool, f"SELECT * FROM hashi.{name} ORDER BY {key}".encode())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("jobs", [1, 2])
async def test_rebuilt_is_what_it_was(store: Store, url: str, name: str, jobs: int, monkeypatch: Any) -> None:
    monkeypatch.setattr("store.rebuild._DISTANCE", 3)
    before = await contents(store, name)
    told: list[tuple[int, int]] = []
    built = await asyncio.to_thread(rebuild, url, name, jobs=jobs, tell=lambda *one: told.append(one))
    head = await store.following.head()
    assert (built.events, built.rows, built.changed) == (head, len(before), 0)
    assert len(before) > 3
    assert await contents(store, name) == before
    assert len(told) > 5
    assert told[-1] == (head, head)


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_broken_is_mended(store: Store, as_owner: Run, url: str, name: str) -> None:
    before = await contents(store, name)
    table = PROJECTIONS[name].table
    key = next(iter(table.primary_key)).name
    await as_owner(
        url,
        f"DELETE FROM hashi.{name} WHERE {key} = (SELECT min({key}) FROM hashi.{name})",
        f"UPDATE hashi.{name} SET version = version + 1 WHERE {key} = (SELECT max({key}) FROM hashi.{name})",
        f"INSERT INTO hashi.{name} SELECT * FROM jsonb_populate_record(NULL::hashi.{name}, "
        f"(SELECT to_jsonb(one) || jsonb_build_object('{key}', 'zzz') FROM hashi.{name} AS one LIMIT 1))",
    )
    assert (await asyncio.to_thread(rebuild, url, name)).changed == 2
    assert await contents(store, name) == before


async def test_a_projection_is_rebuilt_while_commands_go_on(store: Store, url: str) -> None:
    more = [walked(f"more{n}", 100 + n) for n in range(8)]
    coming = asyncio.ensure_future(append_all(store, more))
    built = []
    while not coming.done():
        for name in NAMES:
            built.append(await asyncio.to_thread(rebuild, url, name, jobs=1))
        await follow(store)
    await coming
    await follow(store)
    assert built[0].events < await store.following.head()
    for name in NAMES:
        before = await contents(store, name)
        assert (await asyncio.to_thread(rebuild, url, name)).changed == 0
        assert await contents(store, name) == before


@asynccontextmanager
async def stalled(as_owner: Run, url: str) -> AsyncIterator[tuple[asyncio.Future[Rebuilt], object]]:
    """A rebuild that waits to put its work in place, and its session."""
    async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", "", 1)) as holder:
        await holder.execute("SELECT FROM hashi.checkpoints WHERE follower = 'case_facts' FOR UPDATE")
        going = asyncio.ensure_future(asyncio.to_thread(rebuild, url, "case_facts", jobs=1))
        waiting: list[tuple[object, ...]] = []
        while not waiting:
            waiting = await as_owner(
                url,
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
        yield going, waiting[0][0]


async def test_a_rebuild_that_is_killed_changes_nothing_and_the_next_one_begins_anew(
    store: Store, as_owner: Run, url: str
) -> None:
    before = await contents(store, "case_facts")
    async with stalled(as_owner, url) as (going, session):
        await as_owner(url, f"SELECT pg_terminate_backend({session})")
        with pytest.raises(StoreUnreachable):
            await going
    assert await contents(store, "case_facts") == before
    assert (await asyncio.to_thread(rebuild, url, "case_facts")).changed == 0


async def test_two_rebuilds_of_one_projection_do_not_meet(store: Store, as_owner: Run, url: str) -> None:
    async with stalled(as_owner, url) as (going, _):
        with pytest.raises(RebuildUnderWay):
            await asyncio.to_thread(rebuild, url, "case_facts", jobs=1)
    assert (await going).changed == 0


async def test_the_command_line_says_what_was_rebuilt(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_owner: Run
) -> None:
    monkeypatch.setenv("HASHI_OWNER_URL", url)
    assert run(["db", "rebuild", "case_facts", "--jobs", "1", "--json"]) == 0
    told = capsys.readouterr()
    count = len(await contents(store, "case_facts"))
    assert json.loads(told.out) | {"seconds": 0} == {
        "name": "case_facts",
        "events": await store.following.head(),
        "rows": count,
        "changed": 0,
        "seconds": 0,
    }
    assert told.err == ""  # no bar in a pipe
    assert run(["db", "rebuild", "log_leaves"]) == 2
    async with stalled(as_owner, url) as (going, _):
        assert run(["db", "rebuild", "case_facts"]) == 2
        assert "another process" in capsys.readouterr().err
    await going


async def test_the_application_rebuilds_nothing(store: Store) -> None:
    for statement in ("DELETE FROM hashi.case_facts", "CREATE SCHEMA hashi_rebuild"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await fetch(store.pool, statement.encode())


async def test_the_facts_of_a_case_say_when_it_came_to_each_stage(store: Store) -> None:
    for row in await fetch(
        store.pool,
        "SELECT facts.stages, facts.entered_at, facts.furthest_stage, facts.opened_at, seen.stage, facts.version"
        " FROM hashi.case_facts AS facts JOIN hashi.case_overview AS seen USING (case_id, version, position)",
    ):
        stages, entered, furthest, opened, stage, _ = row
        assert len(stages) == len(entered)
        assert (entered[0], stages[-1], furthest in stages) == (opened, stage, True)
        assert entered == sorted(entered)
    assert len(await contents(store, "case_facts")) == len(await contents(store, "case_overview"))

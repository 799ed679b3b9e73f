"""Every role times every operation: as the table says, and what it does not mention fails; two banks never meet."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import make_url
from structlog.testing import capture_logs
from temporalio.client import Client

sys.path.append(str(Path(__file__).parent))

from serving import served
from who_may_what import COLUMNS, PAPER, Asked, Heard, Line, furnish, operations, sign, table

import console.answers
import migrations
from domain.scopes import Scope
from gateway.app import _AUDIENCES, create_app
from gateway.description import description
from gateway.scopes import NEEDED
from store.clock import Clock
from store.connect import Store
from workers.embedded import Stack


@dataclass(frozen=True)
class Place:
    """A gateway on a database of its own, which answers on a socket."""

    store: Store
    address: str
    told: Mapping[str, Any]
    known: Mapping[str, str]

    async def hears(self, key: str | None, asked: list[Asked]) -> list[tuple[Asked, Heard]]:
        """What is answered to *asked* with *key*."""
        line, loop = Line(self.address, key), asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as own:  # the gateway in this process needs the threads that are there for all
            return list(zip(asked, await loop.run_in_executor(own, line.ask_all, asked), strict=True))

    @property
    def asked(self) -> list[Asked]:
        """Every operation, addressed to what the first bank knows."""
        return operations(self.told, self.known)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Three thousand answers are not worth a line each."""
    with capture_logs():
        yield


@pytest.fixture(scope="module")
async def place(servers: Stack, engine: Client) -> AsyncIterator[Place]:
    """Its clock stands still at the end of the case."""
    name = f"who{os.urandom(4).hex()}"
    url = make_url(servers.database_url)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    own = url.set(database=name).render_as_string(hide_password=False)
    await asyncio.to_thread(migrations.upgrade, own)
    await Clock.make_movable(own)
    async with Store.open(own, [bytes(32)]) as store:
        known = await furnish(store)
        known["key_id"] = (await store.keys.issue("sato", "to be ended")).split("_")[1]
        app = create_app(store, engine)
        async with served(app) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
            key = await store.keys.issue("sato", "upload")
            kept = await client.post(
                "/v1/documents",
                files={"file": ("a.txt", b"x", "text/plain")},
                headers={"Authorization": f"Bearer {key}"},
            )
            known["document_id"] = kept.json()["document_id"]
            yield Place(store, address.removeprefix("http://"), description(app), known)


async def test_every_role_is_answered_every_operation_as_the_table_says(place: Place, tmp_path: Path) -> None:
    keys = {who: await place.store.keys.issue(who, "matrix") if who else None for who in COLUMNS.values()}
    heard = await asyncio.gather(*(place.hears(keys[who], place.asked) for who in COLUMNS.values()))
    rows = [(answers[0][0].name, [sign(*one) for one in answers]) for answers in zip(*heard, strict=True)]
    seen, accepted = table(rows), PAPER.read_text("utf-8") if PAPER.exists() else ""
    if seen == accepted:
        return
    (tmp_path / PAPER.name).write_text(seen, "utf-8")
    other = sorted(set(seen.splitlines()) ^ set(accepted.splitlines()))
    pytest.fail(f"look at each line; if it shall be so: cp {tmp_path / PAPER.name} {PAPER}\n" + "\n".join(other[:20]))


async def test_an_expired_key_opens_nothing_that_needs_one(place: Place) -> None:
    now = await place.store.clock.now()
    key = await place.store.keys.issue("admin", "old", now - timedelta(seconds=1))
    for one, heard in await place.hears(key, place.asked):
        assert (heard.status == 401) == (one.scope is not None), one.name


async def test_a_key_for_everything_else_opens_nothing(place: Place) -> None:
    others = [scope for scope in Scope if scope is not Scope.all]
    keys = {
        one: await place.store.keys.issue("admin", f"not {one}", scopes=[two for two in others if two is not one])
        for one in others
    }
    for scope, key in keys.items():
        for one, heard in await place.hears(key, [one for one in place.asked if one.scope == scope]):
            assert (heard.status, heard.code) == (403, "insufficient_scope"), one.name


@pytest.mark.parametrize(
    ("who", "case_id", "others"),
    [("ide", "c1", ["sato", "jfs-fukuoka", "F-2026-0031", '"c1"']), ("sato", "c2", ["ide", "jfs-saga", "S-1", '"c2"'])],
)
async def test_two_banks_never_see_each_other(place: Place, who: str, case_id: str, others: list[str]) -> None:
    key = await place.store.keys.issue(who, "curious")
    asked = operations(place.told, {**place.known, "case_id": case_id})
    for one, heard in await place.hears(key, [one for one in asked if one.method == "get" and one.scope is not None]):
        assert not [word for word in others if word in heard.text], f"{one.name}: {heard.text}"


def test_every_route_has_an_entry_that_says_what_it_needs() -> None:
    """Those that no description mentions, too."""
    routers = [*(one.router for one in _AUDIENCES), console.answers.router]
    routes = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    assert not {f"{method} {one.path}" for one in routes for method in one.methods} - NEEDED.keys()

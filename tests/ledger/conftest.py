"""One PostgreSQL for the folder, a fresh database for each module, and a store on it."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

import migrations
from store.clock import Clock
from store.connect import Store
from workers.embedded import Stack, throwaway

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "rules")]

from ledger_notes import note_types

KEY = bytes(range(32))
TEMPLATE = "hashi_template"


def named(url: str, database: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def libpq(url: str) -> str:
    """The URL as psycopg itself reads it."""
    return url.replace("+psycopg", "", 1)


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Stack]:
    """A throw-away server with a migrated template database."""
    async with throwaway(fast=True, in_memory_temporal=True) as stack:
        await run(stack.database_url, f"CREATE DATABASE {TEMPLATE}")
        template = named(stack.database_url, TEMPLATE)
        migrations.upgrade(template)
        await Clock.make_movable(template)
        yield stack


async def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run *statements* as the owner; the rows of the last one."""
    async with await psycopg.AsyncConnection.connect(libpq(url), autocommit=True) as connection:
        for statement in statements:
            cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def as_owner() -> Callable[..., Awaitable[list[tuple[object, ...]]]]:
    """The function *run*, for tests."""
    return run


@pytest.fixture(scope="session")
def new_database(server: Stack) -> Callable[[str | None], Awaitable[str]]:
    """Makes a database, a migrated one unless told otherwise, and tells its URL."""

    async def make(template: str | None = TEMPLATE) -> str:
        name = f"t{os.urandom(6).hex()}"
        await run(server.database_url, f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
        return named(server.database_url, name)

    return make


@pytest.fixture(scope="module")
async def url(new_database: Callable[[], Awaitable[str]]) -> str:
    """The owner's URL of this module's database."""
    return await new_database()


@pytest.fixture(scope="module")
async def store(url: str) -> AsyncIterator[Store]:
    """The store on this module's database, which knows the notes of the tests."""
    async with Store.open(url, [KEY], event_types=note_types) as opened:
        yield opened

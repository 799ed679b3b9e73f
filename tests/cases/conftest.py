"""Two servers for the folder; for each test a fresh case in a database of its own, whose clock stands still."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from store.clock import Clock
from store.connect import Store
from workers.case_worker import case_worker
from workers.embedded import Stack, throwaway

sys.path.append(str(Path(__file__).parent))

from case_desk import START, Desk, Time, register_everybody, skipping

KEY = bytes(range(32))
TEMPLATE = "hashi_template"


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Stack]:
    """PostgreSQL with a migrated template database, and Temporal's development server."""
    async with throwaway(fast=True, in_memory_temporal=True, search_attributes=SEARCH_ATTRIBUTES) as stack:
        await _create(stack, TEMPLATE)
        template = _named(stack, TEMPLATE)
        migrations.upgrade(template)
        await Clock.make_movable(template)
        async with Store.open(template, [KEY]) as store:
            await register_everybody(store)
            await store.clock.move(START)
        yield stack


@pytest.fixture(scope="session")
async def client(servers: Stack) -> Client:
    """A client of the development server."""
    return await Client.connect(servers.temporal_address, data_converter=pydantic_data_converter)


@pytest.fixture
async def store(servers: Stack) -> AsyncIterator[Store]:
    """The store on this test's database; its clock stands at START."""
    name = f"t{os.urandom(6).hex()}"
    await _create(servers, name, TEMPLATE)
    async with Store.open(_named(servers, name), [KEY]) as opened:
        yield opened


@pytest.fixture
def idle(client: Client, store: Store) -> Desk:
    """The desk of a fresh case which no worker serves."""
    return Desk.of_new_case(client, store)


@pytest.fixture
async def desk(idle: Desk) -> AsyncIterator[Desk]:
    """The desk of a fresh case, and a worker in the sandbox that serves it."""
    async with case_worker(idle.client, idle.store, task_queue=idle.task_queue):
        yield idle


@pytest.fixture
async def time(store: Store) -> AsyncIterator[Time]:
    """A fresh case on a server that skips time."""
    async with skipping(store) as moving:
        yield moving


def _named(stack: Stack, database: str) -> str:
    return make_url(stack.database_url).set(database=database).render_as_string(hide_password=False)


async def _create(stack: Stack, name: str, template: str = "template0") -> None:
    url = stack.database_url.replace("+psycopg", "", 1)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())

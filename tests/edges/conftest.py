"""One pair of servers for the folder, a store and an engine client on it, and people who call the gateway."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

import migrations
from activities.contract import SEARCH_ATTRIBUTES
from domain.envelope import CENTER, Organization, Person
from domain.stages.intake import ReferNeed
from domain.terms import OrganizationKind, Role
from gateway.app import create_app
from store.clock import Clock
from store.connect import Store
from workers.case_worker import case_worker
from workers.embedded import Stack, throwaway

sys.path.append(str(Path(__file__).parent))

from serving import served

MASTER_KEY = bytes(range(32))
ORGANIZATIONS = {
    CENTER: OrganizationKind.center,
    "jfs": OrganizationKind.bank,
    "other-bank": OrganizationKind.bank,
    "ariake": OrganizationKind.company,
    "kyudai": OrganizationKind.university,
    "lawyers": OrganizationKind.expert_office,
    "tlo": OrganizationKind.tlo,
}
PEOPLE = {
    "sato": (Role.bank_officer, "jfs"),
    "ito": (Role.bank_officer, "jfs"),
    "okada": (Role.bank_officer, "other-bank"),
    "tanaka": (Role.coordinator, CENTER),
    "mori": (Role.senior_coordinator, CENTER),
    "noda": (Role.auditor, CENTER),
    "ueda": (Role.company_representative, "ariake"),
    "hara": (Role.researcher, "kyudai"),
    "hoshi": (Role.researcher, "kyudai"),
    "endo": (Role.lender_officer, "jfs"),
    "doi": (Role.data_steward, CENTER),
    "seki": (Role.strategy_analyst, CENTER),
    "ueno": (Role.university_liaison, "kyudai"),
    "toda": (Role.tlo_officer, "tlo"),
    "hori": (Role.expert, "lawyers"),
    "admin": (Role.administrator, CENTER),
}
_references = itertools.count(1)


def body_of_need(reference: str | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a need, with a reference of its own unless told otherwise; None takes a field out."""
    own = {"bank_reference": reference or f"F-{next(_references):05d}"}
    data = {**ReferNeed.example, **own, **changes}
    return {"data": {name: value for name, value in data.items() if value is not None}}


class Voice(httpx.AsyncClient):
    """Somebody who speaks to a gateway."""

    async def refer(self, **changes: Any) -> str:
        """A case that begins with a need of this bank's; its id."""
        answer = await self.post("/v1/needs", json=body_of_need(**changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["case_id"])

    async def do(self, case: str, command: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """The answer to *command*; *headers* with _ for -."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.post(f"/v1/cases/{case}/commands/{command}", json=body or {"data": {}}, headers=told)


@pytest.fixture(scope="session")
def need() -> Callable[..., dict[str, Any]]:
    """Makes bodies of needs."""
    return body_of_need


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Stack]:
    """PostgreSQL with the schema, and Temporal."""
    async with throwaway(fast=True, search_attributes=SEARCH_ATTRIBUTES) as stack:
        await asyncio.to_thread(migrations.upgrade, stack.database_url)
        await Clock.make_movable(stack.database_url)
        yield stack


@pytest.fixture(scope="session")
async def engine(servers: Stack) -> Client:
    """A client of Temporal."""
    return await Client.connect(servers.temporal_address, data_converter=pydantic_data_converter)


@pytest.fixture(scope="session")
async def store(servers: Stack) -> AsyncIterator[Store]:
    """The store, with everybody registered."""
    async with Store.open(servers.database_url, [MASTER_KEY]) as opened:
        for org_id, kind in ORGANIZATIONS.items():
            await opened.directory.register_organization(Organization(org_id=org_id, kind=kind, name=org_id))
        for person_id, (role, org_id) in PEOPLE.items():
            await opened.directory.register_person(
                Person(person_id=person_id, role=role, org_id=org_id, name=person_id)
            )
        yield opened


@pytest.fixture(scope="session")
def app(store: Store, engine: Client) -> FastAPI:
    """The gateway of the session."""
    return create_app(store, engine)


@pytest.fixture(scope="session")
async def keys(store: Store) -> dict[str, str]:
    """A key for everybody."""
    return {person: await store.keys.issue(person, "test") for person in PEOPLE}


@pytest.fixture
async def call(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[Callable[..., Voice]]:
    """Makes the voice of a person, to the gateway of the session or another one."""
    opened: list[Voice] = []

    def make(person: str, to: FastAPI = app, **headers: str) -> Voice:
        transport = httpx.ASGITransport(to, raise_app_exceptions=False)
        told = {"Authorization": f"Bearer {keys[person]}", **headers}
        opened.append(Voice(transport=transport, base_url="http://gateway", headers=told, timeout=60))
        return opened[-1]

    yield make
    for one in opened:
        await one.aclose()


@pytest.fixture(scope="module")
async def worker(engine: Client, store: Store) -> AsyncIterator[None]:
    """A worker of the cases, for the tests of one module."""
    async with case_worker(engine, store):
        yield


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The gateway of the session on a real socket; its address."""
    async with served(app) as found:
        yield found

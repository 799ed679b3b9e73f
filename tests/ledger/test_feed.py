"""Feeds of lenders: complete, dense, in order, and never more than the company's consent lets them show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import groupby

import pytest
from jsonschema import Draft202012Validator
from ledger_cases import append_all, walked

from bench.feed import permitted
from domain.envelope import Organization
from domain.lending import granted, grants_of
from gateway.lender_contract import asyncapi
from store.connect import Store
from store.feed import Fed, feeding
from store.follow import Batch, Follower
from store.pool import Connection, fetch

LENDER = Organization(org_id="lender", kind="lender", name="融資公庫")
BANK = Organization(org_id="another", kind="bank", name="別の銀行")
LATE = Organization(org_id="late", kind="lender", name="後からの公庫")


@pytest.fixture(scope="module")
async def store(url: str) -> AsyncIterator[Store]:
    """A store with cases, many of which let lenders learn of them, and two lenders."""
    async with Store.open(url, [bytes(32)]) as opened:
        for one in (LENDER, BANK):
            await opened.directory.register_organization(one)
        await append_all(opened, [walked(f"f{n}", n, 40) for n in range(12)])
        yield opened


class Interrupted(Exception):
    """A relay dies."""


async def follow(store: Store, size: int) -> None:
    """Let the feed catch up in steps of *size* events; the relay dies before each commit, and goes on or is another."""
    feeder, is_doomed, handled = feeding(store.ledger), True, 1

    async def handle(connection: Connection, batch: Batch) -> None:
        await feeder.handle(connection, batch)
        if is_doomed:
            raise Interrupted

    while handled:
        with suppress(Interrupted):
            handled = await store.following.step(Follower("feed", handle, size))
            feeder = feeding(store.ledger)
        is_doomed = not is_doomed


async def numbered(store: Store, lender: Organization) -> list[tuple[int, str]]:
    query = "SELECT f.number, e.event_id::text FROM hashi.feed f JOIN hashi.events e USING (position)"
    return await fetch(store.pool, f"{query} WHERE f.lender_id = %s ORDER BY f.number".encode(), [lender.org_id])  # type: ignore[return-value]


async def test_a_lender_gets_what_is_permitted_once_in_order_under_dense_numbers(store: Store) -> None:
    await follow(store, 23)
    for lender in (LENDER, BANK):
        wanted = await permitted(store, lender)
        found = await numbered(store, lender)
        assert [number for number, _ in found] == list(range(1, len(wanted) + 1))
        assert [event_id for _, event_id in found] == wanted
        assert len(wanted) > 15


async def test_nothing_is_readable_but_under_a_consent_in_force(store: Store) -> None:
    await follow(store, 500)
    now = await store.clock.now()
    found = await store.feeds.read(LENDER, 0, 10_000)
    shown = 0
    for case_id, many in groupby(sorted(found, key=lambda one: one.case_id), lambda one: one.case_id):
        case = await store.feeds._cases.today(case_id)
        assert case is not None
        classes = granted(grants_of(case), LENDER, now)
        for one in many:
            assert (one.event is not None) == (classes is not None)
            assert one.classes == (classes or frozenset())
            shown += one.event is not None
    assert 0 < shown < len(found)


async def test_what_is_told_fits_the_contract(store: Store) -> None:
    await follow(store, 500)
    messages = asyncapi()["components"]["messages"].values()
    checks = {
        schema["properties"]["type"]["const"]: Draft202012Validator(schema)
        for schema in (one["payload"]["schema"] for one in messages)
        if "type" in schema["properties"]
    }
    told = [await store.feeds.told(LENDER, one) for one in await store.feeds.read(LENDER, 0, 10_000)]
    shown = [one for one in told if "withheld" not in one]
    for one in shown:
        checks[one["type"]].validate(one)
    assert len({one["type"] for one in shown}) > 5


async def test_a_lender_who_comes_late_gets_what_was_opened_to_all_lenders(store: Store) -> None:
    await follow(store, 500)
    before = await numbered(store, BANK)
    await store.directory.register_organization(LATE)
    await append_all(store, [walked("f-late", 3, 2)])
    await follow(store, 500)
    assert len(await numbered(store, LATE)) > 10
    assert (await numbered(store, BANK))[: len(before)] == before
    active = set(await permitted(store, BANK))
    got = [event_id for _, event_id in await numbered(store, LATE)]
    assert len(got) == len(set(got))
    assert set(got) <= active


async def test_whoever_waits_hears_of_news_at_once(store: Store) -> None:
    await follow(store, 500)
    ring = store.hearing.next(LENDER.org_id)
    await asyncio.sleep(0.2)  # until the session listens; without it the ring below is missed
    await append_all(store, [walked(f"f-news{n}", n, 20) for n in range(8)])
    before = len(await numbered(store, LENDER))
    await follow(store, 500)
    assert len(await numbered(store, LENDER)) > before
    async with asyncio.timeout(5):
        await ring.wait()


async def test_one_event_is_found_by_its_id_in_the_feed_of_its_lender_alone(store: Store) -> None:
    await follow(store, 500)
    number, event_id = (await numbered(store, LENDER))[0]
    found = await store.feeds.one(LENDER, event_id)
    assert isinstance(found, Fed)
    assert found.number == number
    assert await store.feeds.one(Organization(org_id="nobody", kind="lender", name="無関係"), event_id) is None

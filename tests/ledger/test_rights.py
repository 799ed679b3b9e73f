"""Who may write: the one function, and nobody around it, not even the owner."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from ledger_notes import new_stream, note_types, notes, overview
from sqlalchemy import make_url

import migrations
from store.append import Appended, NaturalKey
from store.connect import Store
from store.pool import fetch, reading_as

Run = Callable[..., Awaitable[list[tuple[object, ...]]]]

FORBIDDEN = [
    "INSERT INTO hashi.events SELECT * FROM hashi.events",
    "INSERT INTO hashi.case_overview SELECT * FROM hashi.case_overview",
    "INSERT INTO hashi.referrals SELECT * FROM hashi.referrals",
    "DELETE FROM hashi.events",
    "DELETE FROM hashi.case_overview",
    "DELETE FROM hashi.referrals",
    "TRUNCATE hashi.events",
    "TRUNCATE hashi.case_overview",
    "TRUNCATE hashi.referrals",
    "UPDATE hashi.events SET command_id = 'x'",
    "UPDATE hashi.case_overview SET stage = 'x'",
    "UPDATE hashi.referrals SET case_id = 'x'",
    "UPDATE hashi.commands SET name = 'x'",
    "DELETE FROM hashi.commands",
    "UPDATE hashi.refusals SET code = 'x'",
    "DELETE FROM hashi.refusals",
    "UPDATE hashi.documents SET content = ''",
    "DELETE FROM hashi.documents",
    "DELETE FROM hashi.people",
    "UPDATE hashi.clock SET movable = true",
    "ALTER TABLE hashi.events DISABLE TRIGGER keep_events",
    "DROP TABLE hashi.events",
    "SELECT hashi.put_overview('{}', 1, 1)",
    "SELECT hashi.take_turn()",
    "SELECT setval('hashi.case_numbers', 1)",
    "CREATE TABLE hashi.mine (n int)",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_application_may_not(store: Store, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await fetch(store.pool, statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hashi.events SET command_id = 'x'",
        "UPDATE hashi.events SET command_id = 'x' WHERE false",
        "DELETE FROM hashi.events",
        "TRUNCATE hashi.events",
        "SET session_replication_role = replica; DELETE FROM hashi.events",
    ],
)
async def test_not_even_the_owner_changes_an_event(store: Store, as_owner: Run, url: str, statement: str) -> None:
    await store.ledger.append(notes(new_stream(), 0, "c1"))
    before = await store.ledger.bodies(0, 1000)
    with pytest.raises(psycopg.Error, match="kept for ever") as caught:
        await as_owner(url, statement)
    assert caught.value.sqlstate == "HS001"
    assert await store.ledger.bodies(0, 1000) == before


async def test_a_reader_reads_events_and_nothing_personal(as_owner: Run, url: str) -> None:
    for table in ("events", "case_overview", "documents"):
        await as_owner(url, "SET ROLE hashi_reader", f"SELECT * FROM hashi.{table}")
    for table in ("commands", "people", "api_keys", "contacts", "subject_keys", "refusals", "referrals"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await as_owner(url, "SET ROLE hashi_reader", f"SELECT * FROM hashi.{table}")


async def test_a_plain_owner_who_is_a_member_of_the_role_suffices(server: object, url: str, as_owner: Run) -> None:
    name = make_url(url).database
    await as_owner(url, f"CREATE ROLE owner_{name} LOGIN", f"GRANT hashi_app TO owner_{name}")
    await as_owner(url, f"CREATE DATABASE plain_{name} OWNER owner_{name} TEMPLATE template0")
    theirs = make_url(url).set(username=f"owner_{name}", database=f"plain_{name}").render_as_string()
    await asyncio.to_thread(migrations.upgrade, theirs)
    stream = new_stream()
    wanted = notes(stream, 0, "c1", overview=overview(stream), referral=NaturalKey("b", "r", stream, b""))
    async with Store.open(theirs, [bytes(32)], event_types=note_types) as store:
        assert await store.ledger.append(wanted) == Appended(1, 1, 1)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await fetch(store.pool, b"DELETE FROM hashi.events")
        with reading_as(("bank:b1",)):
            assert await store.overview.case(stream) is not None
    everything = await as_owner(theirs, "SET row_security = off", "SELECT stream FROM hashi.events")  # as pg_dump does
    assert everything == [(stream,)]

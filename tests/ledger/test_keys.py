"""With which key somebody comes: for what, until when, and followed by which other one."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from domain.envelope import CENTER, Organization, Person
from domain.scopes import Scope
from domain.terms import OrganizationKind, Role
from store.connect import Store
from store.keys import AlreadyRotated, Keys
from store.pool import fetch

HOME = Organization(org_id=CENTER, kind=OrganizationKind.center, name="交流センター")
TANAKA = Person(person_id="tanaka", role=Role.coordinator, org_id=CENTER, name="田中")
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
async def keys(store: Store) -> Keys:
    """Keys of one person."""
    await store.directory.register_organization(HOME)
    await store.directory.register_person(TANAKA)
    return store.keys


async def test_a_token_tells_who_comes(keys: Keys) -> None:
    token = await keys.issue("tanaka", "laptop")
    assert token.startswith("hk_")
    caller = await keys.who(token)
    assert caller is not None
    assert (caller.person, caller.organization, caller.key_id) == (TANAKA, HOME, token.split("_")[1])
    assert await keys.who(token) == caller


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + "?", lambda t: t[3:], lambda t: "hk_0_" + t, lambda _t: "", lambda t: t + "A"]
)
async def test_what_is_no_token_tells_nothing(keys: Keys, change: object) -> None:
    token = await keys.issue("tanaka", "laptop")
    assert callable(change)
    assert await keys.who(change(token)) is None


async def test_the_secret_is_not_kept(keys: Keys, store: Store) -> None:
    token = await keys.issue("tanaka", "laptop")
    secret = token.split("_", 2)[2].encode()
    async with store.pool.connection() as connection:
        cursor = await connection.execute("SELECT api_keys::text FROM hashi.api_keys")
        assert not any(secret in row[0].encode() for row in await cursor.fetchall())


async def test_an_expired_key_opens_nothing(keys: Keys) -> None:
    now = datetime.now(UTC)
    assert await keys.who(await keys.issue("tanaka", "old", now - timedelta(seconds=1))) is None
    assert await keys.who(await keys.issue("tanaka", "new", now + timedelta(days=1))) is not None


async def test_a_revoked_key_opens_nothing(keys: Keys) -> None:
    token = await keys.issue("tanaka", "lost")
    assert await keys.who(token) is not None
    await keys.revoke(token.split("_")[1])
    assert await keys.who(token) is None


async def test_a_key_belongs_to_a_known_person(keys: Keys) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await keys.issue("nobody", "x")


async def test_what_is_revoked_in_one_process_ends_in_every_other_at_once(keys: Keys, store: Store) -> None:
    other, token = Keys(store.pool), await keys.issue("tanaka", "lost")
    assert await other.who(token) is not None
    await keys.revoke(token.split("_")[1])
    assert await other.who(token) is None


async def test_a_key_is_for_its_scopes_and_no_other(keys: Keys) -> None:
    some = await keys.who(await keys.issue("tanaka", "narrow", scopes=[Scope.needs_write]))
    whole = await keys.who(await keys.issue("tanaka", "wide"))
    assert some is not None and whole is not None
    assert some.may(Scope.needs_write) and not some.may(Scope.cases_read)
    assert whole.may(Scope.cases_read)


async def test_the_last_use_of_a_key_is_told(keys: Keys, store: Store) -> None:
    token = await keys.issue("tanaka", "used")
    key_id = token.split("_")[1]
    unused = await keys.find(key_id)
    await keys.who(token)
    once = await keys.find(key_id)
    await fetch(store.pool, "UPDATE hashi.api_keys SET last_used_at = last_used_at - interval '1 hour'")
    await asyncio.gather(*(keys.who(token) for _ in range(4)))
    again = await keys.find(key_id)
    assert unused is not None and unused.last_used_at is None
    assert once is not None and once.last_used_at is not None
    assert again is not None and again.last_used_at is not None and again.last_used_at >= once.last_used_at


async def test_two_keys_are_live_while_one_takes_the_place_of_the_other(keys: Keys) -> None:
    first = await keys.issue("tanaka", "core", scopes=[Scope.needs_write])
    second = await keys.rotate(first.split("_")[1], WEEK)
    assert second is not None
    old, new = await keys.who(first), await keys.who(second)
    assert old is not None and new is not None and new.scopes == {"needs:write"}
    for one in (first, second):
        with pytest.raises(AlreadyRotated):
            await keys.rotate(one.split("_")[1], WEEK)
    await keys.revoke(first.split("_")[1])
    assert await keys.rotate(second.split("_")[1], timedelta()) is not None
    assert await keys.who(second) is None


async def test_a_key_is_rotated_once_by_however_many(keys: Keys) -> None:
    key_id = (await keys.issue("tanaka", "raced")).split("_")[1]
    told = await asyncio.gather(*(keys.rotate(key_id, WEEK) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["AlreadyRotated"] * 3 + ["str"]


async def test_a_key_that_ended_is_not_rotated(keys: Keys) -> None:
    key_id = (await keys.issue("tanaka", "gone")).split("_")[1]
    await keys.revoke(key_id)
    assert await keys.rotate(key_id, WEEK) is None
    assert await keys.rotate("unknown", WEEK) is None


async def test_a_new_key_lives_as_long_as_the_old_one_was_to(keys: Keys, store: Store) -> None:
    now = await store.clock.now()
    old = await keys.find((await keys.issue("tanaka", "yearly", now + timedelta(days=365))).split("_")[1])
    assert old is not None and old.expires_at is not None
    token = await keys.rotate(old.key_id, WEEK)
    new, ending = await keys.find(token.split("_")[1] if token else ""), await keys.find(old.key_id)
    assert new is not None and new.expires_at is not None
    assert new.expires_at > old.expires_at
    assert ending is not None and ending.expires_at is not None and ending.expires_at < old.expires_at


async def test_ended_keys_are_listed_only_when_asked_for(keys: Keys) -> None:
    key_id = (await keys.issue("tanaka", "ended")).split("_")[1]
    await keys.revoke(key_id)
    assert key_id not in {one.key_id for one in await keys.listed("tanaka")}
    assert key_id in {one.key_id for one in await keys.listed("tanaka", ended=True)}
    assert await keys.listed("nobody", ended=True) == []

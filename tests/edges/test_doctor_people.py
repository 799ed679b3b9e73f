"""The doctor looks at who comes in: keys that end or lie unused, and issuers that do not answer."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import psycopg

sys.path.append(str(Path(__file__).parent))

from issuer import Issuer, serving

from store.connect import Store
from store.pool import connect_arguments, fetch
from workers.doctor.finding import Finding, Level
from workers.doctor.people import examine_issuers, examine_people
from workers.embedded import Stack
from workers.settings import Settings


def looked(url: str) -> list[Finding]:
    with psycopg.connect(**connect_arguments(url)) as connection:
        return list(examine_people(connection))


async def test_keys_that_end_soon_or_lie_unused_are_named(servers: Stack, store: Store) -> None:
    others = "UPDATE hashi.api_keys SET revoked_at = hashi.now() WHERE expires_at < hashi.now() + interval '30 days'"
    await fetch(store.pool, others.encode())
    soon = (await store.keys.issue("ito", "soon", await store.clock.now() + timedelta(days=10))).split("_")[1]
    idle = (await store.keys.issue("ito", "idle")).split("_")[1]
    await fetch(
        store.pool, "UPDATE hashi.api_keys SET created_at = created_at - interval '91 days' WHERE key_id = %s", [idle]
    )
    told = [one for one in await asyncio.to_thread(looked, servers.database_url) if one.level is Level.warning]
    assert [(name in one.told, one.remedy) for name, one in zip((soon, idle), told, strict=True)] == [
        (True, "hashi keys rotate KEY, and tell their owners"),
        (True, "hashi keys revoke KEY, if nobody needs them"),
    ]
    for key_id in (soon, idle):
        await store.keys.revoke(key_id)
    assert {one.level for one in await asyncio.to_thread(looked, servers.database_url)} == {Level.ok}


async def test_an_issuer_that_does_not_answer_is_named() -> None:
    async with serving(Issuer()) as issuer:
        settings = Settings(oauth_issuers=issuer.address, oidc_issuer=f"{issuer.address}/elsewhere")
        found = [one async for one in examine_issuers(settings)]
        assert [one.level for one in found] == [Level.ok, Level.unreachable]
        assert "HASHI_OIDC_ISSUER" in found[1].told
    refused = [one async for one in examine_issuers(Settings(oauth_issuers="http://id.bank.example"))]
    assert [one.level for one in refused] == [Level.fault] and "https" in refused[0].told

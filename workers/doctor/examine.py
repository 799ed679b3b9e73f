"""The round of the doctor: what is looked at, in which order."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
from temporalio.envconfig import ClientConfig

from workers.doctor.database import examine_database
from workers.doctor.engine import examine_temporal
from workers.doctor.finding import Finding, fault, not_running, ok, unreachable
from workers.doctor.machine import examine_machine
from workers.doctor.people import examine_issuers
from workers.settings import Settings, SettingsFault
from workers.up.home import UpHome


async def examine() -> list[Finding]:
    """Look at everything."""
    try:
        settings = Settings.load()
    except SettingsFault as error:
        return [*examine_machine(None), fault("Settings", str(error), "correct the environment")]
    return [*examine_machine(settings), *[one async for one in _servers(settings)]]


async def _servers(settings: Settings) -> AsyncIterator[Finding]:
    """The servers that the environment names, else those of the `hashi up` that runs here."""
    home = UpHome.at(settings.home)
    local = home.is_served()
    servers = home.servers() if local else {}
    keys = _keys(settings, home if local else None)
    if isinstance(keys, Finding):
        yield keys
        return
    url = settings.database_url or servers.get("database_url")
    if url:
        for finding in await asyncio.to_thread(lambda: list(examine_database(url, keys))):
            yield finding
    else:
        yield not_running("PostgreSQL")
    async for finding in examine_issuers(settings):
        yield finding
    if _names_temporal() or servers.get("temporal_address"):
        address = None if _names_temporal() else servers["temporal_address"]
        async for finding in examine_temporal(settings, address):
            yield finding
    else:
        yield not_running("Temporal")
    address = settings.url or home.record().get("url") if local or settings.url else None
    yield await _gateway(address) if address else not_running("Gateway")


def _keys(settings: Settings, local: UpHome | None) -> list[bytes] | Finding:
    if local is not None and settings.master_key is None and settings.master_key_file is None:
        settings = settings.model_copy(update={"master_key_file": local.master_key})
    try:
        return settings.master_keys()
    except SettingsFault as error:
        return fault("Master key", str(error), "correct it; without it nothing that is sealed can be read")


def _names_temporal() -> bool:
    try:
        told: dict[str, Any] = {**ClientConfig.load_client_connect_config()}
    except Exception:  # examined, and told, by examine_temporal
        return True
    return bool(told.get("target_host") or os.environ.get("TEMPORAL_PROFILE"))


async def _gateway(url: str) -> Finding:
    remedy = "hashi up, or hashi gateway; or correct HASHI_URL"
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.get(f"{url}/readyz")
    except httpx.TransportError as error:
        return unreachable("Gateway", f"{url} does not answer: {error}", remedy)
    if not answer.is_success:
        return fault("Gateway", f"{url} is not ready: {answer.text}", "see to the server it names")
    return ok("Gateway", url)

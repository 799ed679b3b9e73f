"""Who comes in: an administrator, keys that end or lie unused, and issuers that answer."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from gateway.keysets import IssuerUnreachable, discovered
from workers.doctor.finding import Finding, fault, ok, unreachable, warning
from workers.settings import Settings, SettingsFault

_SHOWN: Final = 5
_KEYS: Final = """
SELECT key_id, expires_at < hashi.now() + interval '30 days',
    coalesce(last_used_at, created_at) < hashi.now() - interval '90 days'
FROM hashi.api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > hashi.now()) ORDER BY key_id
"""
_ADMINISTRATORS: Final = "SELECT count(*) FROM hashi.people WHERE role = 'administrator'"


def examine_people(connection: psycopg.Connection[TupleRow]) -> Iterator[Finding]:
    """Look at the administrators and the keys that are live."""
    row = connection.execute(_ADMINISTRATORS).fetchone()
    if not row or not row[0]:
        yield warning("Administrator", "there is none", "hashi people first-administrator")
    keys = connection.execute(_KEYS).fetchall()
    ending = [str(key_id) for key_id, ends, _ in keys if ends]
    unused = [str(key_id) for key_id, _, lies in keys if lies]
    if ending:
        yield warning(
            "API keys", f"end within 30 days: {_some(ending)}", "hashi keys rotate KEY, and tell their owners"
        )
    if unused:
        yield warning(
            "API keys", f"not used for 90 days: {_some(unused)}", "hashi keys revoke KEY, if nobody needs them"
        )
    if not ending and not unused:
        yield ok("API keys", f"{len(keys)} live; none ends within 30 days or lies unused")


async def examine_issuers(settings: Settings) -> AsyncIterator[Finding]:
    """Ask each issuer that is trusted, and the identity provider, for its metadata."""
    try:
        provider = settings.provider()
        named = dict.fromkeys(settings.trusted_issuers(), "HASHI_OAUTH_ISSUERS")
    except SettingsFault as error:
        yield fault("Issuer", str(error), "correct it")
        return
    if provider is not None:
        named[provider.issuer] = "HASHI_OIDC_ISSUER"
    for issuer, variable in named.items():
        try:
            await discovered(issuer)
        except IssuerUnreachable as error:
            yield unreachable("Issuer", f"{variable}: {error}", "correct the address, or ask whoever runs it")
        else:
            yield ok("Issuer", f"{issuer} answers")


def _some(ids: list[str]) -> str:
    shown = ", ".join(ids[:_SHOWN])
    return shown if len(ids) <= _SHOWN else f"{shown} and {len(ids) - _SHOWN} more"

"""Organizations, people and the keys they come with."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.envelope import Organization, Person, made_id
from domain.terms import OrganizationKind
from store.pool import Pool, fetch, rows
from store.tables import api_keys, organizations, people

_MEMORY: Final = 5.0
"""Seconds for which a process remembers who a token is: so long may a revoked key go on elsewhere."""
_REMEMBERED: Final = 10_000
_WHO: Final = """
SELECT k.secret_hash, row_to_json(p), row_to_json(o)
FROM hashi.api_keys k JOIN hashi.people p USING (person_id) JOIN hashi.organizations o USING (org_id)
WHERE k.key_id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > hashi.now())
"""
_FOLLOW: Final = """
WITH moved AS (UPDATE hashi.people SET org_id = %(new)s WHERE org_id = %(old)s)
UPDATE hashi.organizations SET successor_id = %(new)s WHERE org_id = %(old)s OR successor_id = %(old)s
"""


@dataclass(frozen=True)
class Caller:
    """Who comes with a token."""

    person: Person
    organization: Organization
    key_id: str


class Directory:
    """Keeps who is who. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[bytes, tuple[float, Caller]] = {}

    async def register_organization(self, organization: Organization) -> None:
        """Add *organization*, or change what it says where its id is known; its successor is told to `follow` alone.

        Raises psycopg.errors.UniqueViolation when another one has its corporate number.
        """
        values = organization.model_dump(mode="json", exclude={"successor_id"})
        changes = {name: value for name, value in values.items() if name in organization.model_fields_set}
        await self._put(organizations, "org_id", values, changes)

    async def introduce(self, organization: Organization) -> None:
        """Add *organization*, unless its id or its corporate number is known."""
        adding = insert(organizations).values(organization.model_dump(mode="json"))
        await rows(self._pool, adding.on_conflict_do_nothing())

    async def follow(self, org_id: str, successor_id: str) -> None:
        """*org_id*, and whatever merged into it, goes on in *successor_id*: its people belong there from now on.

        Other processes may take a person for one of the old organization for 5 s more.
        """
        await fetch(self._pool, _FOLLOW, {"old": org_id, "new": successor_id})
        self._known.clear()

    async def register_person(self, person: Person) -> None:
        """Add *person*, or change them where their id is known.

        Raises psycopg.errors.ForeignKeyViolation for an unknown organization.
        """
        values = person.model_dump(mode="json")
        await self._put(people, "person_id", values, values)

    async def register_company(self, corporate_number: str, name: str, prefecture: str | None) -> str:
        """The id of the company with *corporate_number*, or of its successor; when it is unknown it is added."""
        company = Organization(
            org_id=made_id("company", corporate_number),
            kind=OrganizationKind.company,
            name=name,
            prefecture=prefecture,
            corporate_number=corporate_number,
        )
        await self.introduce(company)
        today = func.coalesce(organizations.c.successor_id, organizations.c.org_id).label("org_id")
        named = select(today).where(organizations.c.corporate_number == corporate_number)
        return str((await rows(self._pool, named))[0]["org_id"])

    async def organization(self, org_id: str) -> Organization | None:
        """The organization *org_id*, None when it is unknown."""
        found = await rows(self._pool, select(organizations).where(organizations.c.org_id == org_id))
        return Organization(**found[0]) if found else None

    async def organizations(self, kind: OrganizationKind | None = None) -> list[Organization]:
        """All organizations, or those of one *kind*, by id."""
        statement = select(organizations).order_by(organizations.c.org_id)
        if kind is not None:
            statement = statement.where(organizations.c.kind == kind.value)
        return [Organization(**row) for row in await rows(self._pool, statement)]

    async def person(self, person_id: str) -> Person | None:
        """The person *person_id*, None when they are unknown."""
        found = await rows(self._pool, select(people).where(people.c.person_id == person_id))
        return Person(**found[0]) if found else None

    async def people(self, org_id: str | None = None) -> list[Person]:
        """All people, or those of one organization, by id."""
        statement = select(people).order_by(people.c.person_id)
        if org_id is not None:
            statement = statement.where(people.c.org_id == org_id)
        return [Person(**row) for row in await rows(self._pool, statement)]

    async def issue(self, person_id: str, label: str, expires_at: datetime | None = None) -> str:
        """A new token `hk_<key id>_<secret>` for *person_id*, shown this once: only the secret's hash is kept.

        Raises psycopg.errors.ForeignKeyViolation for an unknown person.
        """
        key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        values = {
            "key_id": key_id,
            "secret_hash": _hash(secret),
            "person_id": person_id,
            "label": label,
            "expires_at": expires_at,
        }
        await rows(self._pool, insert(api_keys).values(values))
        return f"hk_{key_id}_{secret}"

    async def revoke(self, key_id: str) -> None:
        """End the key *key_id*; other processes may go by it for 5 s more."""
        ending = update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        await rows(self._pool, ending.values(revoked_at=func.hashi.now()))
        self._known.clear()

    async def who(self, token: str) -> Caller | None:
        """Who comes with *token*; None when it is no token, unknown, expired or revoked. Remembered for 5 s."""
        name, now = hashlib.sha256(token.encode()).digest(), asyncio.get_running_loop().time()
        until, caller = self._known.get(name, (0.0, None))
        if caller is not None and now < until:
            return caller
        caller = await self._look_up(token)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if caller is not None:
            self._known[name] = (now + _MEMORY, caller)
        return caller

    async def _look_up(self, token: str) -> Caller | None:
        match token.split("_", 2):
            case ["hk", key_id, secret]:
                for kept, person, organization in await fetch(self._pool, _WHO, [key_id]):
                    if hmac.compare_digest(kept, _hash(secret)):
                        return Caller(Person(**person), Organization(**organization), key_id)
        return None

    def forget(self) -> None:
        """Look everybody up anew: somebody was erased."""
        self._known.clear()

    async def _put(self, table: Table, key: str, values: dict[str, Any], changes: dict[str, Any]) -> None:
        statement = insert(table).values(values).on_conflict_do_update(index_elements=[key], set_=changes)
        await rows(self._pool, statement)
        self._known.clear()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

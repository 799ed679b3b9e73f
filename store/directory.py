"""Organizations and people."""

from typing import Any, Final

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert

from domain.envelope import Organization, Person, made_id
from domain.terms import OrganizationKind
from store.pool import Pool, fetch, rows
from store.tables import organizations, people

_FOLLOW: Final = """
WITH moved AS (UPDATE hashi.people SET org_id = %(new)s WHERE org_id = %(old)s)
UPDATE hashi.organizations SET successor_id = %(new)s WHERE org_id = %(old)s OR successor_id = %(old)s
"""


class Directory:
    """Keeps who is who. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

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
        """*org_id*, and whatever merged into it, goes on in *successor_id*: its people belong there from now on."""
        await fetch(self._pool, _FOLLOW, {"old": org_id, "new": successor_id})

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

    async def organizations(
        self, kind: OrganizationKind | None = None, *, after: str = "", limit: int | None = None
    ) -> list[Organization]:
        """The organizations behind *after* by id, all or those of one *kind*."""
        statement = select(organizations).where(organizations.c.org_id > after)
        statement = statement.order_by(organizations.c.org_id).limit(limit)
        if kind is not None:
            statement = statement.where(organizations.c.kind == kind.value)
        return [Organization(**row) for row in await rows(self._pool, statement)]

    async def person(self, person_id: str) -> Person | None:
        """The person *person_id*, None when they are unknown."""
        found = await rows(self._pool, select(people).where(people.c.person_id == person_id))
        return Person(**found[0]) if found else None

    async def people(self, org_id: str | None = None, *, after: str = "", limit: int | None = None) -> list[Person]:
        """The people behind *after* by id, all or those of one organization."""
        statement = select(people).where(people.c.person_id > after).order_by(people.c.person_id).limit(limit)
        if org_id is not None:
            statement = statement.where(people.c.org_id == org_id)
        return [Person(**row) for row in await rows(self._pool, statement)]

    async def _put(self, table: Table, key: str, values: dict[str, Any], changes: dict[str, Any]) -> None:
        statement = insert(table).values(values).on_conflict_do_update(index_elements=[key], set_=changes)
        await rows(self._pool, statement)

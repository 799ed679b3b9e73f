"""Who is away, and who stands in; and how much work each coordinator has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import any_, case, delete, func, select
from sqlalchemy.dialects.postgresql import array, insert

from domain.terms import Role, Status
from store.pool import Pool, rows, transaction
from store.tables import absences, case_overview, people

_TABLE: Final = absences.c


@dataclass(frozen=True)
class Absence:
    """Days, both included, on which a person is away, and who stands in."""

    starts_on: date
    ends_on: date
    substitute_id: str | None = None


@dataclass(frozen=True)
class Workload:
    """One coordinator's cases now."""

    person_id: str
    open_cases: int
    held_cases: int
    overdue_cases: int
    absence: Absence | None = None


class Absences:
    """Keeps absences. Every method raises StoreUnreachable when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, person_id: str, planned: Sequence[Absence]) -> None:
        """The absences of *person_id* are *planned* from now on, and no others.

        Raises psycopg.errors.ForeignKeyViolation for an unknown person.
        """
        async with transaction(self._pool) as connection:
            await rows(connection, delete(absences).where(_TABLE.person_id == person_id))
            if planned:
                values = [{"person_id": person_id, **vars(one)} for one in planned]
                await rows(connection, insert(absences).values(values))

    async def of_person(self, person_id: str) -> list[Absence]:
        """The absences of *person_id*, in order."""
        statement = select(absences).where(_TABLE.person_id == person_id).order_by(_TABLE.starts_on)
        return [_absence(row) for row in await rows(self._pool, statement)]

    async def on(self, day: date, person_ids: Iterable[str]) -> dict[str, Absence]:
        """Those of *person_ids* who are away on *day*."""
        ids = sorted(set(person_ids))
        if not ids:
            return {}
        away = (_TABLE.starts_on <= day) & (_TABLE.ends_on >= day)
        statement = select(absences).where(_TABLE.person_id == any_(array(ids)), away)
        return {row["person_id"]: _absence(row) for row in await rows(self._pool, statement)}

    async def workloads(self, now: datetime, day: date) -> list[Workload]:
        """Every coordinator with the cases in their hands, the busiest first."""
        told = case_overview.c
        mine = told.coordinator_id == people.c.person_id
        counted = (
            select(
                people.c.person_id,
                func.count(case((told.status == Status.open.value, 1))).label("open_cases"),
                func.count(case((told.status == Status.held.value, 1))).label("held_cases"),
                func.count(case((told.next_due_at < now, 1))).label("overdue_cases"),
            )
            .select_from(people.outerjoin(case_overview, mine & (told.status != Status.closed.value)))
            .where(people.c.role == any_(array([Role.coordinator.value, Role.senior_coordinator.value])))
            .group_by(people.c.person_id)
        )
        found = await rows(self._pool, counted)
        away = await self.on(day, [row["person_id"] for row in found])
        loads = [Workload(**row, absence=away.get(row["person_id"])) for row in found]
        return sorted(loads, key=lambda one: (-one.open_cases, one.person_id))


def _absence(row: dict[str, Any]) -> Absence:
    return Absence(row["starts_on"], row["ends_on"], row["substitute_id"])

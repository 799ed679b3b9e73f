"""Who is away and who stands in, and how the work is spread over the coordinators."""

from itertools import pairwise
from typing import Any, Final

import psycopg.errors
from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator

from domain.calendar import japanese_day
from domain.reasons import Wording
from domain.records import Day, Key, Record
from domain.refusals import Refusal
from domain.terms import Role
from domain.visibility import CENTER_ROLES
from gateway.auth import actor_of
from gateway.bodies import fitted
from gateway.commands import known_form
from gateway.parts import gateway_of
from gateway.problems import Fault, Problem, refused, unfit
from gateway.views import answer
from store.absences import Absence

router: Final = APIRouter(tags=["people"])
_KEEPERS: Final = frozenset({Role.administrator, Role.senior_coordinator})
_NOBODY: Final = Wording("この利用者は登録されていません。", "There is no such person.")
_NO_SUBSTITUTE: Final = Wording(
    "代理は同じ機関・同じ役割の別の人です。", "A substitute is another person of the same organization and role."
)


class AbsenceBody(Record):
    """Days on which somebody is away, both included, and who stands in."""

    starts_on: Day
    ends_on: Day
    substitute_id: Key | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "AbsenceBody":
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on: comes before starts_on")
        return self


class AbsencesBody(Record):
    """All absences of a person that lie ahead, in place of those known."""

    absences: tuple[AbsenceBody, ...] = Field((), max_length=100)

    @model_validator(mode="after")
    def _apart(self) -> "AbsencesBody":
        ordered = sorted(self.absences, key=lambda one: one.starts_on)
        for one, following in pairwise(ordered):
            if following.starts_on <= one.ends_on:
                raise ValueError("absences: two of them overlap")
        return self


@router.put("/v1/people/{person_id}/absences", openapi_extra={"x-body": AbsencesBody.__name__, "x-answer": "Absences"})
async def put_absences(request: Request, person_id: str) -> Response:
    """Say when one is away and who stands in; a senior coordinator or administrator says it for others."""
    gateway, actor = gateway_of(request), await actor_of(request)
    _require_own(actor.role, actor.person, person_id)
    body = await fitted(request, AbsencesBody, gateway.settings.body_limit)
    person = await gateway.store.directory.person(known_form(person_id))
    if person is None:
        raise Problem("unknown_person", _NOBODY)
    for place, one in enumerate(body.absences):
        if one.substitute_id is None:
            continue
        other = await gateway.store.directory.person(one.substitute_id)
        fits = other is not None and (other.role, other.org_id) == (person.role, person.org_id)
        if not fits or one.substitute_id == person_id:
            raise unfit(Fault(f"/absences/{place}/substitute_id", _NO_SUBSTITUTE))
    planned = [Absence(one.starts_on, one.ends_on, one.substitute_id) for one in body.absences]
    try:
        await gateway.store.absences.put(person_id, planned)
    except psycopg.errors.ForeignKeyViolation as error:
        raise Problem("unknown_person", _NOBODY) from error
    return answer({"items": [_told(one) for one in planned], "next": None})


@router.get("/v1/people/{person_id}/absences", openapi_extra={"x-answer": "Absences"})
async def list_absences(request: Request, person_id: str) -> Response:
    """When a person is away: for themselves and for the center."""
    gateway, actor = gateway_of(request), await actor_of(request)
    if actor.role not in CENTER_ROLES:
        _require_own(actor.role, actor.person, person_id)
    found = await gateway.store.absences.of_person(known_form(person_id))
    return answer({"items": [_told(one) for one in found], "next": None})


@router.get("/v1/workload", openapi_extra={"x-answer": "Workloads"})
async def list_workload(request: Request) -> Response:
    """Every coordinator with their open, held and overdue cases, the busiest first, and who is away today."""
    gateway, actor = gateway_of(request), await actor_of(request)
    if actor.role not in CENTER_ROLES | {Role.administrator}:
        raise refused(Refusal.of("not_permitted", role=actor.role, command="ListWorkload"))
    now = await gateway.store.clock.now()
    found = await gateway.store.absences.workloads(now, japanese_day(now))
    items = [
        {**vars(one), "absence": _told(one.absence)}
        if one.absence
        else {name: value for name, value in vars(one).items() if name != "absence"}
        for one in found
    ]
    return answer({"items": items, "next": None})


def _require_own(role: Role, person: str, whose: str) -> None:
    if person != whose and role not in _KEEPERS:
        raise refused(Refusal.of("not_permitted", role=role, command="PutAbsences"))


def _told(one: Absence) -> dict[str, Any]:
    days = {"starts_on": one.starts_on.isoformat(), "ends_on": one.ends_on.isoformat()}
    return days | ({"substitute_id": one.substitute_id} if one.substitute_id else {})

"""The accepted commands of a shipped script as a course that one client runs over many cases."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from domain.calendar import JST
from domain.envelope import CENTER, Organization, Person
from domain.mentions import DOCUMENT_FIELDS
from domain.terms import OrganizationKind
from store.connect import Store
from workers.play.script import Script, Step, load, moment_after

_OPENING: Final = "ReferNeed"
_REFERENCE: Final = "@reference@"
"""Stands in a body for the bank's reference, which is new for each case."""
_YEARS: Final = 2


class Leg(NamedTuple):
    """One command of the course: who sends it, its name, and its body as it is sent."""

    actor: str
    name: str
    body: bytes

    def body_for(self, reference: str) -> bytes:
        """The body, of a case that the bank calls *reference*."""
        return self.body.replace(_REFERENCE.encode(), reference.encode()) if self.name == _OPENING else self.body

    def path_in(self, case_id: str) -> str:
        """Where it is sent."""
        return "/v1/needs" if self.name == _OPENING else f"/v1/cases/{case_id}/commands/{self.name}"


@dataclass(frozen=True)
class Course:
    """The commands in their order, the keys of those who send them, and when all this happens."""

    legs: tuple[Leg, ...]
    keys: Mapping[str, str]
    moment: datetime


async def prepare(store: Store, name: str = "ceramics") -> Course:
    """The course of the script *name*: everybody registered, documents kept, the clock standing at the script's end.

    The clock stands still, so dates that begin a wait are moved: no deadline falls due while we measure.
    """
    script = load(name)
    moment = _end_of(script)
    await store.clock.move(moment)
    keys = await _register(store, script)
    steps = [step for step in script.steps if _is_accepted(step)]
    papers = {name: await _keep(store, name) for name in sorted({one for step in steps for one in _papers(step)})}
    return Course(tuple(_leg(step, papers, moment) for step in steps), keys, moment)


def _end_of(script: Script) -> datetime:
    now = script.start
    for step in script.steps:
        if step.passes_time:
            now = moment_after(step, script.start, now)
    return now


def _is_accepted(step: Step) -> bool:
    return step.do not in (None, "resend") and not (step.expect and step.expect.rejected)


async def _register(store: Store, script: Script) -> dict[str, str]:
    center = Organization(org_id=CENTER, kind=OrganizationKind.center, name=CENTER)
    known = {name for name in Organization.model_fields if name != "org_id"}
    others = [
        Organization(org_id=org_id, **org.model_dump(include=known, exclude_none=True))
        for org_id, org in script.orgs.items()
    ]
    for organization in (center, *others):
        await store.directory.register_organization(organization)
    for person_id, person in script.people.items():
        named = person.name or person_id
        await store.directory.register_person(
            Person(person_id=person_id, role=person.role, org_id=person.org, name=named)
        )
    return {person_id: await store.directory.issue(person_id, "bench") for person_id in script.people}


async def _keep(store: Store, name: str) -> str:
    kept = await store.documents.keep(f"bench: {name}\n".encode(), "text/plain", name, CENTER)
    return kept.document_id


def _papers(step: Step) -> set[str]:
    found = set(step.evidence)
    _walk(step.data, lambda field, value: found.add(value) if field in DOCUMENT_FIELDS else None)
    return found


def _walk(value: Any, visit: Callable[[str, str], object], field: str = "") -> Any:
    """*value* with every text replaced by what *visit* says of it, where that is a text."""
    if isinstance(value, Mapping):
        return {name: _walk(item, visit, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, visit, field) for item in value]
    if isinstance(value, str):
        told = visit(field, value)
        return told if isinstance(told, str) else value
    return value


def _leg(step: Step, papers: Mapping[str, str], moment: datetime) -> Leg:
    assert step.actor is not None
    assert step.do is not None
    moved = _moved_dates(moment) | {"bank_reference": _REFERENCE}
    data = _walk(
        step.data, lambda field, value: moved.get(field) or (papers.get(value) if field in DOCUMENT_FIELDS else None)
    )
    if isinstance(data.get("company"), str):
        data["company_id"] = data.pop("company")
    body: dict[str, Any] = {"data": data}
    if step.reason is not None:
        body["reason"] = {"code": step.reason} if isinstance(step.reason, str) else dict(step.reason)
    if step.evidence:
        body["evidence"] = [papers[one] for one in step.evidence]
    return Leg(step.actor, step.do, json.dumps(body, ensure_ascii=False).encode())


def _moved_dates(moment: datetime) -> dict[str, str]:
    day = moment.astimezone(JST).date()
    later = [day.replace(year=day.year + count, day=1).isoformat() for count in range(1, _YEARS + 2)]
    return {
        "at": (moment - timedelta(hours=1)).isoformat(),
        "due_on": later[0],
        "ends_on": later[1],
        "new_ends_on": later[2],
    }


def first_legs(course: Course, count: int) -> Sequence[Leg]:
    """The first *count* commands of the course."""
    return course.legs[:count]

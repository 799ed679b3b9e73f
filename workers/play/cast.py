"""Who takes part in a script: its organizations and people, registered before the first step, each with a key."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, TypeAlias

import httpx

from domain.terms import OrganizationKind, Role
from workers.play.answers import require
from workers.play.script import BadScript, OrgPart, Script
from workers.play.theatre import Theatre, caller

Heard: TypeAlias = Callable[[str, httpx.Response], None]
OBSERVER: Final = "script-observer"
"""The auditor through whose eyes the expectations of a script are checked."""
_ORG_FIELDS: Final = frozenset(
    {"kind", "name", "prefecture", "country", "corporate_number", "indirect_rate", "payment_first"}
)


class Cast:
    """The people of one script, as clients of the system it is played on."""

    def __init__(self, script: Script, theatre: Theatre, heard: Heard | None = None) -> None:
        """*heard* gets every answer to somebody of the script, with who got it."""
        self._script = script
        self._theatre = theatre
        self._heard = heard
        self._clients: dict[str, httpx.AsyncClient] = {}
        self.notes: list[str] = []
        """What the script says of them and the product does not know."""

    def of(self, person: str) -> httpx.AsyncClient:
        """The client of *person*. Raises BadScript for somebody who is not in the script."""
        try:
            return self._clients[person]
        except KeyError as error:
            raise BadScript(f"as: {person} is not among the people of the script") from error

    async def register(self, stack: AsyncExitStack) -> None:
        """Make everybody known; *stack* closes their clients. Raises BadScript."""
        admin = await stack.enter_async_context(caller(self._theatre, self._theatre.admin_key))
        numbers = corporate_numbers(self._script)
        for org_id, org in self._script.orgs.items():
            body = self._known(org_id, org) | ({"corporate_number": numbers[org_id]} if org_id in numbers else {})
            await _put(admin, f"/v1/organizations/{org_id}", {"name": org_id, **body})
        people = {
            person_id: {"role": person.role, "org_id": person.org, "name": person.name or person_id}
            for person_id, person in self._script.people.items()
        }
        people[OBSERVER] = {"role": Role.auditor, "org_id": "center", "name": OBSERVER}
        for lender in self._script.lenders:
            name = lender_observer(lender)
            people[name] = {"role": Role.lender_officer, "org_id": lender, "name": name}
        for person_id, body in people.items():
            await _put(admin, f"/v1/people/{person_id}", body)
            answer = await admin.post(f"/v1/people/{person_id}/keys", json={"label": f"script {self._script.script}"})
            client = caller(self._theatre, require(answer, f"people.{person_id}")["key"])
            if self._heard and person_id in self._script.people:
                client.event_hooks = {"response": [_telling(self._heard, person_id)]}
            self._clients[person_id] = await stack.enter_async_context(client)

    def _known(self, org_id: str, org: OrgPart) -> dict[str, Any]:
        told = org.model_dump(mode="json", exclude_none=True)
        unknown = sorted(set(told) - _ORG_FIELDS)
        if unknown:
            self.notes.append(f"orgs.{org_id}: {', '.join(unknown)} is not known to the product and was left out")
        return {name: value for name, value in told.items() if name in _ORG_FIELDS}


def lender_observer(lender: str) -> str:
    """The officer of *lender* through whose eyes its feed is checked."""
    return f"{OBSERVER}-{lender}"


def _telling(heard: Heard, person_id: str) -> Callable[[httpx.Response], Awaitable[None]]:
    async def tell(answer: httpx.Response) -> None:
        await answer.aread()
        heard(person_id, answer)

    return tell


async def _put(admin: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    require(await admin.put(path, json=body), path.removeprefix("/v1/").replace("/", "."))


def corporate_numbers(script: Script) -> dict[str, str]:
    """The number of each company of *script*: its own, or that of the need which can only mean it.

    A need names its company by number, name and prefecture; a company of the script may lack any of them. It is told
    by its name, else by its prefecture, else by being the only one left.
    """
    companies = {key: org for key, org in script.orgs.items() if org.kind is OrganizationKind.company}
    numbers = {key: str(org.corporate_number) for key, org in companies.items() if org.corporate_number}
    named = [one for step in script.steps if isinstance(one := step.data.get("company"), Mapping)]
    needs = {str(one["corporate_number"]): one for one in named if one.get("corporate_number")}
    for same in (_same_name, _same_prefecture, _any):
        for number, need in needs.items():
            if number in numbers.values():
                continue
            fits = [key for key, org in companies.items() if key not in numbers and same(org, need)]
            if len(fits) == 1:
                numbers[fits[0]] = number
    return numbers


def _same_name(org: OrgPart, need: Mapping[str, Any]) -> bool:
    return org.name is not None and org.name == need.get("name")


def _same_prefecture(org: OrgPart, need: Mapping[str, Any]) -> bool:
    return org.prefecture is not None and org.prefecture == need.get("prefecture")


def _any(org: OrgPart, need: Mapping[str, Any]) -> bool:
    return True

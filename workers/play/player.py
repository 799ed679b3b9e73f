"""Plays one script step by step through the public interface, and says of every step whether it was as expected."""

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import uuid4

import httpx

from domain.law import RULES
from domain.mentions import DOCUMENT_FIELDS
from domain.streams import CASE
from domain.terms import OrganizationKind, Role
from gateway.commands import STREAMS
from workers.play.expect import Seen, faults
from workers.play.script import BadScript, Script, Step, moment_after
from workers.play.theatre import Theatre, caller

OBSERVER: Final = "script-observer"
"""The auditor through whose eyes the expectations of a script are checked."""
_ORG_FIELDS: Final = frozenset(
    {"kind", "name", "prefecture", "country", "corporate_number", "indirect_rate", "payment_first"}
)
_UNBUILT: Final = {"feed": "feed", "dossier": "dossier", "notices": "notices"}
"""What `see` may name although the product does not have it yet."""
_FORBIDDEN: Final = 400
_CASES: Final = ("/v1/needs", "/v1/cases")
_OPENERS: Final = {"ReferNeed": "/v1/needs", "OpenCase": "/v1/cases"}
_KINDS: Final = {stream: kind for kind, stream in STREAMS.items()}
_ID_FIELDS: Final = {
    "company": "company_id",
    "dossier": "dossier_id",
    "institution": "institution_id",
    "researcher": "researcher_id",
    "seed": "seed_id",
    "exchange-event": "event_id",
    "recommendation": "recommendation_id",
}


Epilogue: TypeAlias = Callable[[dict[str, Any], list[dict[str, Any]]], Awaitable[None]]


@dataclass(frozen=True)
class Played:
    """What became of one step."""

    number: int
    step: Step
    at: datetime
    seen: Seen | None = None
    faults: tuple[str, ...] = ()
    not_run: str | None = None
    """Why the step was not run: the thing the product does not have."""
    took: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the step was run and was as expected."""
        return not self.faults and self.not_run is None


@dataclass
class _Last:
    path: str
    body: dict[str, Any]
    actor: str
    case_id: str | None


@dataclass
class Player:
    """One performance of one script."""

    script: Script
    theatre: Theatre
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    people: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    case_id: str | None = None
    now: datetime = field(init=False)
    _last: _Last | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        """Begin at the script's start."""
        self.now = self.script.start

    async def play(self, epilogue: Epilogue | None = None) -> AsyncIterator[Played]:
        """Play all steps in order; after a step that failed the rest is played on, so that all faults show.

        At the end *epilogue* gets the case and its events as the observer sees them.
        """
        async with self._stack:
            await self._register()
            for number, step in enumerate(self.script.steps, 1):
                started = time.perf_counter()
                played = await self._step(number, step)
                yield Played(**{**vars(played), "took": time.perf_counter() - started})
            if epilogue and self.case_id:
                case = await self.people[OBSERVER].get(f"/v1/cases/{self.case_id}")
                await epilogue(case.json(), await self._events())

    async def _register(self) -> None:
        if self.theatre.machine:
            await self.theatre.machine.stand_at(self.script.start)
        admin = await self._stack.enter_async_context(caller(self.theatre, self.theatre.admin_key))
        for org_id, org in self.script.orgs.items():
            told = org.model_dump(mode="json", exclude_none=True)
            unknown = sorted(set(told) - _ORG_FIELDS)
            if unknown:
                self.notes.append(f"orgs.{org_id}: {', '.join(unknown)} is not known to the product and was left out")
            body = {name: value for name, value in told.items() if name in _ORG_FIELDS}
            number = self._corporate_number(org_id, body)
            body |= {"corporate_number": number} if number else {}
            await self._put(admin, f"/v1/organizations/{org_id}", {"name": org_id, **body})
        for person_id, person in self.script.people.items():
            body = {"role": person.role, "org_id": person.org, "name": person.name or person_id}
            await self._person(admin, person_id, body)
        await self._person(admin, OBSERVER, {"role": Role.auditor, "org_id": "center", "name": OBSERVER})

    def _corporate_number(self, org_id: str, body: Mapping[str, Any]) -> str | None:
        """The organization's number: its own, or that of the need which names it or can only mean it."""
        if body["kind"] != OrganizationKind.company or "corporate_number" in body:
            return body.get("corporate_number")
        companies = [one for one, org in self.script.orgs.items() if org.kind is OrganizationKind.company]
        for step in self.script.steps:
            company = step.data.get("company")
            if not isinstance(company, Mapping):
                continue
            same = company.get("name") == body.get("name")
            if same or companies == [org_id]:
                return company.get("corporate_number")
        return None

    async def _person(self, admin: httpx.AsyncClient, person_id: str, body: dict[str, Any]) -> None:
        await self._put(admin, f"/v1/people/{person_id}", body)
        answer = await admin.post(f"/v1/people/{person_id}/keys", json={"label": f"script {self.script.script}"})
        _require(answer, f"people.{person_id}")
        client = caller(self.theatre, answer.json()["key"])
        self.people[person_id] = await self._stack.enter_async_context(client)

    async def _put(self, admin: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
        _require(await admin.put(path, json=body), path)

    async def _step(self, number: int, step: Step) -> Played:
        lacking = step.needs or (_UNBUILT.get(step.see) if step.see else None)
        if lacking is None and step.expect and (step.expect.lender_feed or step.expect.statistics):
            lacking = "feed" if step.expect.lender_feed else "statistics"
        if lacking:
            return Played(number, step, self.now, not_run=lacking)
        if step.case:
            self.case_id = str(self._value(step.case))
        before = await self._history()
        if step.passes_time:
            seen = await self._pass_time(step)
        elif step.do:
            seen = await self._do(step, number)
        elif step.see:
            await self._settled()
            seen = await self._see(step)
        else:
            seen = Seen()
        await self._observe(seen, before)
        for name, path in step.save.items():
            self.values[name] = seen.at(path)
        return Played(number, step, self.now, seen, tuple(faults(step.expect, seen)))

    async def _pass_time(self, step: Step) -> Seen:
        machine = self.theatre.machine
        if machine is None:
            raise BadScript("this system's clock does not move: play scripts with wait or until on a throw-away stack")
        moment = moment_after(step, self.script.start, self.now)
        if moment < self.now:
            raise BadScript(f"until: {step.until} lies before the present moment of the script")
        await machine.advance(moment)
        self.now = moment
        return Seen()

    async def _settled(self) -> None:
        """Wait until what follows the events has caught up; of a running system it is not known when."""
        if self.theatre.machine:
            await self.theatre.machine.settle()

    async def _do(self, step: Step, number: int) -> Seen:
        assert step.actor is not None
        client = self._client(step.actor)
        if step.do == "resend":
            if self._last is None:
                raise BadScript("resend: nothing was sent before")
            old = self.case_id
            answer = await self._client(self._last.actor).post(self._last.path, json=self._last.body)
            return self._answered(answer, old)
        body = await self._body(step, client)
        path = self._path(str(step.do), body["data"])
        key = f"{self.script.script}-{self.run}-{number}"
        answer = await client.post(path, json=body, headers={"Idempotency-Key": f'"{key}"'})
        if not path.startswith(_CASES) or path.endswith("/dossiers"):
            return self._elsewhere(answer)
        old = self.case_id
        if answer.status_code < _FORBIDDEN:
            self._last = _Last(path, body, step.actor, self.case_id)
        return self._answered(answer, old)

    def _path(self, command: str, data: Mapping[str, Any]) -> str:
        if command in _OPENERS:
            return _OPENERS[command]
        if command == "RequestDossier":
            return f"/v1/cases/{self.case_id}/dossiers"
        rule = RULES.get(command)
        if rule is not None and rule.stream != CASE:
            return f"/v1/{_KINDS[rule.stream]}/{self._entry_id(rule.stream, data)}/commands/{command}"
        if self.case_id is None:
            raise BadScript(f"{command}: no case is open yet")
        return f"/v1/cases/{self.case_id}/commands/{command}"

    def _entry_id(self, stream: str, data: Mapping[str, Any]) -> str:
        """The entry a command is for: named by its id field, or else the last one of its kind."""
        named = (
            data.get(_ID_FIELDS[stream])
            or data.get("organization_id")
            or self.values.get(f"last {stream}")
            or f"{stream}-{self.run}"
        )
        self.values[f"last {stream}"] = named
        return str(named)

    def _elsewhere(self, answer: httpx.Response) -> Seen:
        """What a command to a dossier or an entry of the catalogue brought about."""
        told = _json(answer)
        if answer.status_code >= _FORBIDDEN:
            return Seen(answer=told, rejected=str(told.get("code", answer.status_code)), elsewhere=True)
        if answer.request.url.path.endswith("/dossiers"):
            self.values["last dossier"] = told["id"]
        events: tuple[tuple[str, Mapping[str, Any]], ...] = tuple((str(one["type"]), {}) for one in told["events"])
        return Seen(answer=told, events=events, elsewhere=True)

    def _answered(self, answer: httpx.Response, old: str | None) -> Seen:
        told = _json(answer)
        if answer.status_code >= _FORBIDDEN:
            return Seen(answer=told, rejected=str(told.get("code", answer.status_code)))
        self.case_id = told.get("case_id", self.case_id)
        return Seen(answer=told, same_case=old is not None and self.case_id == old)

    async def _body(self, step: Step, client: httpx.AsyncClient) -> dict[str, Any]:
        data = self._filled(dict(step.data))
        if step.do in {"ConfirmDecision", "RejectDecision"} and "decision" in self.values:
            data.setdefault("proposal_id", self.values["decision"])
        self._name_the_company(str(step.do), data)
        body: dict[str, Any] = {"data": await self._uploaded(data, client)}
        if step.reason is not None:
            body["reason"] = {"code": step.reason} if isinstance(step.reason, str) else self._filled(dict(step.reason))
        if step.occurred_at is not None:
            body["occurred_at"] = self._value(step.occurred_at)
        if step.on_behalf_of is not None:
            body["on_behalf_of"] = self._value(step.on_behalf_of)
        if step.evidence:
            body["evidence"] = [await self._document(self._value(one), client) for one in step.evidence]
        return body

    def _name_the_company(self, command: str, data: dict[str, Any]) -> None:
        if isinstance(data.get("company"), str):
            data["company_id"] = data.pop("company")

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$") and value[1:] in self.values:
            return self.values[value[1:]]
        return value

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._filled(item) for item in value]
        return self._value(value)

    async def _uploaded(self, value: Any, client: httpx.AsyncClient, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: await self._uploaded(item, client, key) for key, item in value.items()}
        if isinstance(value, list):
            return [await self._uploaded(item, client, name) for item in value]
        if (name in DOCUMENT_FIELDS or name == "document") and isinstance(value, str):
            return await self._document(value, client)
        return value

    async def _document(self, name: str, client: httpx.AsyncClient) -> str:
        """The id of a stand-in for the file *name*; a document's id stays as it is."""
        if name.startswith("doc_"):
            return name
        content = f"{self.script.script}: {name}\n".encode()
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.values:
            answer = await client.post("/v1/documents", files={"file": (name, content, "text/plain")})
            _require(answer, name)
            self.values[digest] = answer.json()["document_id"]
        return str(self.values[digest])

    async def _see(self, step: Step) -> Seen:
        assert step.actor is not None
        suffix = "/events?limit=1000" if step.see == "events" else ""
        answer = await self._client(step.actor).get(f"/v1/cases/{self.case_id}{suffix}")
        told = _json(answer)
        if answer.status_code >= _FORBIDDEN:
            return Seen(answer=told, rejected=str(told.get("code", answer.status_code)))
        items = told.get("items") if isinstance(told, dict) else None
        return Seen(answer=told, shown=told, count=len(items) if isinstance(items, list) else None)

    def _client(self, person: str) -> httpx.AsyncClient:
        try:
            return self.people[person]
        except KeyError as error:
            raise BadScript(f"as: {person} is not among the people of the script") from error

    async def _history(self) -> int:
        return len(await self._events())

    async def _events(self) -> list[dict[str, Any]]:
        if self.case_id is None:
            return []
        events: list[dict[str, Any]] = []
        url: str | None = f"/v1/cases/{self.case_id}/events?limit=500"
        while url:
            answer = await self.people[OBSERVER].get(url)
            _require(answer, "events")
            told = answer.json()
            events += told["items"]
            url = told.get("next") and f"/v1/cases/{self.case_id}/events?limit=500&after={told['next']}"
        return events

    async def _observe(self, seen: Seen, before: int) -> None:
        if self.case_id is None:
            return
        events = await self._events()
        if seen.elsewhere:
            events, before = [], 0
        fresh = events if seen.opened else events[before:]
        seen.events = seen.events or tuple((_type(one), one["data"]) for one in fresh)
        case = await self.people[OBSERVER].get(f"/v1/cases/{self.case_id}")
        _require(case, "case")
        seen.case = case.json()
        for kind, data in seen.events:
            if kind == "DecisionProposed":
                self.values["decision"] = data["proposal_id"]


def _type(event: Mapping[str, Any]) -> str:
    name = str(event["type"]).rsplit(".", 2)[-2]
    return "".join(part.capitalize() for part in name.split("_"))


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {"status": answer.status_code, "body": answer.text[:200]}
    return told if isinstance(told, dict) else {"items": told}


def _require(answer: httpx.Response, what: str) -> None:
    if answer.status_code >= _FORBIDDEN:
        told = _json(answer)
        raise BadScript(f"{what}: {told.get('detail') or told.get('title') or answer.status_code}")

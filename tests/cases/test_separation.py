"""No bank learns of another (invariant 24): every answer to one bank is searched for everything of the other.

Two banks refer one wish. While a script merges, parts and merges their cases again, an officer of each asks for
whatever can be asked for after every step, and sends what can be refused.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.envelope import Event
from workers.play.player import Player
from workers.play.script import Script, load
from workers.play.theatre import Servers, Theatre, caller, servers, stage

HERE = Path(__file__).parent
SCRIPTS = (str(HERE / "two_banks_and_back.yaml"), "bank-cancels")
LINKING = {"CaseMergedInto", "CaseClosed", "ReferralAttached"}
"""What a merge adds to the record; nothing is moved or copied."""


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Servers]:
    async with servers() as found:
        yield found


@dataclass
class Bank:
    """One of the banks: its officers, what it brought, and every answer that it got."""

    org_id: str
    name: str
    officers: tuple[str, ...]
    names: tuple[str, ...]
    cases: set[str] = field(default_factory=set)
    brought: set[str] = field(default_factory=set)
    """Words that stand in what its officers sent."""
    answers: list[tuple[str, str]] = field(default_factory=list)
    """What was asked for, and the whole answer with its headers."""
    events: dict[str, str] = field(default_factory=dict)
    """The types of all events it was shown, by id."""

    def secrets(self) -> set[str]:
        """What another bank must not read anywhere."""
        return {self.org_id, self.name, *self.officers, *self.names, *self.cases, *self.brought}


def banks_of(script: Script) -> list[Bank]:
    """The banks of *script*, with the officers it names."""
    officers: dict[str, list[str]] = {}
    for person_id, person in script.people.items():
        if person.role == "bank_officer":
            officers.setdefault(person.org, []).append(person_id)
    return [
        Bank(
            org_id,
            str(script.orgs[org_id].name),
            tuple(people),
            tuple(str(script.people[one].name) for one in people),
            brought=set(words_brought(script, people)),
        )
        for org_id, people in officers.items()
    ]


def words_brought(script: Script, officers: list[str]) -> Iterator[str]:
    """References, ids, texts and reasons that *officers* send in *script*, those nobody else sends."""
    others = "\n".join(
        json.dumps([dict(step.data), step.reason], ensure_ascii=False)
        for step in script.steps
        if step.actor not in officers
    )
    for step in script.steps:
        if step.actor not in officers or step.do in {"ReportProduct", "ReportOrders", "RecordFollowUp"}:
            continue  # what became of the wish, all who follow it read
        told = {**step.data, "company": None, "consent": None, "reason": step.reason}
        yield from (word for word in _words(told) if word not in others and len(word) > 3)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in {"code", "urgency", "lending_context", "field_codes", "program_tags"}:
                yield from _words(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words(item)
    elif isinstance(value, str) and not value.startswith("$"):
        yield value


@dataclass
class Snooping:
    """Officers who ask for everything after every step."""

    banks: list[Bank]
    clients: dict[str, httpx.AsyncClient]

    def heard(self, person_id: str, answer: httpx.Response) -> None:
        """Note an answer, and the case that was opened by it."""
        bank = next((one for one in self.banks if person_id in one.officers), None)
        if bank is None:
            return
        request = answer.request
        headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
        bank.answers.append((f"{request.method} {request.url.raw_path.decode()}", f"{headers}\n{answer.text}"))
        if request.method == "POST" and request.url.path == "/v1/needs" and answer.status_code == httpx.codes.CREATED:
            bank.cases.add(str(answer.json()["case_id"]))

    async def ask(self, *, all_there_is: bool) -> None:
        """Let an officer of each bank look, or look everywhere and try what is refused."""
        for bank in self.banks:
            client = self.clients[bank.org_id]
            more = [*self._listings(), "/v1/me", "/v1/notices", "/v1/workload"] if all_there_is else []
            for path in ["/v1/cases?limit=200", *more]:
                self.heard(bank.officers[0], await client.get(path))
            for case_id in sorted({one for other in self.banks for one in other.cases}):
                await self._ask_of_case(bank, client, case_id, all_there_is=all_there_is)
            for other in self.banks if all_there_is else ():
                await self._ask_of_people(bank, client, other)

    def _listings(self) -> Iterator[str]:
        for name, values in (("status", ("open", "held", "closed")), ("stage", ("intake", "review", "visit"))):
            yield from (f"/v1/cases?{name}={value}" for value in values)

    async def _ask_of_case(self, bank: Bank, client: httpx.AsyncClient, case_id: str, *, all_there_is: bool) -> None:
        officer, mine = bank.officers[0], case_id in bank.cases
        view = await client.get(f"/v1/cases/{case_id}")
        shown = await client.get(f"/v1/cases/{case_id}/events?limit=1000")
        for answer in (view, shown, await client.get(f"/v1/cases/{case_id}/disclosures")):
            if mine or answer.status_code != httpx.codes.NOT_FOUND:
                self.heard(officer, answer)
        assert (view.status_code == httpx.codes.OK) == mine, f"{bank.org_id} reads {case_id}: {view.text}"
        assert (shown.status_code == httpx.codes.OK) == mine
        if not mine:
            return
        self._counts(bank, case_id, view, shown)
        if not all_there_is:
            return
        for number in range(1, view.json()["version"] + 2):
            self.heard(officer, await client.get(f"/v1/cases/{case_id}?at_version={number}"))
        await self._try(bank, client, case_id)

    def _counts(self, bank: Bank, case_id: str, view: httpx.Response, shown: httpx.Response) -> None:
        """The bank counts what it sees, without a gap."""
        items = shown.json()["items"]
        numbers = [int(one["sequence"]) for one in items]
        assert numbers == list(range(1, len(items) + 1))
        assert view.json()["version"] == len(items), f"{bank.org_id}: {view.text}"
        assert view.headers["ETag"] == f'"v{len(items)}"'
        assert {one["partitionkey"] for one in items} <= {case_id}
        assert {one["source"] for one in items} <= {f"/cases/{case_id}"}
        assert {one.get("actorrole") for one in items} <= {None, "bank_officer"}, "who acts may be another bank"
        bank.events |= {one["id"]: one["type"] for one in items}

    async def _try(self, bank: Bank, client: httpx.AsyncClient, case_id: str) -> None:
        """Commands that are refused, whose words must tell nothing."""
        wishes: tuple[tuple[str, dict[str, Any], dict[str, str]], ...] = (
            ("RequestCancellation", {"data": {}}, {}),
            ("RequestCancellation", {"data": {}, "reason": {"code": "policy"}}, {"If-Match": '"v999"'}),
            ("SupplementNeed", {"data": {"fields": {"colour": "red"}}}, {}),
            ("SupplementNeed", {"data": {"fields": {"urgency": "high"}}}, {"If-Match": '"v0"'}),
            ("MergeCases", {"data": {"surviving_case_id": case_id}}, {}),
            ("SuspectDuplicate", {"data": {"other_case_id": case_id}}, {}),
            ("RecordConsent", {"data": {"recipients": ["center"]}}, {}),
            ("ConfirmDecision", {"data": {}}, {}),
            ("CorrectEvent", {"data": {"corrects_event_id": "x", "right_value": 1}}, {}),
        )
        for command, body, headers in wishes:
            answer = await client.post(f"/v1/cases/{case_id}/commands/{command}", json=body, headers=headers)
            assert answer.is_client_error, answer.text
            self.heard(bank.officers[0], answer)

    async def _ask_of_people(self, bank: Bank, client: httpx.AsyncClient, other: Bank) -> None:
        """What is asked for by a name that the officer knows already tells nothing but a refusal."""
        paths = [f"/v1/organizations/{other.org_id}", f"/v1/companies/{other.org_id}"]
        paths += [f"/v1/people/{one}" for one in other.officers]
        paths += [f"/v1/people/{one}/absences" for one in other.officers]
        for path in paths if other is not bank else ():
            known, unknown = await client.get(path), await client.get(f"{path[: path.index('/', 4)]}/nobody-at-all")
            assert known.status_code == unknown.status_code or known.is_client_error, f"{path}: {known.text}"
            assert other.name not in known.text and not any(name in known.text for name in other.names)


@dataclass
class Kept:
    """The record of the cases: what is on it stays, word for word, whatever is merged or parted."""

    records: dict[str, list[Event]] = field(default_factory=dict)

    async def look(self, theatre: Theatre, case_ids: set[str]) -> None:
        """Hold today's record of each case against the last one."""
        assert theatre.machine is not None
        for case_id in case_ids:
            before = self.records.get(case_id, [])
            now = await theatre.machine.store.ledger.read(f"case-{case_id}")
            assert now[: len(before)] == before
            merging = {one.type for one in now[len(before) :]} & {"CaseMergedInto", "ReferralAttached"}
            assert not merging or {one.type for one in now[len(before) :]} <= LINKING
            self.records[case_id] = now


async def officers(theatre: Theatre, banks: list[Bank], stack: AsyncExitStack) -> dict[str, httpx.AsyncClient]:
    """A client of the first officer of each bank, beside that of the script."""
    found = {}
    async with caller(theatre, theatre.admin_key) as admin:
        for bank in banks:
            answer = await admin.post(f"/v1/people/{bank.officers[0]}/keys", json={"label": "snooping"})
            found[bank.org_id] = await stack.enter_async_context(caller(theatre, answer.json()["key"]))
    return found


@pytest.mark.parametrize("name", SCRIPTS, ids=lambda name: Path(name).stem)
async def test_no_answer_to_a_bank_holds_anything_of_another_and_nothing_is_lost(running: Servers, name: str) -> None:
    script = load(name)
    snooping, kept = Snooping(banks_of(script), {}), Kept()
    assert len(snooping.banks) > 1
    async with stage(running) as theatre, AsyncExitStack() as stack:
        async for played in Player(script, theatre, heard=snooping.heard).play():
            assert not played.faults, played.faults
            await kept.look(theatre, {one for bank in snooping.banks for one in bank.cases})
            snooping.clients = snooping.clients or await officers(theatre, snooping.banks, stack)
            await snooping.ask(all_there_is=played.number % 15 == 0 or played.number == len(script.steps))
    for bank in snooping.banks:
        assert bank.cases and len(bank.answers) > len(script.steps)
        for other in snooping.banks:
            if other is not bank:
                _search(bank, other)


def _search(bank: Bank, other: Bank) -> None:
    """Nothing of *other* stands in any answer to *bank*, nor an event that *other* was shown and *bank* was not."""
    strange = set(other.events) - set(bank.events)
    secrets = other.secrets() | strange
    assert strange, "each bank is shown something of its own"
    for asked, text in bank.answers:
        found = sorted(one for one in secrets if _stands_in(one, text))
        assert not found, f"{bank.org_id} asked {asked} and reads {found} of {other.org_id}: {text}"


def _stands_in(word: str, text: str) -> bool:
    """Whether *word* is in *text*; of plain ids, not as a part of another one."""
    if not word.isascii():
        return word in text
    return word in text and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None

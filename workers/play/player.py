"""Plays one script step by step through the public interface, and says of every step whether it was as expected."""

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import uuid4

import httpx

from domain.documents import DOCUMENT_FIELDS
from workers.play.acted_on import ActedOn
from workers.play.addresses import Addresses
from workers.play.answers import code_of, require, told
from workers.play.cast import OBSERVER, Cast, Heard
from workers.play.expect import Happened, Seen, faults
from workers.play.lender_feeds import LenderFeeds
from workers.play.observer import Observer, by_kind
from workers.play.script import DECISION, BadScript, Expect, Script, Step, moment_after
from workers.play.theatre import Theatre

_UNBUILT: Final = frozenset({"statistics"})
"""What a script may need and the product does not have yet."""
_SIGHTS: Final = {
    "case": "/v1/cases/{case}",
    "events": "/v1/cases/{case}/events?limit=1000",
    "notices": "/v1/notices?limit=200",
    "feed": "/v1/feed?limit=1000",
}
"""What one looks at to `see` something."""
_DOSSIER: Final = "dossier"

Epilogue: TypeAlias = Callable[[dict[str, Any], list[dict[str, Any]], dict[str, bytes]], Awaitable[None]]


@dataclass(frozen=True)
class Played:
    """What became of one step."""

    number: int
    step: Step
    at: datetime
    seen: Seen | None = None
    faults: tuple[str, ...] = ()
    not_run: str | None = None
    """Why the step, or one of its expectations, was not run: the thing the product does not have."""
    took: float = 0.0


@dataclass
class _Sent:
    """A command as it was sent, to be sent again."""

    actor: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    case_id: str | None = None


@dataclass
class Player:
    """One performance of one script."""

    script: Script
    theatre: Theatre
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    values: dict[str, Any] = field(default_factory=dict)
    """What was saved, by name."""
    notes: list[str] = field(default_factory=list)
    heard: Heard | None = None
    """Gets every answer to somebody of the script."""
    now: datetime = field(init=False)
    _cast: Cast = field(init=False)
    _observer: Observer = field(init=False)
    _feeds: LenderFeeds = field(init=False)
    _addresses: Addresses = field(init=False)
    _cases: ActedOn = field(init=False)
    _last: _Sent | None = None
    _watched: str | None = None
    """The case whose events are read up to now."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        """Begin at the script's start."""
        self.now = self.script.start
        self._cast = Cast(self.script, self.theatre, self.heard)
        self._addresses = Addresses(self.run)
        self._cases = ActedOn(self.script)

    async def play(self, epilogue: Epilogue | None = None) -> AsyncIterator[Played]:
        """Play all steps in order; after a step that failed the rest is played on, so that all faults show.

        At the end *epilogue* gets the case opened last, its events and its dossier, as the observer sees them.
        """
        async with self._stack:
            if self.theatre.machine:
                await self.theatre.machine.stand_at(self.script.start)
            await self._cast.register(self._stack)
            self.notes += self._cast.notes
            self._observer = Observer(self._cast.of(OBSERVER))
            self._feeds = LenderFeeds(self._cast, waits=self.theatre.machine is None)
            for number, step in enumerate(self.script.steps, 1):
                started = time.perf_counter()
                try:
                    played = await self._step(number, step)
                except BadScript as error:
                    raise BadScript(f"{self.script.script}: step {number}: {error}") from error
                yield replace(played, took=time.perf_counter() - started)
            opened = self._cases.opened
            if epilogue and opened:
                if self.theatre.machine:
                    await self.theatre.machine.settle()
                seen = self._observer
                await epilogue(await seen.case(opened), await seen.events(opened), await seen.dossier(opened))

    async def _step(self, number: int, written: Step) -> Played:
        if written.needs in _UNBUILT:
            return Played(number, written, self.now, not_run=written.needs)
        step = written.filled(self.values)
        if step.kept:
            lacking = tuple(f"${name}: the step that was to save it did not" for name in sorted(step.kept))
            return Played(number, written, self.now, faults=lacking)
        case_id = self._cases.by(step)
        await self._watch(self._cases.seen_in(step, case_id))
        lenders = step.lenders
        await self._settle(lenders)
        await self._feeds.look(lenders)
        seen, case_id = await self._carry_out(number, step, case_id)
        await self._observe(seen, self._cases.seen_in(step, case_id))
        await self._settle(lenders)
        seen.feeds = {one: await self._feeds.brought(one, case_id) for one in lenders}
        found = [*faults(step.expect, seen), *self._save(written, seen)]
        return Played(number, step, self.now, seen, tuple(found), not_run=_unchecked(step.expect))

    async def _settle(self, lenders: Sequence[str]) -> None:
        """Let the feeds catch up, where there are *lenders* whose feeds are looked at."""
        if lenders and self.theatre.machine:
            await self.theatre.machine.settle()

    async def _watch(self, case_id: str | None) -> None:
        """Read what happened in a case while another one was looked at, or the clock went on."""
        if case_id is not None and (case_id != self._watched or self.theatre.machine is None):
            self._cases.note(case_id, await self._observer.news(case_id))

    async def _carry_out(self, number: int, step: Step, case_id: str | None) -> tuple[Seen, str | None]:
        if step.passes_time:
            await self._pass_time(step)
        elif step.do == "resend":
            return await self._resend()
        elif step.do:
            return await self._do(number, step, case_id)
        elif step.see:
            return await self._see(step, case_id), case_id
        return Seen(), case_id

    async def _pass_time(self, step: Step) -> None:
        machine = self.theatre.machine
        if machine is None:
            raise BadScript("this system's clock does not move: play scripts with wait or until on a throw-away stack")
        moment = moment_after(step, self.script.start, self.now)
        if moment < self.now:
            raise BadScript(f"until: {step.until} lies before the present moment of the script")
        await machine.advance(moment)
        self.now = moment

    async def _do(self, number: int, step: Step, case_id: str | None) -> tuple[Seen, str | None]:
        assert step.do is not None
        assert step.actor is not None
        body = await self._body(step, case_id)
        path = self._addresses.of(step.do, body["data"], case_id)
        key = f"{self.script.script}-{self.run}-{number}"
        self._last = _Sent(step.actor, path, body, {"Idempotency-Key": f'"{key}"'})
        if not self._addresses.opens(path):
            self._last.case_id = case_id
        return await self._send(self._last, case_id)

    async def _resend(self) -> tuple[Seen, str | None]:
        if self._last is None:
            raise BadScript("resend: nothing was sent before")
        return await self._send(self._last, self._last.case_id)

    async def _send(self, sent: _Sent, case_id: str | None) -> tuple[Seen, str | None]:
        """The answer to *sent*, and the case it is about; *case_id* is the case it was thought to be."""
        answer = await self._cast.of(sent.actor).post(sent.path, json=sent.body, headers=sent.headers)
        seen = Seen(answer=told(answer), rejected=code_of(answer), acted=True)
        if self._addresses.is_elsewhere(sent.path):
            seen.answer, entries = self._addresses.named(sent.path, seen.answer), seen.answer.get("events", ())
            seen.events = tuple(Happened(str(one["type"]), {}) for one in entries)
            return seen, case_id
        if seen.rejected:
            return seen, case_id
        sent.case_id = str(seen.answer["case_id"])
        seen.same_case = sent.case_id == case_id
        if "Idempotency-Replayed" in answer.headers:
            await self._observer.news(sent.case_id)
        elif self._addresses.opens(sent.path):
            self._cases.open(sent.case_id, sent.actor)
        return seen, sent.case_id

    async def _body(self, step: Step, case_id: str | None) -> dict[str, Any]:
        assert step.actor is not None
        client = self._cast.of(step.actor)
        data = {**step.data}
        proposal = self._cases.proposal(step, case_id)
        if proposal is not None:
            data.setdefault("proposal_id", proposal)
        if isinstance(data.get("company"), str):
            data["company_id"] = data.pop("company")
        body: dict[str, Any] = {"data": await self._uploaded(data, client)}
        if step.reason is not None:
            body["reason"] = {"code": step.reason} if isinstance(step.reason, str) else step.reason
        if step.occurred_at is not None:
            body["occurred_at"] = step.occurred_at
        if step.on_behalf_of is not None:
            body["on_behalf_of"] = step.on_behalf_of
        if step.evidence:
            body["evidence"] = [await self._document(one, client) for one in step.evidence]
        return body

    async def _uploaded(self, value: Any, client: httpx.AsyncClient, name: str = "") -> Any:
        if isinstance(value, Mapping):
            return {key: await self._uploaded(item, client, key) for key, item in value.items()}
        if isinstance(value, list | tuple):
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
            self.values[digest] = require(answer, name)["document_id"]
        return str(self.values[digest])

    async def _see(self, step: Step, case_id: str | None) -> Seen:
        assert step.actor is not None
        assert step.see is not None
        if self.theatre.machine:
            await self.theatre.machine.settle()
        seen = await self._sight(step.see, self._cast.of(step.actor), case_id)
        seen.shown = {} if seen.rejected else seen.answer
        items = seen.shown.get("items")
        if isinstance(items, list):
            seen.count = len(items)
        if step.see in {"events", "feed"} and seen.count:
            seen.shown = {**seen.shown, **by_kind(seen.shown["items"])}
        return seen

    async def _sight(self, what: str, client: httpx.AsyncClient, case_id: str | None) -> Seen:
        """What *client* is answered; of a dossier what it says, and how it stands."""
        if what != _DOSSIER:
            answer = await client.get(_SIGHTS[what].format(case=case_id))
            return Seen(answer=told(answer), rejected=code_of(answer))
        dossier_id = self._addresses.last(_DOSSIER)
        address = f"/v1/dossiers/{dossier_id}" if dossier_id else f"/v1/cases/{case_id}/dossier"
        content = await client.get(address, params={"format": "json"})
        seen = Seen(answer=told(content), rejected=code_of(content))
        if dossier_id and not seen.rejected:
            seen.answer = {**told(await client.get(address)), **seen.answer}
        return seen

    async def _observe(self, seen: Seen, case_id: str | None) -> None:
        if case_id is None:
            return
        news = await self._observer.news(case_id)
        seen.case = await self._observer.case(case_id)
        seen.events = seen.events or tuple(news)
        self._watched = case_id
        proposal = self._cases.note(case_id, news)
        if proposal is not None:
            self.values[DECISION] = proposal

    def _save(self, step: Step, seen: Seen) -> list[str]:
        found = []
        for name, path in step.save.items():
            if seen.has(path):
                self.values[name] = seen.at(path)
            elif not seen.rejected:
                found.append(f"save: {name}: there is no {path} in the answer")
        return found


def _unchecked(expect: Expect | None) -> str | None:
    """What an expectation needs and the product does not have."""
    if expect is None:
        return None
    return "statistics" if expect.statistics else None

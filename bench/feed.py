"""What a lender gets, and how fast: pushed while writers write and everything on the way fails; pulled beside COPY.

First events go out at a steady pace, from their acknowledgement until the receiver has them. Then many writers append
while the receiver misbehaves and relay and worker are killed; in the end the receiver has what the rule permits, each
once by id, and in order for each case. Last the whole feed is pulled over HTTP, in turns with COPY of the same rows.
"""

import asyncio
import statistics
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import httpx
import psycopg

from bench.figures import Figures
from bench.read import copied
from bench.receiver import Receiver, receiving
from bench.stand import Stand, kill, stand
from bench.told import told_case
from bench.turns import NotAccepted, Tell
from domain.envelope import CENTER, Actor, Command, Context, Event, Organization, event_id
from domain.lending import granted, grants_of, is_fed
from domain.refusals import Refusal
from domain.stages.commercialization import DeclareCompanyFacts
from domain.stages.consent import RecordConsent
from domain.state import Case
from domain.streams import State, decide, evolve, fold, record
from domain.terms import Role
from store.append import Append, Appended
from store.connect import Store
from store.overview import overview_of
from store.pool import connect_arguments
from workers.play.script import load
from workers.up.children import Child

_LENDER: Final = "jfs-fukuoka"
_OFFICER: Final = "endo"
_OPENING: Final = 3
"""Events of the script's case until the company has consented to the center."""
_OF_A_CASE: Final = 200
_COPY: Final = """
COPY (SELECT body FROM hashi.feed JOIN hashi.events USING (position) WHERE lender_id = %s ORDER BY number)
TO STDOUT (FORMAT binary)
"""
_PATIENCE: Final = 120.0
"""Seconds without anything new after which what is missing will not come."""


@dataclass(frozen=True)
class Plan:
    """How much, and how much of it goes wrong."""

    events: int = 100_000
    writers: int = 50
    pace: int = 50
    seconds: float = 20.0
    faulty: float = 0.005
    hangs: int = 10
    kills: int = 3
    """Of the relay, and of the worker."""
    rounds: int = 3
    seed: int = 1


QUICK: Final = Plan(events=300, writers=10, pace=20, seconds=2.0, faulty=0.01, hangs=0, kills=1, rounds=1)


async def measure(plan: Plan, tell: Tell) -> Figures:
    """Push, break, pull. Raises NotAccepted when something is missing, and what `stand` raises."""
    receiver = Receiver(plan.seed)
    async with AsyncExitStack() as ends:
        tell("starting the servers, the worker, the gateway and the relay")
        running = await ends.enter_async_context(stand(load("consent-withdrawn")))
        relay = Child("relay", running.home, running.environment)
        relay.start()
        ends.push_async_callback(relay.stop)
        await ends.enter_async_context(receiving(receiver))
        people = await ends.enter_async_context(running.people())
        await _added(people[_OFFICER], receiver.url)
        tell(f"{plan.pace} events a second")
        figures = await _paced(running.store, receiver, plan)
        tell(f"{plan.events} events by {plan.writers} writers, with faults")
        figures |= await _broken(running, relay, receiver, plan, tell)
        tell("pulling the feed")
        pulled, ratios = await _pulled(running, people[_OFFICER], plan)
        return Figures("feed", figures | pulled, ratios)


async def _added(officer: httpx.AsyncClient, url: str) -> None:
    """A webhook at *url* that has answered its challenge."""
    made = (await officer.post("/v1/feed/endpoints", json={"url": url})).raise_for_status().json()
    async with asyncio.timeout(60):
        place = f"/v1/feed/endpoints/{made['endpoint_id']}"
        while (await officer.get(place)).json()["status"] != "active":  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # over HTTP there is no event for it


class _Writer:
    """Appends facts to cases whose company consents to the lender, one case after the other."""

    def __init__(self, store: Store, opening: list[Event]) -> None:
        self._store = store
        self._opening = opening
        self._state: State | None = None
        self.last = ""
        """The id of the last event."""

    async def append(self) -> None:
        """One more event, in a new case where this one is long enough."""
        if self._state is None or self._state.version >= _OF_A_CASE:
            await self._open()
        await self._do(DeclareCompanyFacts(rd_staff=3, patents=1), "DeclareCompanyFacts")

    async def _open(self) -> None:
        case_id, now = uuid4().hex, datetime.now(UTC)
        events = [_of(one, case_id, now) for one in self._opening]
        self._state = fold(events)
        await self._keep(events)
        scope = {
            "recipients": (CENTER, _LENDER),
            "purposes": ("lending_evaluation",),
            "data_classes": ("public_summary", "need_detail"),
            "valid_until": "2040-03-31",
            "given_by": "代表取締役",
            "method": "electronic",
        }
        await self._do(RecordConsent.model_validate(scope), "RecordConsent")

    async def _do(self, data: Any, name: str) -> None:
        assert isinstance(self._state, Case)
        actor = Actor(role=Role.company_representative, org_id=str(self._state.company_id), person="hirano")
        command = Command(command_id=uuid4().hex, case_id=self._state.case_id, name=name, data=data, actor=actor)
        context = Context(now=datetime.now(UTC))
        facts = decide(self._state, command, context)
        if isinstance(facts, Refusal):
            raise NotAccepted(f"{name} is refused: {facts}")
        events, self._state = record(self._state, command, facts, context)
        await self._keep(events)

    async def _keep(self, events: Iterable[Event]) -> None:
        assert isinstance(self._state, Case)
        kept = tuple(events)
        wanted = Append(
            kept[0].stream, kept[0].version - 1, kept[0].command_id, kept, overview=overview_of(self._state)
        )
        outcome = await self._store.ledger.append(wanted)
        if not isinstance(outcome, Appended):
            raise NotAccepted(f"an append: {outcome}")
        self.last = kept[-1].event_id


def _of(event: Event, case_id: str, now: datetime) -> Event:
    """*event*, of another case."""
    command_id = event.command_id.replace(event.correlation_id, case_id)
    changes = {
        "event_id": event_id(now, f"case-{case_id}", event.version, command_id),
        "stream": f"case-{case_id}",
        "command_id": command_id,
        "causation_id": command_id,
        "correlation_id": case_id,
        "occurred_at": now,
        "recorded_at": now,
    }
    return event.model_copy(update=changes)


async def _paced(store: Store, receiver: Receiver, plan: Plan) -> dict[str, float]:
    """Milliseconds from the acknowledgement of an append until the receiver has the event, at a steady pace."""
    writers = [_Writer(store, told_case()[:_OPENING]) for _ in range(plan.writers)]
    for one in writers:
        await one.append()
    await _until_taken(receiver, [one.last for one in writers])  # the relay leads, and the worker pushes
    acknowledged: dict[str, float] = {}

    async def append(writer: _Writer) -> None:
        await writer.append()
        acknowledged[writer.last] = time.perf_counter()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(plan.pace * plan.seconds)):
            await asyncio.sleep(max(0.0, began + number / plan.pace - time.perf_counter()))
            group.create_task(append(writers[number % len(writers)]))
    await _until_taken(receiver, acknowledged)
    waits = sorted(1000 * max(0.0, receiver.taken[one] - at) for one, at in acknowledged.items())
    return {
        f"delivery_ms_p50_at_{plan.pace}": round(statistics.median(waits), 1),
        f"delivery_ms_p99_at_{plan.pace}": round(waits[int(len(waits) * 0.99)], 1),
    }


async def _until_taken(receiver: Receiver, wanted: Iterable[str]) -> None:
    """Wait until *receiver* has all of *wanted*. Raises NotAccepted when nothing comes any more."""
    missing = set(wanted)
    while missing := missing - receiver.taken.keys():
        receiver.came.clear()
        try:
            async with asyncio.timeout(_PATIENCE):
                await receiver.came.wait()
        except TimeoutError as error:
            raise NotAccepted(f"{len(missing)} events never came") from error
        await asyncio.sleep(0.1)


async def _broken(running: Stand, relay: Child, receiver: Receiver, plan: Plan, tell: Tell) -> dict[str, float]:
    """Append and deliver while everything on the way fails."""
    receiver.faulty, receiver.hangs = plan.faulty, plan.hangs
    began = time.perf_counter()
    writing = asyncio.create_task(_write(running.store, plan))
    for number in range(plan.kills):
        await asyncio.sleep(5 * number or 1)
        for child in (relay, running.worker):
            kill(child)
            await asyncio.sleep(0.3)
            child.start()
    await writing
    written = time.perf_counter() - began
    lender = await running.store.directory.organization(_LENDER)
    assert lender is not None
    wanted = set(await permitted(running.store, lender))
    tell(f"{len(wanted)} events are permitted, {len(receiver.taken)} have come")
    await _until_taken(receiver, wanted)
    if extra := receiver.taken.keys() - wanted:
        raise NotAccepted(f"{len(extra)} events came that are not permitted")
    if receiver.out_of_order:
        raise NotAccepted(f"{receiver.out_of_order} events came before an earlier one of their case")
    return {
        "events": plan.events,
        "permitted": len(wanted),
        "received": len(receiver.taken),
        "missing": 0,
        "out_of_order": 0,
        "pushed_again": receiver.again,
        "kills": 2 * plan.kills,
        **{f"faults_{name}": count for name, count in receiver.faults.items()},
        "written_per_second": round(plan.events / written, 1),
        "delivered_per_second": round(plan.events / (time.perf_counter() - began), 1),
    }


async def _write(store: Store, plan: Plan) -> None:
    opening = told_case()[:_OPENING]
    share, rest = divmod(plan.events, plan.writers)

    async def one(number: int) -> None:
        writer = _Writer(store, opening)
        for _ in range(share + (number < rest)):
            await writer.append()

    await asyncio.gather(*(one(number) for number in range(plan.writers)))


async def permitted(store: Store, lender: Organization) -> list[str]:
    """By the letter of the rule: the ids of the events that *lender* gets, in the order in which they are permitted."""
    found: list[str] = []
    after = 0
    states: dict[str, State | None] = {}
    held_back: dict[str, list[Event]] = {}
    while many := await store.ledger.read_all(after, 5_000):
        after = many[-1][0]
        for _, event in many:
            states[event.stream] = state = evolve(states.get(event.stream), event)
            waiting = held_back.setdefault(event.stream, [])
            waiting.append(event)
            if isinstance(state, Case) and granted(grants_of(state), lender, event.recorded_at) is not None:
                found += [one.event_id for one in waiting if is_fed(one, lender.org_id)]
                waiting.clear()
    return found


async def _pulled(running: Stand, officer: httpx.AsyncClient, plan: Plan) -> tuple[dict[str, float], dict[str, float]]:
    """Events a second of the whole feed over HTTP, in turns with COPY."""
    ours, theirs = [], []
    with psycopg.connect(**connect_arguments(running.stack.database_url, role=None)) as connection:
        connection.execute("SET statement_timeout = 0")
        for _ in range(plan.rounds):
            began, count = time.perf_counter(), 0
            while (page := (await officer.get(f"/v1/feed?after={count}&limit=1000")).raise_for_status().json())[
                "items"
            ]:
                count = int(page["next"])
            ours.append(count / (time.perf_counter() - began))
            theirs.append(count / copied(connection, _COPY, count, [_LENDER]))
    ratio = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
    figures = {
        "events_per_second_hashi": round(statistics.median(ours), 1),
        "events_per_second_copy": round(statistics.median(theirs), 1),
    }
    return figures, {"rate_vs_copy": round(ratio, 3)}


def with_events(plan: Plan, events: int | None, kills: int | None, seed: int | None) -> Plan:
    """*plan* with what the caller chose."""
    return replace(
        plan,
        events=events or plan.events,
        kills=plan.kills if kills is None else kills,
        seed=plan.seed if seed is None else seed,
    )

"""Kill -9 amid two hundred commands: what was acknowledged is kept once, and is said again in the same bytes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bench import batch as bulk
from bench.acts import Act, acts_of, body_bytes, end_of, with_documents
from bench.stand import Stand, kill, stand
from bench.wire import Answer, Wire
from workers.play.script import load

CASES, CALLERS, NOTES = 20, 3, 3
COMMANDS = CASES * (1 + CALLERS * NOTES)
ROWS = 40
DOWN = 0.3
"""Seconds between the kill and the start that follows it."""
PATIENCE = {0: 0.7, 1: 5.0, 2: 5.0}
"""Seconds after which the callers of a case send again; one of them is impatient."""


@dataclass
class Sent:
    """One command with its key, and what it was answered."""

    person: str
    path: str
    body: bytes
    key: str = field(default_factory=lambda: uuid4().hex)
    began: float = 0.0
    answered: float = 0.0
    attempts: int = 0
    answer: Answer | None = None


@dataclass
class Bureau:
    """Everybody who sends commands during one test."""

    running: Stand
    need: Act
    commands: list[Sent] = field(default_factory=list)
    acknowledged: int = 0
    halfway: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        """Every case: a need is referred, then three callers write their notes at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CASES):
                group.create_task(self._case())

    async def _case(self) -> None:
        opened = await self._sent("sato", "/v1/needs", body_bytes(self.need), 5.0)
        case_id = opened.content.partition(b'"case_id":"')[2].partition(b'"')[0].decode()
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(self._notes(case_id, number))

    async def _notes(self, case_id: str, number: int) -> None:
        for _ in range(NOTES):
            body = f'{{"data": {{"text": "note {uuid4().hex}"}}}}'.encode()
            await self._sent("tanaka", f"/v1/cases/{case_id}/commands/AddNote", body, PATIENCE[number])

    async def _sent(self, person: str, path: str, body: bytes, patience: float) -> Answer:
        """Send the command, again and again under the same key, until it is acknowledged."""
        one = Sent(person, path, body, began=time.monotonic())
        self.commands.append(one)
        wire = Wire(self.running.port)
        while True:
            answer = await self.attempt(wire, one, patience)
            if answer is not None and answer.status < 300:
                break
            assert answer is None or answer.status >= 500, answer
            await asyncio.sleep(0.05)
        wire.close()
        one.answer, one.answered = answer, time.monotonic()
        self.acknowledged += 1
        if self.acknowledged == COMMANDS // 2:
            self.halfway.set()
        return answer

    async def attempt(self, wire: Wire, one: Sent, patience: float) -> Answer | None:
        """One answer; None when there was none in time or the connection broke."""
        one.attempts += 1
        try:
            async with asyncio.timeout(patience):
                return await wire.post(one.path, self.running.keys[one.person], one.body, one.key)
        except (OSError, EOFError):
            return None


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Stand]:
    """A system whose parts may be killed."""
    script = load("ceramics")
    async with stand(script, fast=True) as found:
        await found.store.clock.move(end_of(script))
        yield found


@pytest.fixture(scope="module")
async def need(running: Stand) -> Act:
    """The need that every case begins with."""
    async with running.people() as people:
        [first, *_] = await with_documents(acts_of(load("ceramics"))[:1], people)
    return first


async def _worker(running: Stand) -> None:
    kill(running.worker)
    await asyncio.sleep(DOWN)
    running.worker.start()


async def _gateway(running: Stand) -> None:
    kill(running.gateway)
    await asyncio.sleep(DOWN)
    running.gateway.start()


async def _postgresql(running: Stand) -> None:
    await running.stack.kill_postgres()
    await asyncio.sleep(DOWN)
    await running.stack.restart_postgres()


async def _temporal(running: Stand) -> None:
    await running.stack.kill_temporal()
    await asyncio.sleep(DOWN)
    await running.stack.restart_temporal()


@pytest.mark.parametrize("crash", [_worker, _gateway, _postgresql, _temporal], ids=lambda one: one.__name__[1:])
async def test_no_kill_loses_or_doubles_what_was_acknowledged(
    running: Stand,
    need: Act,
    crash: Callable[[Stand], Awaitable[None]],
    record_property: Callable[[str, object], None],
) -> None:
    bureau = Bureau(running, need)
    working = asyncio.ensure_future(bureau.work())
    await bureau.halfway.wait()
    killed_at = time.monotonic()
    await crash(running)
    await working
    _tell(crash.__name__[1:], bureau.commands, killed_at, record_property)
    assert len(bureau.commands) == COMMANDS
    await _kept_once(running, bureau.commands)
    await _no_gaps(running)
    await _said_again(bureau)


def _tell(name: str, commands: list[Sent], killed_at: float, record: Callable[[str, object], None]) -> None:
    """Say how long it took until a command begun after the kill was answered, and the slowest of those under way."""
    fresh = min(one.answered for one in commands if one.began > killed_at) - killed_at
    under_way = [one.answered for one in commands if one.began <= killed_at < one.answered]
    slowest = max(under_way, default=killed_at) - killed_at
    sent_again = sum(one.attempts > 1 for one in commands)
    record("seconds_until_the_next_answer", round(fresh, 2))
    record("seconds_until_all_under_way_were_answered", round(slowest, 2))
    print(
        f"\n{name} killed: next answer after {fresh:.2f} s, the {len(under_way)} under way after at most "
        f"{slowest:.2f} s, {sent_again} of {COMMANDS} sent more than once"
    )


async def _kept_once(running: Stand, commands: list[Sent]) -> None:
    kept = Counter(str(event.event_id) for _, event in await running.store.ledger.read_all(0, 100_000))
    assert set(kept.values()) == {1}
    for one in commands:
        assert one.answer is not None
        ids = [word.partition(b'"')[0].decode() for word in one.answer.content.split(b'"id":"')[1:]]
        assert ids
        assert all(kept[event_id] == 1 for event_id in ids)
    by_case = Counter(one.path for one in commands if one.path != "/v1/needs")
    for path, count in by_case.items():
        events = await running.store.ledger.read(f"case-{path.split('/')[3]}")
        notes = [event for event in events if event.type == "NoteRecorded"]
        assert len(notes) == len({event.command_id for event in notes}) == count == CALLERS * NOTES
        assert [event.version for event in events] == list(range(1, 3 + count + 1))


async def _no_gaps(running: Stand) -> None:
    positions = [position for position, _ in await running.store.ledger.bodies(0, 100_000)]
    assert positions == list(range(1, len(positions) + 1))


async def _said_again(bureau: Bureau) -> None:
    """A retry with the same key gets the same bytes."""
    wire = Wire(bureau.running.port)
    for one in bureau.commands:
        again = await bureau.attempt(wire, one, 10.0)
        assert again == one.answer
    wire.close()


async def test_no_kill_loses_or_doubles_a_row_of_a_table(running: Stand) -> None:
    content = {"content": bulk.table(ROWS, "KILL"), "headers": {"Content-Type": "text/csv"}}
    async with running.people() as people:
        bank = people["sato"]
        address = f"/v1/intake-batches/{(await bank.post('/v1/intake-batches', **content)).json()['batch_id']}"
        await bank.post(f"{address}/commit")
        await _until_committed(bank, address, ROWS // 4)
        await asyncio.gather(_worker(running), _gateway(running))
        told = await _until_committed(bank, address, ROWS)
    assert (told["state"], told["rows"]["committed"]) == ("done", ROWS)
    assert await bulk.kept(running, ROWS, "KILL") == {"lost": 0, "doubled": 0}
    await _no_gaps(running)


async def _until_committed(bank: httpx.AsyncClient, address: str, rows: int) -> dict[str, Any]:
    """The batch once so many of its rows are committed and, with the last, all is done."""
    async with asyncio.timeout(90):
        while True:
            with suppress(httpx.TransportError):
                told: dict[str, Any] = (await bank.get(address)).json()
                if told["rows"]["committed"] >= rows and (rows < ROWS or told["state"] == "done"):
                    return told
            await asyncio.sleep(0.1)

"""The processes of the benchmark `order`: writers, and relays with its followers.

A writer notes in its journal what it is about to send before it sends it, and what was answered; started again after a
kill, it first sends again what has no answer. It ends once the file `stop` is there and everything is answered.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import uuid4

import psycopg

from audit.log import LOG
from bench.told import event_at, typical
from domain.envelope import Event
from store.append import Append, Appended, Duplicate
from store.connect import Store, StoreUnreachable
from store.follow import Batch, Follower
from store.pool import Connection, fetch
from workers.logs import configure
from workers.relay import relay_for_ever

FOLLOWERS: Final = ("order 1", "order 2", "order 3")
_SEE: Final = "INSERT INTO public.order_seen (follower, position) SELECT %s, unnest(%s::bigint[])"
_LANES: Final = 4
"""Commands that one writer has under way at once."""
_SHARED: Final = tuple(f"{number:032x}" for number in range(4))
"""Cases that all writers write to, so that they take versions from each other."""
_LONG: Final = 50
_PAUSE: Final = 0.02


@dataclass(frozen=True)
class Tried:
    """A command as it stands in a journal before it is sent."""

    command_id: str
    stream: str
    count: int
    """How many events it makes."""


class Journal:
    """What one writer tried and heard, a line each, written before it goes on: a kill leaves it as it was."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def trying(self, tried: Tried) -> None:
        """*tried* is sent next."""
        self._write({"tried": vars(tried)})

    def answered(self, tried: Tried, position: int | None) -> None:
        """*tried* is in the ledger; *position* is that of its last event, None when it was there before."""
        self._write({"answered": tried.command_id, "position": position})

    def met(self, what: str) -> None:
        """Something else happened: `conflict`, or `failed`."""
        self._write({"met": what})

    def _write(self, told: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(told).encode() + b"\n")


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal, in order; the last one may have been cut."""
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        if line.endswith(b"\n"):
            yield json.loads(line)


class Writer:
    """Appends for ever, and never gives a command up before it is answered."""

    def __init__(self, store: Store, journal: Journal, pattern: Event, chance: Random) -> None:
        self._store = store
        self._journal = journal
        self._pattern = pattern
        self._chance = chance

    async def go_on(self, stop: Path) -> None:
        """One lane: a command after the other, half of them to the shared cases."""
        own, length = uuid4().hex, 0
        parent = os.getppid()
        while not stop.exists() and os.getppid() == parent:  # noqa: ASYNC240 - a look, no wait
            count = self._chance.randint(1, 3)
            is_shared = self._chance.random() < 0.5
            if length >= _LONG:
                own, length = uuid4().hex, 0
            length += 0 if is_shared else count
            case_id = self._chance.choice(_SHARED) if is_shared else own
            tried = Tried(uuid4().hex, f"case-{case_id}", count)
            self._journal.trying(tried)
            await self.insist(tried)

    async def insist(self, tried: Tried) -> None:
        """Send *tried* until it is answered."""
        while True:
            try:
                outcome = await self._send(tried)
            except StoreUnreachable:
                await asyncio.sleep(_PAUSE)
                continue
            except psycopg.Error:
                self._journal.met("failed")
                await asyncio.sleep(_PAUSE)
                continue
            if isinstance(outcome, Appended | Duplicate):
                position = outcome.last_position if isinstance(outcome, Appended) else None
                self._journal.answered(tried, position)
                return
            self._journal.met("conflict")

    async def _send(self, tried: Tried) -> Any:
        head, now = await self._store.ledger.head(tried.stream), datetime.now(UTC)
        events = tuple(
            event_at(self._pattern, tried.stream, head + n, tried.command_id, now) for n in range(1, tried.count + 1)
        )
        return await self._store.ledger.append(Append(tried.stream, head, tried.command_id, events))


async def write(url: str, folder: Path, number: int, seed: int) -> None:
    """Be a writer: first what the last life of this writer left open, then new commands."""
    path = folder / f"writer-{number}.jsonl"
    told = list(read_journal(path))
    answered = {line["answered"] for line in told if "answered" in line}
    open_ = [Tried(**line["tried"]) for line in told if "tried" in line]
    chance = Random(f"{seed} {number} {len(told)}")
    while True:
        try:
            async with Store.open(url, [bytes(32)], size=_LANES) as store:
                writer = Writer(store, Journal(path), typical().event, chance)
                await asyncio.gather(*(writer.insist(one) for one in open_ if one.command_id not in answered))
                await asyncio.gather(*(writer.go_on(folder / "stop") for _ in range(_LANES)))
                return
        except StoreUnreachable:  # the server is down: nothing was begun
            await asyncio.sleep(_PAUSE)


async def relay(url: str) -> None:
    """Be a relay that keeps the log and lets the followers of the benchmark go on."""
    while True:
        try:
            async with Store.open(url, [bytes(32)]) as store:
                await relay_for_ever(url, store, everybody=[LOG, *(_follower(name) for name in FOLLOWERS)])
        except StoreUnreachable:
            await asyncio.sleep(_PAUSE)


def _follower(name: str) -> Follower:
    async def see(connection: Connection, batch: Batch) -> None:
        await fetch(connection, _SEE, [name, [one.position for one in batch.kept]])

    return Follower(name, see)


def run(url: str, folder: Path, kind: str, number: int, seed: int) -> None:
    """Be the process *number* of a *kind*, `writer` or `relay`."""
    configure("critical")
    logging.disable(logging.CRITICAL)  # that connections are lost is what is wanted
    asyncio.run(relay(url) if kind == "relay" else write(url, folder, number, seed))

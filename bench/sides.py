"""Who appends in the benchmark `append`: ours, and the peers, each driven as it is meant to be.

A side makes its table or schema, and gives a sender for each writer: a coroutine that appends one event and returns
when it is durable. Those of one process share the event loop; a peer that can only block gets a thread for each writer.
"""

import importlib.util
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from bench.told import Pattern, event_at
from bench.turns import Block, NotAccepted, Send
from store.append import Append, Appended
from store.connect import Store
from store.pool import connect_arguments

MESSAGE_DB: Final = Path(sys.prefix) / "share" / "message-db" / "package" / "database"
"""Where `make bench-peers` puts message-db's SQL."""
_STREAM: Final = 50
"""Events in one stream before a writer begins another."""
_RAW: Final = """
CREATE TABLE public.raw_events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text NOT NULL, version int NOT NULL,
    event_id uuid NOT NULL, type text NOT NULL, recorded_at timestamptz NOT NULL, body bytea NOT NULL)
"""
_INSERT: Final = """
INSERT INTO public.raw_events (stream, version, event_id, type, recorded_at, body) VALUES (%s, %s, %s, %s, %s, %s)
"""
_WRITE: Final = "SELECT message_store.write_message(%s, %s, %s, %s, NULL, %s)"


@dataclass
class Place:
    """Where a writer writes next."""

    stream: str = ""
    version: int = _STREAM

    def move(self) -> None:
        """To the next event, of another stream where this one is long enough."""
        if self.version >= _STREAM:
            self.stream, self.version = uuid4().hex, 0
        self.version += 1


@dataclass(frozen=True)
class Ours:
    """`Ledger.append`: order, idempotency and version check in the database, groups in the process."""

    url: str
    pattern: Pattern

    @asynccontextmanager
    async def senders(self, count: int) -> AsyncIterator[list[Send]]:
        """One for each of *count* writers of this process."""
        async with Store.open(self.url, [bytes(32)], size=4) as store:
            yield [self._sender(store) for _ in range(count)]

    def _sender(self, store: Store) -> Send:
        place = Place()

        async def send() -> None:
            await self.append(store, place)

        return send

    async def append(self, store: Store, place: Place) -> Appended:
        """Append one event at the next *place*."""
        place.move()
        stream, now, command_id = f"case-{place.stream}", datetime.now(UTC), uuid4().hex
        event = event_at(self.pattern.event, stream, place.version, command_id, now)
        outcome = await store.ledger.append(Append(stream, place.version - 1, command_id, (event,)))
        if not isinstance(outcome, Appended):
            raise NotAccepted(f"not appended: {outcome}")
        return outcome


@dataclass(frozen=True)
class RawInsert:
    """The limit: psycopg inserts one row into a plain table, a connection for each writer; no order, no check."""

    url: str
    pattern: Pattern

    async def prepare(self) -> None:
        """Make the table."""
        await _run(self.url, _RAW)

    @asynccontextmanager
    async def senders(self, count: int) -> AsyncIterator[list[Send]]:
        """One for each of *count* writers of this process."""
        async with _connections(self.url, count) as connections:
            yield [self._sender(one) for one in connections]

    def _sender(self, connection: psycopg.AsyncConnection[Any]) -> Send:
        place, one = Place(), self.pattern

        async def send() -> None:
            place.move()
            now = datetime.now(UTC)
            await connection.execute(_INSERT, [place.stream, place.version, uuid4(), one.event.type, now, one.body])

        return send


@dataclass(frozen=True)
class MessageDb:
    """message-db's own function `write_message`, all writers in one category, with the expected version."""

    url: str
    pattern: Pattern
    data: Jsonb = field(init=False)

    def __post_init__(self) -> None:
        """The event's data as it takes them."""
        object.__setattr__(self, "data", Jsonb(json.loads(self.pattern.body)))

    async def prepare(self) -> None:
        """Install its schema, without the extension that it needs on old servers only."""
        parts = ["schema", "tables", "types", "functions", "indexes"]
        files = [path for part in parts for path in sorted((MESSAGE_DB / part).glob("*.sql"))]
        before = "SET check_function_bodies = off; SET search_path = message_store, public;"
        await _run(self.url, before + "\n".join(path.read_text(encoding="utf-8") for path in files))

    @asynccontextmanager
    async def senders(self, count: int) -> AsyncIterator[list[Send]]:
        """One for each of *count* writers of this process."""
        async with _connections(self.url, count) as connections:
            for one in connections:
                await one.execute("SET search_path = message_store, public")
            yield [self._sender(one) for one in connections]

    def _sender(self, connection: psycopg.AsyncConnection[Any]) -> Send:
        place, kind = Place(), self.pattern.event.type

        async def send() -> None:
            place.move()
            expected = place.version - 2  # its streams begin at 0, and -1 means none
            await connection.execute(
                _WRITE, [str(uuid4()), f"case-{place.stream}", kind, self.data, expected], prepare=True
            )

        return send


@dataclass(frozen=True)
class EventSourcing:
    """The application recorder of the library `eventsourcing` with its safe default, which locks the table."""

    url: str
    pattern: Pattern

    @asynccontextmanager
    async def blocks(self, count: int) -> AsyncIterator[list[Block]]:
        """One for each of *count* threads."""
        from eventsourcing.persistence import StoredEvent  # noqa: PLC0415 - an optional peer
        from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore  # noqa: PLC0415

        told = connect_arguments(self.url, role=None)
        names = {"dbname": told["dbname"], "host": told["host"], "port": told.get("port", 5432), "user": told["user"]}
        with PostgresDatastore(**names, password="", pool_size=count) as datastore:
            recorder = PostgresApplicationRecorder(datastore)
            recorder.create_table()

            def block() -> Block:
                place, one = Place(), self.pattern

                def send() -> None:
                    place.move()
                    stored = StoredEvent(UUID(place.stream), place.version, one.event.type, one.body)
                    recorder.insert_events([stored])

                return send

            yield [block() for _ in range(count)]


def is_there(module: str) -> bool:
    """Whether the optional peer *module* is installed."""
    return importlib.util.find_spec(module) is not None


@asynccontextmanager
async def _connections(url: str, count: int) -> AsyncIterator[list[psycopg.AsyncConnection[Any]]]:
    arguments = connect_arguments(url, role=None)
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(await psycopg.AsyncConnection.connect(**arguments)) for _ in range(count)
        ]


async def _run(url: str, text: str) -> None:
    async with await psycopg.AsyncConnection.connect(**connect_arguments(url, role=None)) as connection:
        await connection.execute(text.encode())

"""A lender's receiver for benchmarks: takes pushes over HTTP/1.1, and misbehaves at the first attempt of some."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

_HANG: Final = 20.0
"""Seconds without an answer: longer than a sender waits."""


@dataclass
class Receiver:
    """What came, by event id, and what was done wrong on the way."""

    seed: int = 0
    faulty: float = 0.0
    """The share of events whose first attempt fails."""
    hangs: int = 0
    """How many of those are left without an answer; the others get 500 or a closed connection."""
    url: str = ""
    taken: dict[str, float] = field(default_factory=dict)
    """When each was first taken."""
    again: int = 0
    """How often something came that was taken before."""
    faults: dict[str, int] = field(default_factory=lambda: {"500": 0, "closed": 0, "hung": 0})
    last: dict[str, str] = field(default_factory=dict)
    out_of_order: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _tried: set[str] = field(default_factory=set)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the seed."""
        self._random = Random(self.seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(one[15:]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")
                )
                event = json.loads(await reader.readexactly(length))
                answer = await self._answer(event)
                if answer is None:
                    break
                status, body = answer
                writer.write(f"HTTP/1.1 {status} .\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, event: dict[str, Any]) -> tuple[int, bytes] | None:
        """Status and body; None: the connection is closed."""
        if "challenge" in event.get("data", {}):
            return 200, json.dumps({"challenge": event["data"]["challenge"]}).encode()
        if event["id"] not in self._tried:
            self._tried.add(event["id"])
            if self._random.random() < self.faulty:
                return await self._fault()
        self._take(event)
        return 204, b""

    async def _fault(self) -> tuple[int, bytes] | None:
        if self.faults["hung"] < self.hangs:
            self.faults["hung"] += 1
            await asyncio.sleep(_HANG)
            return None
        kind = self._random.choice(("500", "closed"))
        self.faults[kind] += 1
        return (500, b"") if kind == "500" else None

    def _take(self, event: dict[str, Any]) -> None:
        case, number = event["partitionkey"], event["sequence"]
        if event["id"] in self.taken:
            self.again += 1
            return
        self.taken[event["id"]] = time.perf_counter()
        if number < self.last.get(case, ""):
            self.out_of_order += 1
        self.last[case] = number
        self.came.set()


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    """*receiver* on a port of its own."""
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver
        server.close()

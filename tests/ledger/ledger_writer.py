"""A process that appends: `python ledger_writer.py URL STREAMS EVENTS`; eight streams at once."""

import asyncio
import sys

from ledger_notes import new_stream, note_types, notes

from store.connect import Store


async def write(store: Store, turns: asyncio.Semaphore, events: int) -> None:
    """Fill one stream, one command after the other."""
    async with turns:
        stream = new_stream()
        for version in range(events):
            await store.ledger.append(notes(stream, version, f"c{version}"))


async def main(url: str, streams: int, events: int) -> None:
    """Fill *streams* streams with *events* events each."""
    turns = asyncio.Semaphore(8)
    async with Store.open(url, [bytes(32)], event_types=note_types) as store:
        await asyncio.gather(*(write(store, turns, events) for _ in range(streams)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))

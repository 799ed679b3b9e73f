"""A process of the benchmark `append`: `python -m bench.writer URL SIDE WRITERS SECONDS`, or `URL leaves`.

Writers say when they are ready, wait for a line on stdin, and print the seconds of each append as JSON. `leaves` is a
relay that keeps the transparency log until it is killed.
"""

import asyncio
import json
import sys
import time

from audit.log import LOG
from bench.sides import Ours, RawInsert
from bench.told import typical
from bench.turns import took
from store.connect import Store
from workers.logs import configure
from workers.relay import relay_for_ever


async def write(url: str, side: str, writers: int, seconds: float) -> None:
    """Append for some seconds."""
    made = Ours(url, typical()) if side == "hashi" else RawInsert(url, typical())
    async with made.senders(writers) as senders:
        await took(senders, 0)
        print(flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps(await took(senders, time.perf_counter() + seconds)))


async def relay(url: str) -> None:
    """Keep the transparency log."""
    async with Store.open(url, [bytes(32)]) as store:
        await relay_for_ever(url, store, everybody=[LOG])


if __name__ == "__main__":
    configure("error")
    given = sys.argv[1:]
    asyncio.run(relay(given[0]) if given[1] == "leaves" else write(given[0], given[1], int(given[2]), float(given[3])))

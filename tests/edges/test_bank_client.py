"""The client that banks are given works as it stands, against a real gateway on a bad line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("worker")
CLIENT = Path(__file__).parents[2] / "docs" / "client" / "submit_and_follow.py"
Need = Callable[..., dict[str, Any]]


@pytest.fixture
async def bad_line(address: str) -> AsyncIterator[str]:
    """A line to the gateway that breaks the first connection, and answers the second with a fault of its own."""
    host, port = address.removeprefix("http://").split(":")
    seen = 0

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for part in _parts(reader):
            writer.write(part)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        if seen > 2:
            there, back = await asyncio.open_connection(host, int(port))
            await asyncio.gather(carry(reader, back), carry(there, writer))
            return
        if seen == 2:
            writer.write(
                b"HTTP/1.1 502 Bad Gateway\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _parts(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while part := await reader.read(65_536):
        yield part


async def run(url: str, key: str, *words: str) -> tuple[int | None, str, str]:
    environment = {**os.environ, "HASHI_URL": url, "HASHI_API_KEY": key, "no_proxy": "*"}
    pipe = asyncio.subprocess.PIPE
    program = (sys.executable, str(CLIENT), *words)
    client = await asyncio.create_subprocess_exec(*program, env=environment, stdout=pipe, stderr=pipe)
    told, faults = await client.communicate()
    return client.returncode, told.decode(), faults.decode()


async def test_a_bank_refers_a_need_and_follows_it_over_a_bad_line(
    bad_line: str, keys: dict[str, str], need: Need, tmp_path: Path
) -> None:
    path = tmp_path / "need.json"
    path.write_text(json.dumps(need()), "utf-8")
    first = await run(bad_line, keys["sato"], str(path))
    assert (first[0], first[2]) == (0, "")
    lines = [line.split() for line in first[1].splitlines()]
    assert [int(line[1]) for line in lines] == [1, 2, 3]
    assert await run(bad_line, keys["sato"], str(path)) == first
    assert (await run(bad_line, keys["sato"], str(path), "2"))[1].splitlines() == first[1].splitlines()[2:]


async def test_a_refusal_is_said_and_not_repeated(
    address: str, keys: dict[str, str], need: Need, tmp_path: Path
) -> None:
    path = tmp_path / "need.json"
    path.write_text(json.dumps(need(title=None)), "utf-8")
    status, told, faults = await run(address, keys["sato"], str(path))
    assert (status, told) == (1, "")
    assert faults.startswith("422: ")
    assert "/data/title" in faults


def test_the_client_is_short_enough_to_be_read_whole() -> None:
    assert len(CLIENT.read_text("utf-8").splitlines()) <= 40

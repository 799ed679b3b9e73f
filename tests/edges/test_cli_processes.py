"""The processes: they end when they are told to, also where a cancellation gets lost."""

import asyncio
import socket
from typing import Any

import pytest

from workers.processes import _until, listen
from workers.settings import Settings, SettingsFault


async def test_work_that_swallows_a_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def work() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:  # as asyncio.wait_for of Python 3.11 does when its time has come already
                swallowed += 1
        await asyncio.sleep(60)

    stopping = asyncio.Event()
    asyncio.get_running_loop().call_soon(stopping.set)
    async with asyncio.timeout(10):
        await _until(stopping, work())
    assert swallowed == 2


async def test_work_that_fails_is_told() -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await _until(asyncio.Event(), work())


async def test_answers_are_not_held_back() -> None:
    """Without TCP_NODELAY every answer waits 40 ms for an acknowledgement."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen: list[Any] = []

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        seen.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    server = await asyncio.start_server(note, sock=listen(Settings(port=port)))
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.read()
        writer.close()
        await writer.wait_closed()
    assert seen
    assert seen[0]


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingsFault, match=f"^HASHI_PORT: cannot listen on port {port} of 127.0.0.1: it is in use"
        ):
            listen(Settings(port=port))

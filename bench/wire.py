"""A small HTTP client, so that the bench measures the gateway and not the client: one connection, kept alive."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_HEAD_END: Final = b"\r\n\r\n"


class ConnectionLost(Exception):
    """The connection was refused or broke off; whether the request took effect is unknown."""


class Answer(NamedTuple):
    """What came back: the status, the headers with names in lower case, the body as its bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Wire:
    """One connection to *host* and *port*, opened at the first request and after each loss; a request at a time.

    asyncio sets TCP_NODELAY on the connections it opens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a POST of the JSON *body*. Raises ConnectionLost."""
        told = {"host": f"{self._host}:{self._port}", "content-type": "application/json", **headers}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        head = "\r\n".join([*lines, f"content-length: {len(body)}"]).encode() + _HEAD_END
        try:
            return await self._exchange(head + body)
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise ConnectionLost(str(error)) from error
        except BaseException:
            await self.close()  # the answer may still come, to nobody
            raise

    async def close(self) -> None:
        """Close the connection; a later request opens another."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.transport.abort()

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        first, *rest = (await reader.readuntil(_HEAD_END)).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return Answer(int(first.split(" ", 2)[1]), headers, body)

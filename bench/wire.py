"""A client as thin as HTTP allows, so that the client's own work is not measured as ours: one kept connection."""

import asyncio
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = b"content-length:"


@dataclass(frozen=True)
class Answer:
    """What came back: the status and the bytes."""

    status: int
    content: bytes


class Wire:
    """One connection to a gateway, opened when it is first used and again after it broke.

    asyncio sets TCP_NODELAY on it. Send what may be sent twice. Raises OSError and EOFError when the gateway goes away.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, key: str, body: bytes, idempotency_key: str = "") -> Answer:
        """Send *body* as JSON in the name of the API *key*, and wait for the answer."""
        own = f'Idempotency-Key: "{idempotency_key}"\r\n' if idempotency_key else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{own}\r\n"
        )
        kept = self._streams is not None
        try:
            return await self._exchange(head.encode() + body)
        except (ConnectionError, EOFError):
            self.close()
            if not kept:
                raise
            return await self._exchange(head.encode() + body)  # the gateway leaves connections that rest for long
        except BaseException:
            self.close()
            raise

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(_LENGTH))
        return Answer(int(head.split(b" ", 2)[1]), await reader.readexactly(length))

    def close(self) -> None:
        """Leave the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

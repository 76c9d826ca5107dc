"""HTTP to an engine where the SDK's own will not do: streams that can be cut, and seen to have been cut.

The SDK hands out the socket of an upgraded connection from under its reader, and loses what the engine sent
together with its headers; to it, a log that breaks off is the end of the log; and a thread would have to sit
in every read.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from console.targets.docker.line import CutError, Line

_UPGRADED = 101
_GOOD = 200
_END = b"\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r")


class RefusedError(Exception):
    """The engine answered that it will not; its words."""


async def post(line: Line, path: str, body: dict[str, Any]) -> None:
    """Ask for a connection that becomes a stream of bytes both ways: from here on, it is one."""
    data = json.dumps(body).encode()
    head = ("Content-Type: application/json", f"Content-Length: {len(data)}")
    await _ask(line, f"POST {path}", (*head, "Connection: Upgrade", "Upgrade: tcp"), data)
    await _answered(line, _UPGRADED)


async def get(line: Line, path: str) -> AsyncIterator[bytes]:
    """Ask for something, and be given it piece by piece; CutError when it ends before its end.

    What the engine knows the length of is not long, and comes in one piece.
    """
    await _ask(line, f"GET {path}", ("Connection: close",))
    headers = (await _answered(line, _GOOD)).lower()
    if length := _LENGTH.search(headers):
        yield await line.exactly(int(length[1]))
        return
    if b"transfer-encoding: chunked" not in headers:
        raise CutError  # nothing would tell its end
    while size := int(await line.until(_END), 16):
        yield await line.exactly(size)
        await line.exactly(len(_END))


async def _ask(line: Line, request: str, headers: tuple[str, ...], data: bytes = b"") -> None:
    head = "\r\n".join((f"{request} HTTP/1.1", "Host: docker", *headers, "", ""))
    try:
        await line.write(head.encode() + data)
    except OSError:
        raise CutError from None


async def _answered(line: Line, wanted: int) -> bytes:
    """The headers of an answer with that status; RefusedError with the engine's words for any other."""
    headers = await line.until(_END * 2)
    status = headers.split(None, 2)[1].decode()
    if status != str(wanted):
        raise RefusedError((await line.read()).decode(errors="replace") or f"status {status}")
    return headers

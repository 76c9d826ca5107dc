"""The keeper's ear: one JSON request on each connection to a Unix socket, answered by JSON lines."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from console.drill.place import DrillError, one_line
from console.drill.speaker import Speaker
from console.targets.keeper import Answer, Progress, Refusal, Request

_REQUEST_LIMIT = 64 * 1024
_LAST_ANSWERS_S = 2.0
_DECODER: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


class Control:
    """Hears requests, and lets everyone who waits for an answer hear what the keeper does."""

    def __init__(self, answer: Callable[[Request], Awaitable[Answer]], speaker: Speaker) -> None:
        self._answer = answer
        self._speaker = speaker
        self._conversations: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self, path: Path) -> None:
        """Listen from here on; the folder of `path` must be ours alone."""
        self._server = await asyncio.start_unix_server(self._accept, path, limit=_REQUEST_LIMIT)

    async def close(self) -> None:
        """Give the last answers, and hear no more."""
        if self._server is not None:
            self._server.close()
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=_LAST_ANSWERS_S)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request. Its asker may leave: what was begun goes on, only nobody is told."""
        try:
            with self._speaker.listening() as heard:
                relay = asyncio.create_task(_relay(heard, writer))
                try:
                    last: Answer | Refusal = await self._answer(await _request(reader))
                except (DrillError, OSError) as error:
                    last = Refusal(one_line(error))
                finally:
                    relay.cancel()
            while not heard.empty():
                _send(writer, heard.get_nowait())
            _send(writer, last)
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Request:
    try:
        return _DECODER.decode(await reader.readline())
    except (msgspec.DecodeError, ValueError) as error:
        raise DrillError(f"the keeper does not understand the request: {one_line(error)}") from error


async def _relay(heard: asyncio.Queue[Progress], writer: asyncio.StreamWriter) -> None:
    while True:
        _send(writer, await heard.get())


def _send(writer: asyncio.StreamWriter, line: Struct) -> None:
    if not writer.is_closing():
        writer.write(msgspec.json.encode(line) + b"\n")

"""A connection to an engine whose two directions end apart: what was said can be read when writing failed.

A program may end before it has read all of its input. What it said before that is still to be read then;
asyncio's streams throw it away with the first write that fails, and cannot end one direction of TLS.
"""

import asyncio
import socket
import ssl
from contextlib import suppress

from console.targets.process import CHUNK

_LONGEST = 1 << 24
"""Bytes that are held at most for what is asked for in one piece."""


class CutError(Exception):
    """The engine ended a connection in the middle of what it was saying."""


class Line:
    """A connected socket, without blocking. One task may read while another one writes."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(0)
        self._socket = connected
        self._held = bytearray()
        """What was received and not taken yet."""

    async def read(self) -> bytes:
        """What has come, about CHUNK bytes at most; empty when nothing more will, for whatever reason."""
        return self._take(len(self._held)) or await self._receive()

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and with `mark`; CutError when it does not come."""
        while (at := self._held.find(mark)) < 0:
            await self._more()
        return self._take(at + len(mark))

    async def exactly(self, count: int) -> bytes:
        """That many bytes; CutError when they do not come."""
        while len(self._held) < count:
            await self._more()
        return self._take(count)

    async def write(self, data: bytes) -> None:
        """Send all of it; BrokenPipeError or ConnectionResetError when nobody takes it any more."""
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def end(self) -> None:
        """Say that no more will be written; reading goes on."""
        with suppress(OSError):  # whoever is gone needs no word of it
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Cut it, whatever is under way."""
        self._socket.close()

    def _take(self, count: int) -> bytes:
        piece = bytes(self._held[:count])
        del self._held[:count]
        return piece

    async def _more(self) -> None:
        piece = await self._receive()
        if not piece or len(self._held) > _LONGEST:
            raise CutError
        self._held += piece

    async def _receive(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, CHUNK)
        except OSError:
            return b""  # the reader knows whether it may end here


class TlsLine(Line):
    """The same through TLS, where an end of writing is a `close_notify`."""

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, name: str) -> None:
        super().__init__(connected)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._sending = asyncio.Lock()

    async def shake_hands(self) -> None:
        """Begin; OSError (ssl.SSLError is one) when one does not take the other for who it says."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    raise ConnectionResetError("it ended the connection instead of TLS") from None
            else:
                await self._flush()
                return

    async def write(self, data: bytes) -> None:
        """Send all of it (see Line)."""
        self._tls.write(data)
        await self._flush()

    async def end(self) -> None:
        """Say that no more will be written; reading goes on."""
        while piece := self._decrypted():  # OpenSSL must not find any of it when it has said the end
            self._held += piece
        with suppress(ssl.SSLWantReadError):  # the other side says its own end later
            self._tls.unwrap()
        with suppress(OSError):  # whoever is gone needs no word of it
            await self._flush()

    async def _receive(self) -> bytes:
        while (piece := self._decrypted()) is None:
            if not await self._fill():
                return b""
        return piece

    def _decrypted(self) -> bytes | None:
        """What can be read without waiting: None for nothing yet, empty at the end."""
        try:
            return self._tls.read(CHUNK)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError:  # the other side has ended, or what it says makes no sense: an end as well
            return b""

    async def _fill(self) -> bool:
        """Wait for more to decrypt; False at the end."""
        piece = await super()._receive()
        self._in.write(piece)
        return bool(piece)

    async def _flush(self) -> None:
        async with self._sending:
            if data := self._out.read():
                await super().write(data)

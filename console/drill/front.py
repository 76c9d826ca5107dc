"""The https endpoint before the drill's service: `python -m console.drill.front PORT SERVICE_PORT DIR`.

It ends TLS, and hands on what it carries. Another certificate in its folder is taken up at once, and whoever
is connected has to connect anew.
"""

import asyncio
import ssl
import sys
from contextlib import suppress
from pathlib import Path

from console.drill.certificates import Certificates
from console.drill.ports import LOOPBACK

_LOOKS_EVERY_S = 0.1
_CHUNK = 1 << 16


class Front:
    """One listening socket, one certificate at a time."""

    def __init__(self, service_port: int, files: Certificates) -> None:
        self._service_port = service_port
        self._files = files
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, port: int) -> None:
        """Serve until the process is told to stop."""
        self._take_up()
        await asyncio.start_server(self._accept, LOOPBACK, port, ssl=self._context)
        seen = self._changed()
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            if self._changed() != seen:
                seen = self._changed()
                self._take_up()

    def _changed(self) -> int:
        return self._files.certificate.stat().st_mtime_ns

    def _take_up(self) -> None:
        self._context.load_cert_chain(self._files.certificate, self._files.key)
        for writer in self._open:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError):
                inner, outer = await asyncio.open_connection(LOOPBACK, self._service_port)
                await asyncio.gather(_pour(reader, outer), _pour(inner, writer))
        finally:
            self._open.discard(writer)
            writer.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything from one side to the other; the end too."""
    with suppress(OSError):
        while piece := await reader.read(_CHUNK):
            writer.write(piece)
            await writer.drain()
    writer.close()


def main() -> None:
    """Until told to stop."""
    port, service_port, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    asyncio.run(Front(service_port, Certificates(folder)).serve(port))


if __name__ == "__main__":
    main()

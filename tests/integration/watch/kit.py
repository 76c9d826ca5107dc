"""What the tests of sources that are looked at share: an error that comes in time, and an ordinary user."""

import asyncio
import os
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from console.core.strategy import Service
from console.core.watched import AnySource, Measure
from console.engine.watchers import Means, Watcher, watcher
from console.engine.watchers.readings import Looks
from console.store.clock import SystemClock
from console.targets import web
from console.targets.process import Programs
from console.targets.source import SourceError
from tests.servers import LOOPBACK

LIMIT_S = 1.0
SPARE_S = 0.8
"""What a look may take beyond its limit on a busy machine."""
_NOBODY = 65534


def programs_of(folder: Path) -> Programs:
    """Programs of an engine whose state is in that folder."""
    return Programs({"PATH": os.environ["PATH"]}, tag=folder)


@asynccontextmanager
async def made(
    described: Mapping[str, object], measure: Measure, folder: Path, secret: str = ""
) -> AsyncIterator[Watcher]:
    """The watcher that an engine makes of a source in a strategy which lies in that folder."""
    source: AnySource = TypeAdapter(AnySource).validate_python(described)
    nobody = "http://127.0.0.1:9"
    async with web.new_client() as client:
        means = Means(
            client,
            lambda _: secret,
            SystemClock(),
            programs_of(folder),
            folder=folder,
            redact=lambda text: text.replace("CANARY", "***"),
        )
        yield watcher(source, Service(url=nobody, health=nobody, version="version"), [measure], means)


async def refused(target: Looks, limit_s: float = LIMIT_S) -> SourceError:
    """The error of a look; it came in time, and in one line."""
    began = time.monotonic()
    with pytest.raises(SourceError) as caught:
        await target.look()
    assert time.monotonic() - began < limit_s + SPARE_S
    assert str(caught.value).strip()
    assert "\n" not in str(caught.value)
    return caught.value


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may do everything: what is asked in here is asked without its rights."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@asynccontextmanager
async def serving(talk: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """The port of a server that talks so with whoever comes."""
    talks: list[asyncio.Task[None]] = []

    async def one(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                await talk(reader, writer)
        finally:
            writer.close()

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        talks.append(asyncio.create_task(one(reader, writer)))

    async with await asyncio.start_server(accept, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]
    for each in talks:
        each.cancel()
    await asyncio.gather(*talks, return_exceptions=True)

"""Pieces handed from who makes them to who takes them: a few wait in between, and either end may fail."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from console.targets.shell import Sink

_WAITING = 4


class _Handover:
    """A queue that ends."""

    def __init__(self) -> None:
        self._queue = asyncio.Queue[bytes | None]()
        self._room = asyncio.Semaphore(_WAITING)

    async def put(self, piece: bytes) -> None:
        """Returns when there is room for more."""
        await self._room.acquire()
        self._queue.put_nowait(piece)

    def end(self) -> None:
        """Nothing follows: who takes comes to an end, and nobody waits for room any more."""
        self._queue.put_nowait(None)
        self._room.release()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Everything until the end."""
        while (piece := await self._queue.get()) is not None:
            self._room.release()
            yield piece


@asynccontextmanager
async def poured(taking: Callable[[AsyncIterator[bytes]], Awaitable[None]]) -> AsyncIterator[Sink]:
    """A sink whose pieces `taking` gets while the block runs, to its end when the block ends well.

    What `taking` raises is raised by the sink, or at the end of the block.
    """
    between = _Handover()
    taker = asyncio.ensure_future(taking(between.pieces()))
    taker.add_done_callback(lambda _: between.end())

    async def sink(piece: bytes) -> None:
        await between.put(piece)
        if taker.done():
            await taker

    try:
        yield sink
        between.end()
        await taker
    finally:
        taker.cancel()
        await asyncio.gather(taker, return_exceptions=True)


async def drawn(giving: Callable[[Sink], Awaitable[None]]) -> AsyncGenerator[bytes, None]:
    """What `giving` puts into the sink that it gets; what it raises is raised behind the last piece."""
    between = _Handover()
    giver = asyncio.ensure_future(giving(between.put))
    giver.add_done_callback(lambda _: between.end())
    try:
        async for piece in between.pieces():
            yield piece
        await giver
    finally:
        giver.cancel()
        await asyncio.gather(giver, return_exceptions=True)

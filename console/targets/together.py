"""Several things at once of which none is worth anything without the others; and what must reach its end."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

Found = TypeVar("Found")


async def together(*works: Coroutine[Any, Any, Found]) -> list[Found]:
    """What all of them return, in that order; the first failure ends the others, and is raised after that.

    A TaskGroup would wrap it in a group, which no caller that waits for an error of its own would catch.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await surely(asyncio.gather(*tasks, return_exceptions=True))


async def surely(work: Awaitable[Found]) -> Found:
    """What it returns. Whoever is cancelled while they wait for it is so only when it has ended.

    For what puts things in order again, and ends by itself: left in the middle, it would leave things behind.
    """
    ending = asyncio.ensure_future(work)
    cut: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.wait({ending})
        except asyncio.CancelledError as error:
            cut = error
    if cut is not None:
        raise cut
    return ending.result()

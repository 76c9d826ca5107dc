"""Several things at once of which none is worth anything without the others."""

import asyncio
from collections.abc import Coroutine
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
        await asyncio.gather(*tasks, return_exceptions=True)

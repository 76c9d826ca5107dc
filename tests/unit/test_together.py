"""What must come to its end comes to it, however often somebody is cancelled meanwhile."""

import asyncio

import pytest

from console.targets.together import surely, together


class Tidying:
    """Something that puts things in order, in two moves."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.done = False

    async def __call__(self) -> str:
        self.begun.set()
        await self.go_on.wait()
        self.done = True
        return "in order"


async def test_it_returns_what_the_work_returns() -> None:
    tidying = Tidying()
    tidying.go_on.set()
    assert await surely(tidying()) == "in order"


async def test_what_fails_fails() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await surely(fail())


async def test_who_is_cancelled_twice_is_so_when_it_has_ended() -> None:
    tidying = Tidying()
    waiting = asyncio.create_task(surely(tidying()))
    await tidying.begun.wait()
    for _ in range(2):
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
    tidying.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert tidying.done


async def test_the_others_have_ended_when_one_fails_though_somebody_is_cancelled() -> None:
    tidying = Tidying()

    async def other() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await surely(tidying())

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    both = asyncio.create_task(together(other(), fail()))
    await tidying.begun.wait()
    both.cancel()
    await asyncio.sleep(0)
    assert not both.done()
    tidying.go_on.set()
    await asyncio.wait({both})
    assert tidying.done

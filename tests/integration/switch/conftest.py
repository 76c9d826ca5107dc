"""A broken world for each test, and nothing of it left afterwards."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.drill.world import stop_world
from tests.faults import world
from tests.integration.switch.kit import Change, Shift, begin


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Callable[..., Shift]]:
    """Makes the world, with what a test changes in its strategy."""
    folder = tmp_path.resolve()

    def make(
        change: Change = lambda _environment: None,
        extra: dict[str, str] | None = None,
        name: str = "testnet",
    ) -> Shift:
        return Shift(asyncio.run(begin(folder, change, extra or {}, name)))

    try:
        yield make
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []

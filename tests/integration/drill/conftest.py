"""Worlds to test in, and people to run them."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.drill.world import World, stop_world
from tests.integration.drill.kit import User, build, unheard, without_rights


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that the tests of a module share, because building one costs a second or two."""
    folder = tmp_path_factory.mktemp("world")
    try:
        yield build(folder)
    finally:
        asyncio.run(stop_world(folder, unheard))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a world of the test's own, which ends with the test."""
    path = tmp_path / "drill"
    yield path
    if (path / ".warroom-drill").exists():
        asyncio.run(stop_world(path, unheard))


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that everyone may enter."""
    path = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def ordinary(public_folder: Path) -> User:
    """Somebody without any rights."""
    return without_rights(public_folder)

"""Clusters with an archive, made once for all tests that only read them."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.postgres.archives import Archived


def _archived(major: int) -> Iterator[Archived]:
    folder = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    made: Archived | None = None
    try:
        made = Archived(major, folder)
        yield asyncio.run(made.fill())
    finally:
        if made is not None:
            made.postgres.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def archived_15() -> Iterator[Archived]:
    """A PostgreSQL 15 with base backups and WAL."""
    yield from _archived(15)


@pytest.fixture(scope="session")
def archived_18() -> Iterator[Archived]:
    """A PostgreSQL 18 with base backups and WAL."""
    yield from _archived(18)


@pytest.fixture(params=[15, 18], ids=["PostgreSQL 15", "PostgreSQL 18"])
def archived(request: pytest.FixtureRequest) -> Archived:
    """Each of them, one after the other."""
    made: Archived = request.getfixturevalue(f"archived_{request.param}")
    return made

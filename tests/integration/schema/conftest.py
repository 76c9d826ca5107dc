"""Houses in which releases are judged, each with a remote and a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.actions.kit import copy_history, make_history
from tests.integration.schema.kit import House
from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a remote and a working clone; never changed."""
    folder = tmp_path_factory.mktemp("history")
    make_history(folder)
    return folder


@pytest.fixture
async def house(postgres: PostgresServer, history: Path, tmp_path: Path) -> AsyncIterator[House]:
    """One on each PostgreSQL; nothing of what was tried in it is left."""
    made = await House(tmp_path, copy_history(history, tmp_path), postgres).fetched()
    yield made
    assert made.left() == []

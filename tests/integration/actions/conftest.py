"""A remote for each test, copied from one that is made once."""

from pathlib import Path

import pytest

from tests.integration.actions.kit import Operator, Place, copy_history, make_history


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a remote and a working clone; never changed."""
    folder = tmp_path_factory.mktemp("history")
    make_history(folder)
    return folder


@pytest.fixture
def operator(history: Path, tmp_path: Path) -> Operator:
    """Somebody who pushes to the remote of this test."""
    return copy_history(history, tmp_path)


@pytest.fixture
async def place(tmp_path: Path, operator: Operator) -> Place:
    """A world around that remote, with the way back to v1.5.0 worked out."""
    return await Place(tmp_path, operator).ready()

"""A GitHub for each test, that must have been asked and have answered as its description says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from console.targets import web
from tests.integration.actions.kit import Place, copy_history, make_history
from tests.integration.github.kit import Desk, GitHub


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with web.new_client() as made:
        yield made


@pytest.fixture
async def hub() -> AsyncIterator[GitHub]:
    """GitHub with one workflow, `Deploy`, and nothing under way."""
    made = await GitHub().start()
    yield made
    await made.stop()
    assert made.wrong == []


@pytest.fixture
def desk(hub: GitHub, client: httpx.AsyncClient) -> Desk:
    """Who asks it."""
    return Desk(hub.url, client)


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a remote and a working clone; never changed."""
    folder = tmp_path_factory.mktemp("history")
    make_history(folder)
    return folder


@pytest.fixture
async def place(history: Path, tmp_path: Path, desk: Desk) -> Place:
    """A world with a remote whose branch `develop` is deployed by that workflow."""
    made = Place(tmp_path, copy_history(history, tmp_path))
    changed = made.world.environment.model_copy(update={"ci": desk.settings})
    made.world = replace(made.world, environment=changed, ci=desk.ci, clock=desk.clock)
    return await made.ready()

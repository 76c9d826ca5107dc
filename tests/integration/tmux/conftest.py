"""A tmux for each test."""

from collections.abc import Iterator

import pytest

from tests.conftest import require_program
from tests.integration.tmux.window import Tmux


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    """A tmux of our own, ended with everything in it."""
    program = require_program("tmux", "tmux")
    server = Tmux(program, tmp_path_factory.mktemp("t") / "s")
    yield server
    server.run("kill-server")

"""Environments whose engine has an account of its own: one that runs for many tests, and fresh ones."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.separated.kit import House, house, interpreter


@pytest.fixture(scope="session")
def runnable() -> Iterator[tuple[str, dict[str, str]]]:
    """What every account runs `warroom` with."""
    with interpreter() as found:
        yield found


@pytest.fixture(scope="module")
def running(
    runnable: tuple[str, dict[str, str]],
) -> "Iterator[tuple[House, subprocess.Popen[str]]]":
    """An environment whose engine runs, and that engine."""
    with house(*runnable) as made, made.engine() as engine:
        yield made, engine


@pytest.fixture
def fresh(runnable: tuple[str, dict[str, str]]) -> Iterator[House]:
    """An environment in which none has run yet."""
    with house(*runnable) as made:
        yield made

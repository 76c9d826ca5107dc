"""A gate in front of nothing, and keys that are made once for all tests."""

from pathlib import Path

import pytest

from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.drill.keyring import Keyring
from tests.integration.authority.gatehouse import Gatehouse


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """A key of everybody in the bundled roster, a second one of the security lead, and a stranger's."""
    ring = Keyring(tmp_path_factory.mktemp("keys"))
    ring.make((*load_roster(BUNDLED / "roster.yaml").roster.handles(), "sec-1-b", "stranger"))
    return ring


@pytest.fixture
def house(tmp_path: Path, keys: Keyring) -> Gatehouse:
    """A production with everybody's key in its roster."""
    return Gatehouse(tmp_path, keys)

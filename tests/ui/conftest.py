"""Every picture is drawn as in a colour terminal with Unicode, unless a test asks for less."""

import pytest


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "WARROOM_ASCII", "WARROOM_LOOK", "TEXTUAL", "TEXTUAL_THEME", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)

"""The two-minute tour of the README, with the keys it names, in a real terminal multiplexer."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.tmux.window import Tmux


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
def test_a_newcomer_who_presses_what_next_says_gets_the_service_back(
    tmux: Tmux, tmp_path: Path, columns: int, lines: int
) -> None:
    """n, Enter, n, the name, n, Enter: and the score says recovered."""
    try:
        tmux.open(columns, lines, sys.executable, "-m", "console", "drill", "--dir", str(tmp_path))
        tmux.wait_for("NEXT nothing to do")
        screen = tmux.wait_for("NEXT declare the incident")
        assert "ROLL BACK" in screen
        assert max(map(len, screen.splitlines())) == columns, "it is as wide as its window"
        tmux.press("n")
        tmux.wait_for("Declare an incident")
        tmux.press("Enter")
        screen = tmux.wait_for("NEXT go: say yes to the plan")
        assert "v1.5.3" in screen
        tmux.press("n")
        tmux.wait_for("Type the environment's name")
        tmux.press("testnet", "Enter")
        screen = tmux.wait_for("NEXT close the incident")
        assert "v1.5.0 well since" in screen
        tmux.press("n")
        tmux.wait_for("Close the incident")
        tmux.press("Enter")
        tmux.wait_for("NEXT done: recovered")
        tmux.press("q")
        tmux.wait_for("Leave this console")
        tmux.press("Enter")
        screen = tmux.wait_for("journal:")
        assert "the service answers v1.5.0" in screen
        assert "0 lost" in screen
    finally:
        stop = [sys.executable, "-m", "console", "drill", "--stop", "--dir", str(tmp_path)]
        subprocess.run(stop, capture_output=True, check=True)

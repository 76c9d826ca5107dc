"""The board: what is drawn, and how often; and lines that are fit to be shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.live import Live, Progress
from console.core.metrics import Rung
from console.core.state import RungState
from console.engine.board import QUIET_S, Board, Worsened, one_line
from tests.unit.core.kit import at
from tests.unit.engine.kit import HandClock


class Wall:
    """A board, and everything that was published."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.shown: list[Live] = []
        self.board = Board(Live(1, 1, at()), self.clock, self.shown.append)


def test_progress_that_comes_in_a_burst_is_drawn_together_and_none_of_it_is_lost() -> None:
    wall = Wall()
    wall.clock.seconds = 1
    wall.board.step("push", Progress("starting", at(1)))
    for number in range(100):
        wall.clock.seconds += QUIET_S / 50
        wall.board.step("push", Progress(f"line {number}", at(1)))
    assert len(wall.shown) <= 5
    wall.board.beat(None, "", {})
    assert wall.shown[-1].steps["push"].words == "line 99"


def test_the_beginning_and_the_end_of_a_step_are_shown_at_once() -> None:
    wall = Wall()
    wall.board.step("push", Progress("starting", at()))
    wall.board.step("deploy", Progress("starting", at()))
    assert set(wall.shown[-1].steps) == {"push", "deploy"}
    wall.board.step("push", None)
    assert set(wall.shown[-1].steps) == {"deploy"}


def test_every_picture_says_when_it_was_taken() -> None:
    wall = Wall()
    wall.clock.seconds = 7
    wall.board.beat(None, "1 engineer must say yes", {"metrics": "connection\nrefused"})
    assert (wall.shown[-1].beat, wall.shown[-1].gate) == (at(7), "1 engineer must say yes")
    assert wall.shown[-1].trouble == {"metrics": "connection refused"}, "one line, and not lost"


@given(st.text(max_size=2000))
def test_whatever_is_said_is_one_short_line_that_can_only_be_shown(words: str) -> None:
    line = one_line(words)
    assert len(line) <= 400
    assert line.splitlines() in ([], [line])
    assert not any(ord(char) < 32 or ord(char) == 127 for char in line)


def test_words_that_are_fit_stay_as_they_are(tmp_path: Path) -> None:
    words = f"develop at 9c1f2e, the good tree: {tmp_path}, naïve façade"
    assert one_line(words) == words


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        (Rung.RECOVERED, Rung.WARN, True),
        (Rung.WAITING, Rung.WARN, True),
        (Rung.WARN, Rung.MANDATORY, True),
        (Rung.RECOVERED, Rung.OK, False),
        (Rung.MANDATORY, Rung.AUTOMATIC, False),
        (Rung.AUTOMATIC, Rung.MANDATORY, False),
        (Rung.WARN, Rung.WARN, False),
        (Rung.WARN, Rung.STALE, False),
    ],
)
def test_what_loads_the_server_gives_way_to_new_trouble_alone(
    before: Rung, now: Rung, *, worse: bool
) -> None:
    """Not to a target that is missed for a moment, nor to the same trouble that only lasts longer."""
    rungs = {"error_rate": RungState(before, at(), None, "", "errors")}
    worsened = Worsened(lambda: rungs)
    rungs["error_rate"] = RungState(now, at(1), None, "", "errors")
    assert worsened() == (f"errors went from {before} to {now}" if worse else "")

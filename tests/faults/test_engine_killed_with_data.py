"""kill -9 of the engine while data goes back: the live database is one of two, whole; nobody guesses."""

from pathlib import Path

import pytest

from console.core import events as ev
from console.store.verify import verify
from tests.faults import world

POINTS = {
    "candidate:effect.middle": "build the candidate is tried again",
    "stop-writers:effect.after": "stop the service counts as done",
    "swap:effect.middle": "swap the database is tried again",
    "swap:effect.after": "swap the database counts as done",
}
"""Where it dies, and what the rule for runs without a person decides then."""


@pytest.mark.parametrize("point", POINTS)
def test_the_restore_is_carried_on_and_no_row_is_lost_unsaid(point: str, tmp_path: Path) -> None:
    done = world.headless(tmp_path, point, "--scenario", "data-corruption")
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "recovered"), result["reason"]
    data = result["data"]
    assert (data["seeded_missing"], data["seeded_changed"], data["tables_missing"]) == (0, 0, [])
    assert data["unaccounted"] == 0, "every acknowledged write is there, or in the receipt"
    events = world.events(tmp_path, "production")
    assert [event.kind for event in events].count("engine.started") == 2
    probed = [event.body.step for event in events if isinstance(event.body, ev.StepProbed)]
    assert probed.count(point.partition(":")[0]) == 1, "beside it, a backup may have been cut off as well"
    assert POINTS[point] in done.stderr
    assert verify(tmp_path / "state" / "journal.db").ok
    assert world.left_running(tmp_path) == []

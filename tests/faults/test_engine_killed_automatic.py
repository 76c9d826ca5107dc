"""kill -9 of the engine in each stage of an automatic rollback: it is carried on, and nothing done twice."""

from pathlib import Path

import pytest

from console.core import events as ev
from console.store.verify import verify
from tests.faults import world

POINTS = (
    "automatic:validation",
    "automatic:execution",
    "automatic:verification",
    "rows:intent.before",
    "deploy:intent.after",
    "deploy:effect.after",
    "health:effect.after",
)
"""Where it dies; detection, alert and validation begin in one transaction."""


@pytest.mark.parametrize("point", POINTS)
def test_it_is_carried_on_by_the_next_engine_and_nothing_is_done_twice(point: str, tmp_path: Path) -> None:
    done = world.headless(tmp_path, point, "--automatic")
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "recovered"), result["reason"]
    assert (result["automatic"]["decided"], result["automatic"]["ended"]) == ("runs", "rolled back")
    events = world.events(tmp_path)
    kinds = [event.kind for event in events]
    assert kinds.count("engine.started") == 2, "the engine was not killed"
    assert kinds.count("automatic.began") == kinds.count("gate.opened") == 1
    declared = [event.seq for event in events if isinstance(event.body, ev.IncidentDeclared)]
    over = next(event.seq for event in events if isinstance(event.body, ev.AutomaticEnded))
    assert all(seq > over for seq in declared), "the crew has kept its hands off"
    assert world.rollbacks_on_develop(tmp_path) == 1
    assert world.done_outcomes(tmp_path, "deploy") == 1
    assert verify(tmp_path / "state" / "journal.db").ok
    assert world.left_running(tmp_path) == []

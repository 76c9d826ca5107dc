"""kill -9 of the engine while a deploy is taken back: nothing goes on by itself, nothing is done twice."""

from collections.abc import Callable

import pytest

from console.core.exits import Exit
from console.core.state import Status
from console.engine.spawn import spawn_detached
from tests.faults import world
from tests.integration.switch.conftest import shift  # noqa: F401 - a fixture
from tests.integration.switch.kit import Shift


@pytest.mark.parametrize(("point", "again"), [("intent.after", 1), ("effect.after", 0)])
def test_the_former_release_is_deployed_once(
    point: str,
    again: int,
    shift: Callable[..., Shift],  # noqa: F811 - the fixture
) -> None:
    """Before its effect or after it: asked again, it looks first how far it came."""
    at = shift(extra={"WARROOM_CRASH_AT": f"undo-deploy:{point}"})
    at.to_gate()
    at.run("same-schema", "rows", "push-branch", "integrate", "deploy")
    former = at.tag("v1.5.3")
    before = world.deploys_of(at.folder, former)
    at.do("undo", "--type", "testnet")
    at.engine_ends()
    assert world.deploys_of(at.folder, former) == before + 1 - again
    spawn_detached(at.engine, at.extra)
    incident = at.wait(lambda one: one.undos["deploy"].status is Status.UNKNOWN)
    assert incident.undo == (), "nobody has asked for it again"
    assert at.next().startswith("take back again: of deploy nobody knows how far that came, u looks first")
    assert at.warroom("undo", "--type", "testnet").returncode == Exit.DONE
    at.wait(lambda one: not one.undo and not one.running())
    assert at.runs() == "v1.5.3"
    assert world.deploys_of(at.folder, former) == before + 1
    assert at.incident.step("push-branch").status is Status.UNDONE

"""What waits for the commander's yes alone, and when nobody has to give it."""

import pytest
from msgspec.structs import replace

from console.core.automatic_run import AutomaticRun, Mode
from console.core.clock import Stamp
from console.core.commanding import allowed
from console.core.plan import Authority, Phase, Step
from console.core.state import Incident

NOW = Stamp(0, "boot", 0)
FREEZE = Step(
    id="freeze",
    action="freeze",
    title="freeze deployments",
    phase=Phase.PREPARE,
    authority=Authority.COMMANDER,
    needs=(),
    params={},
    words="",
    effects=("PUT .../disable",),
    repeatable=True,
    expected_s=1,
    limit_s=1,
)
INCIDENT = Incident(id="INC-1", status="declared", onset=NOW, triggers=(), commander="eng-1")


def under(mode: Mode, commander: str | None = None) -> Incident:
    """The incident with an automatic rollback in it."""
    run = AutomaticRun(NOW, ("error_rate",), ("error_rate > 10%",), mode=mode)
    return replace(INCIDENT, commander=commander, automatic=run)


def test_it_waits_for_a_yes_to_exactly_what_it_does() -> None:
    assert not allowed(INCIDENT, FREEZE)
    assert allowed(replace(INCIDENT, allowed={"freeze": FREEZE.effects}), FREEZE)
    assert not allowed(replace(INCIDENT, allowed={"freeze": ("something else",)}), FREEZE)
    assert allowed(INCIDENT, replace(FREEZE, authority=Authority.NONE))


def test_an_automatic_rollback_that_runs_was_authorised_with_the_step_in_it() -> None:
    assert allowed(under("runs"), FREEZE)


@pytest.mark.parametrize("mode", ["validating", "arms", "held"])
def test_one_that_does_not_run_waits_for_people(mode: Mode) -> None:
    assert not allowed(under(mode), FREEZE)


def test_who_takes_command_of_it_is_asked() -> None:
    assert not allowed(under("runs", "eng-1"), FREEZE)

"""Mitigations by real commands: the probe decides whether they are done, and whether they are taken back."""

from pathlib import Path
from typing import Any

import pytest

from actions.action import ActionError
from console.targets.process import ProgramError
from tests.integration.actions.kit import Operator, Place, Said
from tests.unit.core.test_recommendation import mitigation

PROBE = ["sh", "-c", 'test -e broken && exit 7; test -e off && echo "it is off"']


async def place_of(tmp: Path, operator: Operator, **changes: Any) -> Place:
    """A flag that is a file in the folder of the strategy: off while it is there."""
    fields = {
        "title": "flag off",
        "perform": ["sh", "-c", "echo switching; touch off"],
        "probe": PROBE,
        "undo": ["rm", "off"],
    }
    off = mitigation("health_check", **{**fields, **changes})
    return await Place(tmp, operator, mitigations={"off": off}).ready()


async def test_it_is_done_when_the_probe_says_so(tmp_path: Path, operator: Operator) -> None:
    """What the command prints is kept, line by line."""
    place = await place_of(tmp_path, operator)
    action, said = place.action("mitigate", mitigation="off"), Said()
    assert (await action.probe()).found == "not done"
    await action.perform(said)
    assert said.lines == ["switching"]
    assert (await action.verify()).words == "done, says the probe: it is off"
    assert (await action.probe()).found == "done"


async def test_it_is_taken_back_when_the_probe_says_that_it_is_not_done_any_more(
    tmp_path: Path, operator: Operator
) -> None:
    place = await place_of(tmp_path, operator)
    (tmp_path / "off").touch()
    action = place.action("undo-mitigation", mitigation="off")
    assert (await action.probe()).found == "not done"
    await action.perform(Said())
    assert (await action.verify()).words.startswith("taken back, says the probe")
    assert (await action.probe()).found == "done"


async def test_a_command_that_ends_well_and_does_nothing_is_not_believed(
    tmp_path: Path, operator: Operator
) -> None:
    place = await place_of(tmp_path, operator, perform=["true"], undo=["true"])
    action = place.action("mitigate", mitigation="off")
    await action.perform(Said())
    with pytest.raises(ActionError, match="by the probe it is not"):
        await action.verify()
    (tmp_path / "off").touch()
    back = place.action("undo-mitigation", mitigation="off")
    await back.perform(Said())
    with pytest.raises(ActionError, match="the probe says: it is off"):
        await back.verify()


@pytest.mark.parametrize(
    "changes",
    [{}, {"probe": ["no-such-program"]}, {"probe": ["sleep", "60"], "limit": "100ms"}],
    ids=["another exit code", "no such program", "no answer in time"],
)
async def test_a_probe_that_ends_in_any_other_way_cannot_tell(
    tmp_path: Path, operator: Operator, changes: dict[str, Any]
) -> None:
    """Neither that it is done nor that it is not; nor that it was taken back."""
    (tmp_path / "broken").touch()
    place = await place_of(tmp_path, operator, **changes)
    for name in ("mitigate", "undo-mitigation"):
        assert (await place.action(name, mitigation="off").probe()).found == "cannot tell"


async def test_a_command_that_fails_says_why(tmp_path: Path, operator: Operator) -> None:
    place = await place_of(tmp_path, operator, perform=["sh", "-c", "echo no such flag >&2; exit 4"])
    with pytest.raises(ActionError, match="failed: no such flag$") as failed:
        await place.action("mitigate", mitigation="off").perform(Said())
    assert failed.value.facts == {"exit": "4"}


async def test_a_command_that_takes_too_long_is_ended(tmp_path: Path, operator: Operator) -> None:
    place = await place_of(tmp_path, operator, perform=["sleep", "60"], limit="100ms")
    with pytest.raises(ProgramError, match="took longer than 0.1 s"):
        await place.action("mitigate", mitigation="off").perform(Said())


async def test_what_cannot_be_taken_back_is_refused_before_anything_is_run(
    tmp_path: Path, operator: Operator
) -> None:
    place = await place_of(tmp_path, operator, undo=None)
    with pytest.raises(ActionError, match="names no `undo`"):
        place.effects("undo-mitigation", mitigation="off")


async def test_the_plan_shows_the_command_and_its_probe(tmp_path: Path, operator: Operator) -> None:
    place = await place_of(tmp_path, operator, perform=["flags", "set", "wc-gas", "off now"])
    do, probe = place.effects("mitigate", mitigation="off")
    assert do == "flags set wc-gas 'off now'"
    assert probe.endswith("# the probe")

"""Run command: a check of the strategy, in the worktree of the release it is about."""

import os
from pathlib import Path

import pytest

from actions.action import ActionError
from console.targets.process import ProgramError, orphans
from tests.integration.actions.kit import Operator, Place, Said


async def checked(tmp: Path, operator: Operator, *argv: str, gate: bool, limit: str = "10s") -> Place:
    """A place whose plan has one check, with the worktree it runs in."""
    command = {"title": "validation", "argv": list(argv), "limit": limit, "gate": gate}
    place = await Place(tmp, operator, commands={"check": command}).ready()
    await place.done("restore-tree")
    return place


async def test_a_check_that_passes_is_proven_by_its_last_words(tmp_path: Path, operator: Operator) -> None:
    place = await checked(tmp_path, operator, "sh", "-c", "echo one; echo 14 checks passed", gate=True)
    action, said = place.action("run-command", command="check"), Said()
    await action.perform(said)
    proof = await action.verify()
    assert (proof.words, proof.facts) == ("passed: 14 checks passed", {"exit": "0"})
    assert said.lines == ["one", "14 checks passed"]
    assert said.counted[-1] == (2, None, "lines")


async def test_it_runs_in_the_good_release_and_knows_where_the_service_is(
    tmp_path: Path, operator: Operator
) -> None:
    script = 'cat VERSION; echo "$1"'
    place = await checked(tmp_path, operator, "sh", "-c", script, "sh", "{service_url}/sign", gate=True)
    said = Said()
    await place.action("run-command", command="check").perform(said)
    assert said.lines == ["v1.5.0", "http://127.0.0.1:9000/sign"]


async def test_what_the_plan_shows_is_what_is_run(tmp_path: Path, operator: Operator) -> None:
    place = await checked(tmp_path, operator, "echo", "two words", "$HOME", "a'b", gate=True)
    (shown,) = place.effects("run-command", command="check")
    assert shown == """echo 'two words' '$HOME' 'a'"'"'b'"""
    said = Said()
    await place.action("run-command", command="check").perform(said)
    assert said.lines == ["two words $HOME a'b"], "no shell reads it"
    assert place.programs.lines[-1] == ("echo", "two words", "$HOME", "a'b")


async def test_a_gate_that_fails_stops_and_says_why(tmp_path: Path, operator: Operator) -> None:
    place = await checked(
        tmp_path, operator, "sh", "-c", "echo so far so good; echo no >&2; exit 3", gate=True
    )
    action = place.action("run-command", command="check")
    await action.perform(Said())
    with pytest.raises(ActionError, match="^validation failed: no$") as failed:
        await action.verify()
    assert failed.value.facts == {"exit": "3"}


async def test_advice_that_fails_is_told_and_stops_nothing(tmp_path: Path, operator: Operator) -> None:
    place = await checked(tmp_path, operator, "sh", "-c", "echo slow; exit 1", gate=False)
    action = place.action("run-command", command="check")
    await action.perform(Said())
    proof = await action.verify()
    assert (proof.words, proof.facts) == ("advisory, failed: slow", {"exit": "1"})


_HANGS = ("sh", "-c", "echo begun; sleep 60 & sleep 60")


async def test_a_gate_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, operator: Operator
) -> None:
    place = await checked(tmp_path, operator, *_HANGS, gate=True, limit="300ms")
    with pytest.raises(ProgramError, match="`sh` took longer than 0.3 s and was ended"):
        await place.action("run-command", command="check").perform(Said())
    assert orphans(tmp_path) == []


async def test_advice_that_takes_too_long_stops_nothing(tmp_path: Path, operator: Operator) -> None:
    place = await checked(tmp_path, operator, *_HANGS, gate=False, limit="300ms")
    action = place.action("run-command", command="check")
    await action.perform(Said())
    assert (await action.verify()).words == "advisory, failed: `sh` took longer than 0.3 s and was ended"
    assert orphans(tmp_path) == []


@pytest.mark.parametrize("gate", [True, False])
async def test_a_program_that_is_not_there(tmp_path: Path, operator: Operator, *, gate: bool) -> None:
    place = await checked(tmp_path, operator, "no-such-program", gate=gate)
    action = place.action("run-command", command="check")
    await action.perform(Said())
    if gate:
        with pytest.raises(ActionError, match="validation failed: .*no-such-program"):
            await action.verify()
    else:
        assert "no-such-program" in (await action.verify()).words


async def test_a_check_without_its_worktree_is_one_line(tmp_path: Path, operator: Operator) -> None:
    place = await checked(tmp_path, operator, "true", gate=True)
    await place.done("tidy")
    with pytest.raises(ProgramError, match="cannot run `true`: No such file or directory") as failed:
        await place.action("run-command", command="check").perform(Said())
    assert "\n" not in str(failed.value)


async def test_a_check_sees_no_variable_that_it_was_not_given(
    tmp_path: Path, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "1")
    place = await checked(tmp_path, operator, "env", gate=True)
    said = Said()
    await place.action("run-command", command="check").perform(said)
    assert f"PATH={os.environ['PATH']}" in said.lines
    assert not any("CANARY" in line for line in said.lines)


async def test_a_check_that_was_not_run_to_its_end_proves_nothing(tmp_path: Path, operator: Operator) -> None:
    place = await checked(tmp_path, operator, "true", gate=True)
    action = place.action("run-command", command="check")
    assert (await action.probe()).found == "not done"
    with pytest.raises(ActionError, match="validation was not run to its end: retry"):
        await action.verify()

"""Where it does not run: without authority or good reason, switched off, or when a person commands."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.exits import Exit
from console.core.plan import Phase
from console.drill.keyring import Keyring
from tests.faults import world
from tests.integration.automatic.kit import NAME, Place, placed, stays


def _arms(environment: Any) -> None:
    environment["automatic"]["unsigned"] = "arms"


def _nobody_knows(environment: Any) -> None:
    """The second path never agrees: nobody sees that page fail."""
    environment["automatic"]["second_path"]["error_rate"] = "front_page_failures > 100"


async def _prepared(place: Place) -> None:
    await place.until(
        lambda snapshot: (
            snapshot.state.incident is not None and bool(snapshot.state.incident.settled(Phase.PREPARE))
        )
    )


async def test_unsigned_it_prepares_waits_at_the_gate_and_people_open_it(tmp_path: Path) -> None:
    """Arming instead of running, where the strategy asks for signatures that nobody has given."""
    async with placed(tmp_path, _arms) as place:
        await place.break_()
        incident = await place.decided("arms")
        assert incident.automatic is not None
        assert incident.automatic.why.startswith("no standing authorisation covers error_rate")
        await _prepared(place)
        await stays(place, 2, lambda s: s.state.incident is not None and s.state.incident.gate_opened is None)
        said = place.warroom("status").stdout
        assert "armed, not run: no standing authorisation covers error_rate" in said
        done = place.warroom("go", incident.id, "--type", NAME)
        assert done.returncode == Exit.DONE, done.stderr
        await place.until(lambda s: s.state.incident is not None and bool(s.state.incident.finished))
        (opened,) = place.said(ev.GateOpened)
        assert (opened.automatic, opened.approvers) == (False, ("eng-1",))
        assert (await place.ended()).outcome == "taken"


async def test_signed_for_beforehand_it_runs_and_the_gate_names_the_authorisation(tmp_path: Path) -> None:
    """Revoking it in time keeps the gate closed: see the unit tests; here it is in force."""
    async with placed(tmp_path, _arms) as place:
        text = place.warroom("standing", "make").stdout
        key = str(Keyring(tmp_path).private("eng-1"))
        (tmp_path / "standing.txt").write_text(text)
        words = ("standing", "sign", str(tmp_path / "standing.txt"), "--key", key, "--yes", "--approve")
        done = place.warroom(*words)
        assert done.returncode == Exit.DONE, done.stderr
        (known,) = place.room.snapshot().state.standing
        await place.break_()
        run = await place.ended()
        assert (run.outcome, run.standing) == ("rolled back", known)
        (opened,) = place.said(ev.GateOpened)
        assert (opened.automatic, opened.standing) == (True, known)
        assert f"by standing authorisation {known}" in place.warroom("timeline").stdout


async def test_a_broken_monitor_rolls_nothing_back(tmp_path: Path) -> None:
    """Of two sources one contradicts the other: it is held, and says so."""
    async with placed(tmp_path, _nobody_knows) as place:
        await place.break_()
        incident = await place.decided("held")
        assert incident.automatic is not None
        assert "second path of error_rate disagrees, front_page_failures > 100" in incident.automatic.why
        assert incident.plan is None
        assert [body.stage for body in place.said(ev.StageOverran)] == ["validation"]
        assert "take command: automatic rollback is held" in place.warroom("status").stdout


async def test_without_a_release_that_landed_it_arms_and_says_that_a_rollback_will_not_help(
    tmp_path: Path,
) -> None:
    def long_ago(environment: Any) -> None:
        """Nothing that landed can be so young."""
        environment["automatic"]["release_within"] = "1ms"

    async with placed(tmp_path, long_ago, broken=True) as place:
        incident = await place.decided("arms")
        assert incident.automatic is not None
        assert incident.automatic.why.startswith("a rollback will not help")
        await _prepared(place)


class TestKillSwitch:
    """Off by subcommand, and by file; by key: tests/ui."""

    async def test_off_by_subcommand_until_somebody_who_may_switches_it_on(self, tmp_path: Path) -> None:
        async with placed(tmp_path) as place:
            done = place.warroom("automatic", "off", "--reason", "load test", actor="pm-1")
            assert done.returncode == Exit.DONE, done.stderr
            told = msgspec.json.decode(place.warroom("automatic", "--json").stdout)
            assert (told["state"], told["words"]) == ("off", "pm-1: load test")
            await place.break_()
            await place.until(lambda s: any(r.rung == "automatic" for r in s.state.rungs.values()))
            await stays(
                place, 2, lambda s: s.state.incident is not None and s.state.incident.automatic is None
            )
            refused = place.warroom("automatic", "on", "--reason", "over", actor="pm-1")
            assert refused.returncode == Exit.UNAUTHORISED
            assert "pm-1 is product-manager; engineer may switch automatic rollback on" in refused.stderr
            assert place.warroom("automatic", "on", "--reason", "over").returncode == Exit.DONE
            assert (await place.ended()).outcome == "rolled back"

    async def test_off_by_a_file_and_on_when_it_goes(self, tmp_path: Path) -> None:
        file = tmp_path / "state" / "automatic.off"
        async with placed(tmp_path) as place:
            file.write_text("we are moving\n")
            await place.until(lambda s: "file" in s.state.automatic_off)
            await place.break_()
            await place.until(lambda s: any(r.rung == "automatic" for r in s.state.rungs.values()))
            await stays(
                place, 2, lambda s: s.state.incident is not None and s.state.incident.automatic is None
            )
            file.unlink()
            assert (await place.ended()).outcome == "rolled back"
            switched = [(body.on, body.by, body.reason) for body in place.said(ev.AutomaticSwitched)]
            assert switched == [
                (False, "file", "the file automatic.off is there, we are moving"),
                (True, "file", ""),
            ]


class TestPeopleTakeCommand:
    """In each stage: before the gate it ends, behind the gate it goes on."""

    async def test_during_detection_nothing_begins(self, tmp_path: Path) -> None:
        async with placed(tmp_path) as place:
            await place.break_()
            await place.until(lambda s: s.state.open_incident is not None)
            await place.ask(rq.Declare("mine"))
            await place.until(lambda s: any(r.rung == "automatic" for r in s.state.rungs.values()))
            await stays(
                place, 2, lambda s: s.state.incident is not None and s.state.incident.automatic is None
            )

    async def test_during_alert_and_validation_it_ends_and_a_plan_is_made_for_people(
        self, tmp_path: Path
    ) -> None:
        async with placed(tmp_path, _nobody_knows) as place:
            await place.break_()
            await place.decided("validating")
            await place.ask(rq.Declare("mine"))
            assert (await place.ended()).words == "eng-1 commands"
            await _prepared(place)
            await stays(
                place, 2, lambda s: s.state.incident is not None and s.state.incident.gate_opened is None
            )

    async def test_during_execution_before_the_gate_the_plan_stays_and_waits_for_a_yes(
        self, tmp_path: Path
    ) -> None:
        def slow(environment: Any) -> None:
            """Something to prepare that takes its time."""
            argv = ["sleep", "8"]
            environment["commands"]["wait"] = {"title": "wait", "argv": argv, "limit": "30s", "gate": True}
            step = {"id": "wait", "action": "run-command", "phase": "prepare", "title": "wait"}
            times = {"authority": "none", "expected": "8s", "limit": "40s"}
            environment["runbook"].insert(
                2, {**step, **times, "needs": ["worktree"], "with": {"command": "wait"}}
            )

        async with placed(tmp_path, slow) as place:
            await place.break_()
            await place.until(
                lambda s: s.state.incident is not None and bool(s.state.incident.steps.get("wait"))
            )
            hash_ = place.room.snapshot().state.incident
            await place.ask(rq.Declare("mine"))
            run = await place.ended()
            assert (run.outcome, run.words) == ("taken", "eng-1 commands")
            await _prepared(place)
            await stays(
                place, 2, lambda s: s.state.incident is not None and s.state.incident.gate_opened is None
            )
            incident = place.room.snapshot().state.incident
            assert incident is not None
            assert hash_ is not None
            assert incident.plan_hash == hash_.plan_hash, "the same plan"

    @pytest.mark.parametrize("stage", ["execution", "verification"])
    async def test_behind_the_gate_it_goes_on_and_the_person_commands(
        self, stage: str, tmp_path: Path
    ) -> None:
        def slow(environment: Any) -> None:
            environment["health"] |= {"every": "1s", "in_a_row": 5}

        async with placed(tmp_path, slow) as place:
            await place.break_()
            if stage == "execution":
                await place.until_run(lambda run: bool(run.opened))
            else:
                await place.until_run(lambda run: run.under_way("verification"))
            await place.ask(rq.Declare("mine"))
            run = await place.ended()
            assert run.outcome == "rolled back"
            incident = place.room.snapshot().state.incident
            assert incident is not None
            assert incident.commander == "eng-1"
            assert world.rollbacks_on_develop(tmp_path) == 1

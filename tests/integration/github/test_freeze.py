"""Freeze, unfreeze, one commit that may pass, the drift lock: what each does, and leaves when it fails."""

import pytest

from actions.action import Action, ActionError, Proof
from actions.freeze import Freeze as FreezeStep
from actions.freeze import UndoFreeze
from console.core import events as ev
from console.core.state import Freeze
from console.drill.ci import REPOSITORY
from tests.integration.actions.kit import NOW, Place
from tests.integration.github.kit import COMMIT, TOKEN, Answer, Desk, GitHub

NAME = f"{REPOSITORY} Deploy"


async def done(place: Place, desk: Desk, name: str) -> Proof:
    """The action performed and proven; what it proves is remembered, as the engine does."""
    desk.said.left_s = 180.0
    action = place.action(name)
    await action.perform(desk.said)
    return await proven(action, desk)


async def proven(action: Action, desk: Desk) -> Proof:
    proof = await action.verify()
    for event in proof.events:
        desk.said.remember(event)
    return proof


async def failed(place: Place, desk: Desk, name: str) -> str:
    with pytest.raises(ActionError) as caught:
        await done(place, desk, name)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


class TestFreeze:
    """The workflow disabled and nothing running."""

    async def test_it_is_disabled_and_what_runs_is_ended(self, hub: GitHub, desk: Desk, place: Place) -> None:
        run = hub.actions.begin("Release v1.5.4", COMMIT, "eng-3")
        assert (await place.action("freeze").probe()).found == "not done"
        proof = await done(place, desk, "freeze")
        assert (hub.actions.workflow.state, run.conclusion) == ("disabled_manually", "cancelled")
        assert proof.words == (
            f"Deploy of {REPOSITORY} is disabled_manually, nothing runs; it was active before"
        )
        assert (proof.facts["before"], proof.events) == ("active", ())
        assert (await place.action("freeze").probe()).found == "done"
        assert any("cancelling run 412 of eng-3 (Release v1.5.4)" in line for line in desk.said.lines)

    async def test_the_plan_shows_the_exact_requests(self, hub: GitHub, place: Place) -> None:
        root = f"{hub.url}/repos/passportx/walletconnect/actions"
        assert place.effects("freeze") == (
            f"PUT {root}/workflows/Deploy/disable",
            f"GET {root}/workflows/Deploy/runs",
            f"POST {root}/runs/RUN/cancel",
            f"POST {root}/runs/RUN/force-cancel",
        )
        assert hub.asked == []

    async def test_what_it_was_is_remembered_before_it_is_touched(
        self, hub: GitHub, desk: Desk, place: Place
    ) -> None:
        """A killed engine must leave the memory, whatever it has done by then."""
        known: list[list[ev.Body]] = []
        hub.heard = lambda line: known.append(list(desk.said.events)) if "disable" in line else None
        await done(place, desk, "freeze")
        assert known == [[ev.CiFrozen(REPOSITORY, "Deploy", "active")]]

    async def test_a_second_attempt_remembers_what_was_before_the_first(
        self, hub: GitHub, desk: Desk, place: Place
    ) -> None:
        """Killed between disabling and cancelling: the probe says what is there; unfreezing enables it."""
        run = hub.actions.begin("Release v1.5.4", COMMIT, "eng-3")
        desk.said.frozen[NAME] = Freeze(REPOSITORY, "Deploy", "active", "INC-7QK2", NOW)
        hub.actions.workflow.state = "disabled_manually"
        finding = await place.action("freeze").probe()
        assert (finding.found, "run 412 of eng-3" in finding.words) == ("not done", True)
        assert "it was active before" in finding.words
        await done(place, desk, "freeze")
        assert (run.conclusion, desk.said.events) == ("cancelled", [])
        await done(place, desk, "unfreeze")
        assert hub.actions.workflow.state == "active"

    async def test_it_is_undone_before_the_end_and_only_where_it_was_enabled(
        self, hub: GitHub, desk: Desk, place: Place
    ) -> None:
        """What was cancelled stays so; from then on nothing is remembered."""
        await done(place, desk, "freeze")
        undo = UndoFreeze({}, place.world, "INC-7QK2-undo-1")
        assert (await undo.probe()).found == "not done"
        await undo.perform(desk.said)
        proof = await undo.verify()
        assert hub.actions.workflow.state == "active"
        assert proof.events == (ev.CiUnfrozen(REPOSITORY, "Deploy", "active"),)
        back = FreezeStep.way_back({}, place.world)
        assert back is not None
        assert back.effects == place.effects("unfreeze")

    async def test_a_failure_says_in_what_state_the_ci_is(
        self, hub: GitHub, desk: Desk, place: Place
    ) -> None:
        """Down in the middle, and up again for the look afterwards."""
        hub.actions.begin("Release v1.5.4", COMMIT, "eng-3")
        hub.next.append(("POST .*/cancel", Answer(502)))
        words = await failed(place, desk, "freeze")
        assert words.startswith("GitHub is in trouble: asked to cancel run 412")
        assert words.endswith(
            "Deploy of passportx/walletconnect is disabled_manually, run 412 of eng-3 (Release v1.5.4),"
            " commit 61616161 under way now"
        )

    async def test_a_failure_that_cannot_be_looked_into_says_that(
        self, hub: GitHub, desk: Desk, place: Place
    ) -> None:
        hub.next += [("POST .*/cancel", Answer(502))]
        hub.actions.begin("Release v1.5.4", COMMIT, "eng-3")
        hub.heard = lambda line: hub.next.extend([("GET", Answer(503))] * 9) if "cancel" in line else None
        words = await failed(place, desk, "freeze")
        assert "in what state Deploy of passportx/walletconnect is now, nobody can say" in words

    async def test_a_token_that_may_not_changes_nothing(self, hub: GitHub, desk: Desk, place: Place) -> None:
        hub.next.append(("PUT", Answer(403, "Resource not accessible by personal access token")))
        words = await failed(place, desk, "freeze")
        assert "needs the permission Actions: write" in words
        assert words.endswith("Deploy of passportx/walletconnect is active, nothing runs now")
        assert hub.actions.workflow.state == "active"
        assert desk.said.frozen == {}  # and nobody is told that it is frozen

    async def test_it_is_not_proven_while_anything_runs(self, hub: GitHub, desk: Desk, place: Place) -> None:
        await done(place, desk, "freeze")
        hub.actions.begin("rerun by hand", COMMIT, "eng-3")
        with pytest.raises(ActionError, match="rerun by hand.*not frozen"):
            await place.action("freeze").verify()

    async def test_nor_when_somebody_has_enabled_it(self, hub: GitHub, desk: Desk, place: Place) -> None:
        await done(place, desk, "freeze")
        hub.actions.workflow.state = "active"
        with pytest.raises(ActionError, match="is active, nothing runs: not frozen"):
            await place.action("freeze").verify()


class TestUnfreeze:
    """As it was before, and nothing else."""

    async def test_what_somebody_had_disabled_stays_so(self, hub: GitHub, desk: Desk, place: Place) -> None:
        hub.actions.workflow.state = "disabled_inactivity"
        await done(place, desk, "freeze")
        assert hub.orders == []
        proof = await done(place, desk, "unfreeze")
        assert (hub.actions.workflow.state, hub.orders) == ("disabled_inactivity", [])
        assert proof.events == (ev.CiUnfrozen(REPOSITORY, "Deploy", "disabled_inactivity"),)

    async def test_what_was_active_is_so_again(self, hub: GitHub, desk: Desk, place: Place) -> None:
        await done(place, desk, "freeze")
        assert (await place.action("unfreeze").probe()).found == "not done"
        proof = await done(place, desk, "unfreeze")
        assert hub.actions.workflow.state == "active"
        assert proof.events == (ev.CiUnfrozen(REPOSITORY, "Deploy", "active"),)
        assert (await place.action("unfreeze").probe()).found == "done"

    async def test_what_was_never_frozen_is_left_alone(self, hub: GitHub, desk: Desk, place: Place) -> None:
        """The step was skipped by name: whoever disables it now is somebody else."""
        hub.actions.workflow.state = "disabled_manually"
        assert (await done(place, desk, "unfreeze")).events == ()
        assert hub.asked == []

    async def test_it_is_not_proven_before_it_is_so(self, desk: Desk, place: Place) -> None:
        await done(place, desk, "freeze")
        with pytest.raises(ActionError, match="is disabled_manually, and was active before"):
            await place.action("unfreeze").verify()


class TestPassCommit:
    """The workflow that is frozen deploys exactly our commit."""

    @pytest.fixture
    async def ours(self, hub: GitHub, desk: Desk, place: Place) -> str:
        """Frozen, and our commit at the head of the branch, as after `integrate`."""
        await done(place, desk, "freeze")
        await place.done("restore-tree", "push-branch", "integrate")
        commit = place.inputs.code.restored
        hub.actions.heads["develop"] = commit
        return commit

    async def test_a_run_of_it_is_started_and_the_door_closed(
        self, hub: GitHub, desk: Desk, place: Place, ours: str
    ) -> None:
        assert (await place.action("pass-commit").probe()).found == "not done"
        proof = await done(place, desk, "pass-commit")
        assert [run.head_sha for run in hub.actions.runs] == [ours]
        assert [order.rsplit("/", 1)[1] for order in hub.orders[1:]] == ["enable", "dispatches", "disable"]
        assert (hub.actions.workflow.state, hub.actions.runs[0].status) == (
            "disabled_manually",
            "in_progress",
        )
        assert proof.facts["run"] == str(hub.actions.runs[0].id)
        assert (await place.action("pass-commit").probe()).found == "done"

    async def test_another_run_that_slips_in_is_cancelled(
        self, hub: GitHub, desk: Desk, place: Place, ours: str
    ) -> None:
        def heard(line: str) -> None:
            if line.endswith("/dispatches"):
                hub.actions.begin("a race", COMMIT, "eng-3")

        hub.heard = heard
        await done(place, desk, "pass-commit")
        race, run = sorted(hub.actions.runs, key=lambda one: one.head_sha == ours)
        assert (race.conclusion, run.status) == ("cancelled", "in_progress")

    async def test_it_is_started_once(self, hub: GitHub, desk: Desk, place: Place, ours: str) -> None:
        """A second attempt finds the run of the first."""
        await done(place, desk, "pass-commit")
        await done(place, desk, "pass-commit")
        assert [run.head_sha for run in hub.actions.runs] == [ours]

    async def test_a_door_left_open_is_closed(self, hub: GitHub, desk: Desk, place: Place, ours: str) -> None:
        """By an engine that was killed after it had started our run."""
        hub.actions.begin("ours", ours, "warroom", "workflow_dispatch")
        hub.actions.workflow.state = "active"
        assert (await place.action("pass-commit").probe()).found == "not done"
        await done(place, desk, "pass-commit")
        assert (hub.actions.workflow.state, len(hub.actions.runs)) == ("disabled_manually", 1)

    async def test_a_workflow_that_cannot_be_started_is_closed_again(
        self, hub: GitHub, desk: Desk, place: Place, ours: str
    ) -> None:
        hub.next.append(("dispatches", Answer(422, "Workflow does not have 'workflow_dispatch' trigger")))
        words = await failed(place, desk, "pass-commit")
        assert "Workflow does not have 'workflow_dispatch' trigger" in words
        assert words.endswith("is disabled_manually, nothing runs now")
        assert ours not in {run.head_sha for run in hub.actions.runs}

    async def test_only_the_good_tree_passes(self, desk: Desk, place: Place, ours: str) -> None:
        place.operator.push("Something new", {"README": "new\n"})
        words = await failed(place, desk, "pass-commit")
        assert "not the good tree: plan again" in words
        assert ours

    async def test_where_the_freeze_was_skipped_the_push_has_started_it(
        self, hub: GitHub, desk: Desk, place: Place
    ) -> None:
        await place.done("restore-tree", "push-branch", "integrate")
        hub.actions.begin("the push", place.inputs.code.restored, "warroom")
        await done(place, desk, "pass-commit")
        assert (hub.orders, len(hub.actions.runs)) == ([], 1)


class TestDriftLock:
    """Nothing is unfrozen before the branch builds the good tree."""

    async def test_the_good_tree(self, desk: Desk, place: Place) -> None:
        await place.done("restore-tree", "push-branch", "integrate")
        proof = await done(place, desk, "drift-lock")
        assert "is the good tree" in proof.words
        assert (await place.action("drift-lock").probe()).found == "done"

    async def test_what_moved_is_named(self, desk: Desk, place: Place) -> None:
        await place.done("restore-tree", "push-branch", "integrate")
        place.operator.push("Something new", {"NEWS": "new\n"})
        words = await failed(place, desk, "drift-lock")
        assert "not the good tree: 1 file moved, NEWS, last by eng-2 (Something new)" in words
        assert (await place.action("drift-lock").probe()).found == "not done"


async def test_the_token_is_never_said(hub: GitHub, desk: Desk, place: Place) -> None:
    """Neither by what is shown, nor by what is remembered, nor in what a plan holds."""
    hub.actions.begin("Release v1.5.4", COMMIT, "eng-3")
    proof = await done(place, desk, "freeze")
    told = (*desk.said.words, *desk.said.lines, *place.effects("freeze"), *map(repr, desk.said.events))
    assert all(TOKEN not in one for one in (*told, repr(proof), repr(desk.ci.settings)))
    assert desk.secrets.redact(f"it is {TOKEN}") != f"it is {TOKEN}"

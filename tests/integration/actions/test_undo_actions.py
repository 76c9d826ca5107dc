"""The way back of single steps, on a real remote: exact, never by force, nothing where nothing was done."""

from pathlib import Path

import pytest

from actions.action import Action, ActionError, Undo
from actions.writers import UndoStopWriters
from console.targets.deploy import DeployError, Instance, Running
from tests.integration.actions.kit import BRANCH, Operator, Place, Said, answer, copy_history, make_history

APP = Instance("app", "app_1", "sha256:00", ("sha256:00",), "")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    make_history(folder)
    return folder


@pytest.fixture
def operator(history: Path, tmp_path: Path) -> Operator:
    return copy_history(history, tmp_path)


@pytest.fixture
async def place(operator: Operator, tmp_path: Path) -> Place:
    ready = await Place(tmp_path, operator, deploy={"kind": "keeper", "socket": "keeper.sock"}).ready()
    await ready.done("fetch", "restore-tree")
    return ready


async def perform(action: Action) -> Said:
    """Done and proven; what it said."""
    said = Said()
    await action.perform(said)
    await action.verify()
    return said


def undo_of(action: Action, said: Said) -> Undo:
    made = type(action).undo
    assert made is not None
    return made(action.params, action.world, "INC-7QK2-undo-1", said.before)


async def take_back(undo: Undo) -> str:
    """Taken back and proven, and there is nothing left to do then."""
    assert (await undo.probe()).found == "not done"
    await undo.perform(Said())
    words = (await undo.verify()).words
    assert (await undo.probe()).found == "done"
    return words


async def test_the_plan_shows_each_way_back_in_its_exact_commands(place: Place) -> None:
    restored = place.inputs.code.restored
    params = place.action("push-branch").params
    back = type(place.action("push-branch")).way_back(params, place.world)
    assert back is not None
    (line,) = back.effects
    assert f"--force-with-lease=refs/heads/{BRANCH}:{restored}" in line
    assert line.endswith(f" :refs/heads/{BRANCH}")
    for name in ("fetch", "restore-tree", "tidy"):
        assert type(place.action(name)).way_back(place.action(name).params, place.world) is None


async def test_the_branch_is_deleted_if_it_is_ours(place: Place, operator: Operator) -> None:
    push = place.action("push-branch")
    undo = undo_of(push, await perform(push))
    await take_back(undo)
    assert operator.on_remote(f"refs/heads/{BRANCH}") is None


async def test_a_branch_that_somebody_went_on_with_is_left_alone(place: Place, operator: Operator) -> None:
    push = place.action("push-branch")
    undo = undo_of(push, await perform(push))
    operator.git("fetch", "--quiet", "origin")
    operator.git("checkout", "--quiet", "-B", "mine", f"origin/{BRANCH}")
    theirs = operator.commit("Go on with it")
    operator.git("push", "--quiet", "origin", f"mine:{BRANCH}")
    assert (await undo.probe()).found == "cannot tell"
    with pytest.raises(ActionError, match="left as it is"):
        await undo.perform(Said())
    assert operator.on_remote(f"refs/heads/{BRANCH}") == theirs


async def test_the_branch_moves_forward_to_the_tree_of_before(place: Place, operator: Operator) -> None:
    """By a commit on top: whoever has fetched ours can fetch this."""
    before = operator.on_remote()
    assert before is not None
    integrate = place.action("integrate")
    said = await perform(integrate)
    ours = operator.on_remote()
    assert said.before == {"head": before}
    await take_back(undo_of(integrate, said))
    now = operator.on_remote()
    assert now not in (before, ours)
    assert operator.tree("develop") == operator.tree(before)
    assert operator.git("rev-parse", "develop^", cwd=operator.remote) == ours


async def test_what_somebody_pushed_onto_ours_is_not_taken_back(place: Place, operator: Operator) -> None:
    integrate = place.action("integrate")
    undo = undo_of(integrate, await perform(integrate))
    theirs = operator.push("Say more", {"NOTES": "more\n"})
    with pytest.raises(ActionError, match="somebody has pushed onto it"):
        await undo.perform(Said())
    assert operator.on_remote() == theirs


async def test_a_branch_that_was_not_moved_needs_nothing(place: Place, operator: Operator) -> None:
    """The step writes down where it was before it moves it: nothing written, nothing moved."""
    undo = undo_of(place.action("integrate"), Said())
    operator.push("Say more", {"NOTES": "more\n"})
    assert (await undo.probe()).words == "develop was not moved by this step"


async def test_what_ran_before_runs_again(place: Place) -> None:
    """The very commit, whatever the branch holds; also with its images."""
    await place.done("integrate")
    place.deployer.running = Running("f" * 40, "v1.5.3", "the former", (APP,))
    deploy = place.action("deploy")
    said = Said()
    await deploy.perform(said)
    assert said.before == {"image.app": "sha256:00", "commit": "f" * 40, "version": "v1.5.3"}
    undo = undo_of(deploy, said)
    await undo.perform(Said())
    wish = place.deployer.wishes[-1]
    assert (wish.commit, wish.version, wish.images) == ("f" * 40, "v1.5.3", {"app": "sha256:00"})
    with pytest.raises(ActionError):
        await undo.verify()
    place.deployer.running = Running("f" * 40, "v1.5.3", "the former", (APP,))
    place.health.answers = [answer("v1.5.3")]
    assert "the service answers v1.5.3" in (await undo.verify()).words


async def test_where_nobody_could_say_what_ran_the_plans_release_counts(place: Place) -> None:
    """A rollback is not held up by that."""
    await place.done("integrate")
    place.deployer.fails = DeployError("no answer")
    said = Said()
    with pytest.raises(DeployError):
        await place.action("deploy").perform(said)
    assert said.before == {}
    assert said.lines[0].startswith("what runs before the deploy cannot be told")
    place.deployer.fails = None
    await undo_of(place.action("deploy"), said).perform(Said())
    running = place.inputs.code.running
    assert (place.deployer.wishes[-1].commit, place.deployer.wishes[-1].version) == (
        running.commit,
        running.tag,
    )


async def test_the_service_is_started_again_unless_it_runs(place: Place) -> None:
    place.deployer.writes = False
    place.health.answers = [answer(ok=False), answer(ok=False), answer()]
    undo = UndoStopWriters({}, place.world, "INC-7QK2-undo-1")
    assert await take_back(undo)
    assert place.deployer.writes

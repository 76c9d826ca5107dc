"""Deploy and prove health: what runs is what the target itself says, and nobody's silence is a proof."""

import dataclasses
from pathlib import Path

import pytest
from msgspec import structs

from actions.action import Action, ActionError, Finding, World
from actions.registry import ACTIONS
from actions.writers import StopWriters
from console.core.format import short
from console.core.instances import BEHIND
from console.targets.deploy import DeployError, Deployment, Instance, PipelineDeployer, Running
from console.targets.fleet import together_of
from console.targets.health import Health
from tests.integration.actions.kit import TOKEN, FakeHealth, Operator, Place, Said, answer
from tests.unit.engine.kit import HandClock, environment

# -- deploy -------------------------------------------------------------------------------------------


@pytest.fixture
async def integrated(place: Place) -> Place:
    """Develop builds the good tree."""
    await place.done("restore-tree", "integrate")
    return place


async def test_deploy_asks_for_the_commit_whose_tree_was_proven(integrated: Place) -> None:
    action = integrated.action("deploy")
    said = Said()
    await action.perform(said)
    wish = Deployment(integrated.inputs.code.restored, "v1.5.0", TOKEN, 60.0)
    assert integrated.deployer.wishes == [wish]
    assert said.lines == ["starting it"]
    assert (await action.verify()).words == f"it runs {short(integrated.inputs.code.restored)}, the good tree"


async def test_deploy_refuses_a_branch_that_does_not_build_the_good_tree(place: Place) -> None:
    head = place.inputs.code.running.commit
    with pytest.raises(ActionError, match=f"develop is at {short(head)}, not the good tree: plan again"):
        await place.action("deploy").perform(Said())
    assert place.deployer.wishes == []


async def test_a_deployment_that_fails_says_why(integrated: Place) -> None:
    integrated.deployer.fails = DeployError("no room for another instance")
    with pytest.raises(DeployError, match="no room"):
        await integrated.action("deploy").perform(Said())


async def probe(place: Place, running: Running) -> Finding:
    place.deployer.running = running
    return await place.action("deploy").probe()


async def test_what_runs_is_judged_by_the_tree_of_its_commit(integrated: Place) -> None:
    restored, old = integrated.inputs.code.restored, integrated.inputs.code.running.commit
    good = integrated.inputs.code.target.commit
    assert (await probe(integrated, Running(restored, None, "it runs"))).found == "done"
    assert (await probe(integrated, Running(restored[:7], None, "it runs"))).found == "done"
    assert (await probe(integrated, Running(good, None, "it runs"))).found == "done", "the same tree"
    assert (await probe(integrated, Running(old, None, "it runs"))).found == "not done"


async def test_a_version_proves_nothing_where_the_commit_says_otherwise(integrated: Place) -> None:
    old = integrated.inputs.code.running.commit
    assert (await probe(integrated, Running(old, "v1.5.0", "it runs"))).found == "not done"


async def test_without_a_commit_the_version_has_to_do(integrated: Place) -> None:
    assert (await probe(integrated, Running(None, "v1.5.0", "it answers v1.5.0"))).found == "done"
    finding = await probe(integrated, Running(None, "v1.5.3", "it answers v1.5.3"))
    assert finding == Finding("not done", "it answers v1.5.3, not the good version")


async def test_a_commit_that_was_pushed_since_the_last_fetch_is_looked_up(integrated: Place) -> None:
    theirs = integrated.operator.push("Straight back in", {"hot.txt": "fix\n"})
    assert (await probe(integrated, Running(theirs, None, "it runs"))).found == "not done"


@pytest.mark.parametrize(
    "running", [Running(None, None, "it does not answer"), Running("f" * 40, "v1.5.0", "it runs ffff")]
)
async def test_what_nobody_can_tell_is_no_proof(integrated: Place, running: Running) -> None:
    finding = await probe(integrated, running)
    assert finding.found == "cannot tell"
    with pytest.raises(ActionError, match=running.words):
        await integrated.action("deploy").verify()


async def test_a_target_that_cannot_be_asked_is_no_proof(integrated: Place) -> None:
    integrated.deployer.fails = DeployError("nobody can say what runs: the keeper does not answer")
    assert (await integrated.action("deploy").probe()).found == "cannot tell"
    with pytest.raises(ActionError, match="nobody can say what runs"):
        await integrated.action("deploy").verify()


# -- a pipeline ---------------------------------------------------------------------------------------


def pipeline(*versions: str | None) -> tuple[PipelineDeployer, FakeHealth]:
    health = FakeHealth()
    health.answers = [answer(version) for version in versions]
    return PipelineDeployer(health, HandClock(), 2.0), health  # type: ignore[arg-type]  # only `ask` is used


WISH = Deployment("c" * 40, "v1.5.0", TOKEN, 10.0)


async def test_a_pipeline_is_awaited_until_the_service_answers_the_version() -> None:
    deployer, health = pipeline("v1.5.3", None, "v1.5.0")
    said = Said()
    await deployer.deploy(WISH, said)
    assert health.asked == 3
    assert said.words[0] == "the service answers v1.5.3, waiting for v1.5.0"


async def test_a_pipeline_that_does_not_deliver_is_given_up_on() -> None:
    deployer, health = pipeline("v1.5.3")
    with pytest.raises(DeployError, match=r"after 10 s the service answers v1.5.3"):
        await deployer.deploy(WISH, Said())
    assert health.asked == 6


async def test_a_pipelines_service_says_itself_what_runs() -> None:
    deployer, health = pipeline()
    health.answers = [answer("v1.5.0", "abc1234")]
    assert await deployer.settled() == Running("abc1234", "v1.5.0", "the service answers v1.5.0")
    health.answers = [answer(None, ok=False)]
    assert await deployer.settled() == Running(None, None, "the service answers answers 503, not 200")


# -- prove health -------------------------------------------------------------------------------------


class Ward:
    """The health step of a plan, a service that gives certain answers, and a clock that only it moves."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = HandClock()
        self.world: World = dataclasses.replace(place.world, clock=self.clock)
        self.said = Said()
        self.step: Action = type(place.action("prove-health"))(
            place.action("prove-health").params, self.world, TOKEN
        )

    async def prove(self, *answers: object) -> None:
        """Perform the step against those answers."""
        self.place.health.answers = list(answers)  # type: ignore[arg-type]
        self.place.health.asked = 0
        await self.step.perform(self.said)


@pytest.fixture
async def ward(integrated: Place) -> Ward:
    return Ward(integrated)


async def test_three_good_answers_in_a_row_prove_health_from_the_first_of_them(ward: Ward) -> None:
    await ward.prove(answer(ok=False), answer())
    proof = await ward.step.verify()
    assert ward.place.health.asked == 4
    assert ward.clock.seconds == 3, "a second apart, and none after the last"
    assert proof.words == "3 good in a row, v1.5.0"
    first = HandClock()
    first.seconds = 1
    assert proof.facts["first_good_boot_us"] == str(first.now().boot_us)
    assert proof.facts["first_good_utc_us"] == str(first.now().utc_us)
    assert ward.said.counted[-1] == (3, 3, "good in a row")
    assert proof.evidence[0].name == "healthy"


async def test_one_bad_answer_in_between_starts_the_row_anew(ward: Ward) -> None:
    """The service is back from the first of the last good answers, not from the first of all."""
    await ward.prove(answer(), answer(ok=False), answer())
    assert ward.place.health.asked == 5
    assert (await ward.step.verify()).facts["first_good_boot_us"] == str(ward.clock.now().boot_us - 2_000_000)


async def test_health_fails_closed_after_the_tries(ward: Ward) -> None:
    with pytest.raises(ActionError, match="^not healthy in 5 tries; the last answer: answers 503, not 200$"):
        await ward.prove(answer(ok=False))
    assert ward.place.health.asked == 5
    with pytest.raises(ActionError, match="health was not asked to the end: retry"):
        await Ward(ward.place).step.verify()


async def test_good_answers_that_come_too_late_are_too_few(ward: Ward) -> None:
    bad = answer(ok=False)
    with pytest.raises(ActionError, match="the last answer: good, too late"):
        await ward.prove(bad, bad, bad, answer())


@pytest.mark.parametrize(("version", "words"), [("v1.5.3", "v1.5.3"), (None, "no version")])
async def test_a_healthy_service_of_another_version_is_not_proven(
    ward: Ward, version: str | None, words: str
) -> None:
    with pytest.raises(ActionError, match=f"the last answer: answers {words}, not v1.5.0"):
        await ward.prove(answer(version))


async def test_a_healthy_service_of_another_commit_is_not_proven(ward: Ward) -> None:
    """The right version can be built from the wrong commit."""
    restored = ward.place.inputs.code.restored
    with pytest.raises(ActionError, match=f"runs commit {short('f' * 40)}, not {short(restored)}"):
        await ward.prove(answer(commit="f" * 40))
    for told in (restored, short(restored)):
        await ward.prove(answer(commit=told))
        assert (await ward.step.verify()).facts["commit"] == told


async def test_a_commit_of_the_same_tree_is_the_same_release(ward: Ward) -> None:
    """An image tells the commit that it was built from, which the rollback has put the tree of on top."""
    good = ward.place.inputs.code.target.commit
    await ward.prove(answer(commit=good))
    assert (await ward.step.verify()).facts["commit"] == good
    with pytest.raises(ActionError, match="runs commit"):
        await ward.prove(answer(commit=ward.place.inputs.code.running.commit))


async def test_health_stops_on_request_between_two_tries(ward: Ward) -> None:
    ask = ward.place.health.ask

    async def stop_then_ask() -> object:
        ward.said.stopping = ward.place.health.asked == 1
        return await ask()

    ward.place.health.ask = stop_then_ask  # type: ignore[method-assign,assignment]
    with pytest.raises(ActionError, match="stopped on request after 2 tries"):
        await ward.prove(answer(ok=False))


async def test_one_answer_is_no_proof_for_a_probe(ward: Ward) -> None:
    ward.place.health.answers = [answer()]
    finding = await ward.step.probe()
    assert finding == Finding("not done", "the service answers: answers 200, v1.5.0")


async def test_the_plan_says_how_health_will_be_asked(place: Place, operator: Operator) -> None:
    assert operator.on_remote() == place.inputs.code.running.commit
    assert place.effects("prove-health") == ("GET http://127.0.0.1:9000/health",)


# -- several instances --------------------------------------------------------------------------------

APPS = {f"app-{number}": f"http://127.0.0.1:900{number}/health" for number in range(1, 7)}
TWO_BEHIND = "4 of 6 on v1.5.0: app-5, app-6 on v1.5.3"


def fleet(*different: Health, of: int = 6) -> Health:
    """Six answers at once, the last of them these, the others good."""
    names = list(APPS)[:of]
    answers = [*([answer()] * (of - len(different))), *different]
    return together_of(dict(zip(names, answers, strict=True)))


@pytest.fixture
async def fleet_ward(tmp_path: Path, operator: Operator) -> Ward:
    """A plan that names six instances, up to the proof."""
    service = {
        "url": "http://127.0.0.1:9000",
        "health": "http://127.0.0.1:9000/health",
        "version": "version",
        "instances": APPS,
    }
    place = await Place(tmp_path, operator, service=service).ready()
    await place.done("restore-tree", "integrate")
    return Ward(place)


async def test_the_plan_names_every_instance_that_is_asked(fleet_ward: Ward) -> None:
    place = fleet_ward.place
    assert place.effects("prove-health") == tuple(f"GET {url}" for url in APPS.values())
    assert place.action("prove-health").params["instances"] == " ".join(APPS)


async def test_four_of_six_are_never_healthy(fleet_ward: Ward) -> None:
    """Not in all the tries, and the two are named; what was found is kept for whoever decides."""
    old = answer("v1.5.3")
    with pytest.raises(ActionError, match=f"^not healthy in 5 tries; the last answer: {TWO_BEHIND}$") as told:
        await fleet_ward.prove(fleet(old, old))
    assert told.value.facts == {BEHIND: TWO_BEHIND}
    assert {line.partition(": ")[2] for line in fleet_ward.said.lines} == {TWO_BEHIND}


async def test_six_of_six_three_times_in_a_row_are(fleet_ward: Ward) -> None:
    old = answer("v1.5.3")
    await fleet_ward.prove(fleet(old, old), fleet())
    assert fleet_ward.place.health.asked == 4
    assert (await fleet_ward.step.verify()).words == "3 good in a row, v1.5.0 on all 6 instances"


async def test_another_instance_in_each_try_is_no_row(fleet_ward: Ward) -> None:
    """Three good ones of each are not three in a row of all."""
    sick = answer(ok=False)
    turns = [fleet(sick, answer()), fleet(answer(), sick), fleet(sick, answer()), fleet(answer(), sick)]
    with pytest.raises(ActionError, match="5 of 6 on v1.5.0: app-6 answers 503, not 200"):
        await fleet_ward.prove(*turns)


async def test_an_instance_of_the_plan_that_nobody_asks_any_more_is_not_healthy(fleet_ward: Ward) -> None:
    with pytest.raises(ActionError, match="5 of 6 on v1.5.0: app-6 not asked: the strategy names it no more"):
        await fleet_ward.prove(fleet(of=5))
    with pytest.raises(ActionError, match="0 of 6 on v1.5.0"):
        await fleet_ward.prove(answer())


async def test_the_commit_is_compared_on_every_instance(fleet_ward: Ward) -> None:
    with pytest.raises(ActionError, match="5 of 6 on v1.5.0: app-6 runs commit ffffffff, not "):
        await fleet_ward.prove(fleet(answer(commit="f" * 40)))


async def test_writers_are_stopped_only_when_no_instance_answers(fleet_ward: Ward) -> None:
    fleet_ward.place.health.answers = [fleet(*[answer(ok=False)] * 5)]
    found = await StopWriters({}, fleet_ward.world, TOKEN).probe()
    assert found.found == "not done"
    assert found.words.startswith("the service answers: 1 of 6 healthy: ")


# -- images -------------------------------------------------------------------------------------------

GOOD, BAD = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def instance(name: str, image: str = GOOD, trouble: str = "", component: str = "api") -> Instance:
    return Instance(component, name, image, (image, f"sha256:{'d' * 64}"), trouble)


@pytest.fixture
def pinned(integrated: Place) -> Place:
    """The plan pins the good release's image."""
    change = structs.replace(integrated.inputs.code, images={"api": GOOD})
    integrated.inputs = structs.replace(integrated.inputs, change=change)
    return integrated


async def test_the_plan_freezes_the_images_and_the_deployment_is_told_them(pinned: Place) -> None:
    assert f"api: {GOOD}" in pinned.effects("deploy")
    await pinned.action("deploy").perform(Said())
    assert [wish.images for wish in pinned.deployer.wishes] == [{"api": GOOD}]


@pytest.mark.parametrize(
    ("instances", "found", "words"),
    [
        ((instance("api-1"), instance("api-2")), "done", "all 2 run the pinned image"),
        (
            (instance("api-1"), instance("api-2", BAD)),
            "not done",
            f"1 of 2 run the pinned image: api-2 runs {BAD}",
        ),
        (
            (instance("api-1", trouble="has exited with code 3"),),
            "not done",
            "0 of 1 run the pinned image: api-1 has exited with code 3",
        ),
        (
            (instance("w-1", component="worker"),),
            "not done",
            "0 of 0 run the pinned image: nothing of api runs",
        ),
        ((instance("api-1"), instance("w-1", BAD, component="worker")), "done", "all 1 run the pinned image"),
    ],
)
async def test_what_runs_is_judged_by_the_image_of_every_instance(
    pinned: Place, instances: tuple[Instance, ...], found: str, words: str
) -> None:
    pinned.deployer.running = Running(None, "v1.5.0", "what a version says counts no more", instances)
    finding = await pinned.action("deploy").probe()
    assert (finding.found, finding.words) == (found, words)


async def test_an_image_may_be_pinned_by_the_digest_of_its_registry(pinned: Place) -> None:
    change = structs.replace(pinned.inputs.code, images={"api": f"shop/api@sha256:{'d' * 64}"})
    pinned.inputs = structs.replace(pinned.inputs, change=change)
    pinned.deployer.running = Running(None, None, "", (instance("api-1"),))
    assert (await pinned.action("deploy").probe()).found == "done"


# -- ready to deploy ----------------------------------------------------------------------------------


async def test_ready_says_what_runs_now_and_changes_nothing(pinned: Place) -> None:
    pinned.deployer.running = Running(None, "v1.5.3", "api-1 runs", (instance("api-1", BAD),))
    action, said = pinned.action("deploy-ready"), Said()
    await action.perform(said)
    proof = await action.verify()
    assert proof.words == "v1.5.0 can run; now api-1 runs"
    assert [slot.name for slot in proof.evidence] == ["deploy-ready"]
    assert pinned.deployer.wishes == []
    assert pinned.effects("deploy-ready") == (f"look for {GOOD}",)


async def test_ready_says_all_that_is_lacking(pinned: Place) -> None:
    pinned.deployer.lacks = ["the image of api is not there", "port 80 is held by container nginx: free it"]
    action, said = pinned.action("deploy-ready"), Said()
    await action.perform(said)
    with pytest.raises(ActionError, match=r"^the image of api is not there; port 80 is held .*: free it$"):
        await action.verify()
    assert said.lines[-2:] == pinned.deployer.lacks


async def test_ready_is_no_step_where_somebody_else_deploys(pinned: Place) -> None:
    assert not ACTIONS["deploy-ready"].belongs(pinned.world.environment)
    rules = {"kind": "compose", "files": ["c.yml"], "project": "shop", "services": {"api": "api"}}
    assert ACTIONS["deploy-ready"].belongs(environment(deploy=rules))
    assert ACTIONS["capture"].belongs(environment(deploy=rules))
    assert not ACTIONS["capture"].belongs(pinned.world.environment)

"""The planner against a real remote and a releases file: what people will be asked to approve."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actions.action import World
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.format import short
from console.core.plan import Authority, Need, Phase, Plan, Prerequisite, Wish, digest, thaw
from console.core.releases import ReleaseError
from console.core.state import Incident
from console.core.strategy import Environment, PrerequisiteRule
from console.engine.planner import PlanError, make_plan, prerequisites
from console.targets.git import GitError
from console.targets.postgres.rows import Rows
from tests.integration.actions.kit import Operator, Place
from tests.unit.engine.kit import HandClock

VERDICTS = {"v1.5.0": "good", "v1.5.1": "unproven", "v1.5.2": "bad", "v1.5.3": "unproven"}


def line(action: str, phase: str, *needs: str, **more: Any) -> dict[str, Any]:
    """A line of the runbook; the step is called like its action."""
    return {
        "id": action,
        "action": action,
        "phase": phase,
        "title": action,
        "needs": list(needs),
        "authority": "matrix" if phase == "switch" else "none",
        "expected": "5s",
        "limit": "30s",
        **more,
    }


RUNBOOK = [
    line("fetch", "prepare"),
    line("restore-tree", "prepare", "fetch"),
    line("count-rows", "switch"),
    line("push-branch", "switch", "count-rows"),
    line("integrate", "switch", "push-branch"),
    line("deploy", "switch", "integrate"),
    line("prove-health", "prove", "deploy", proves=["accessible"]),
    line("run-command", "prove", "prove-health", **{"with": {"command": "check"}}),
    line("compare-rows", "prove", "prove-health"),
    line("tidy", "close"),
]
CHECK = {"title": "validation", "argv": ["true"], "limit": "5s", "gate": True}


def run_of(author: str, target: str | None, **wish: Any) -> Incident:
    """A declared incident that waits for its plan."""
    at = Stamp(1_760_000_000_000_000, "boot", 0)
    wanted = Wish(target=target, **wish)
    return Incident("INC-7QK2", "declared", at, (), commander=author, planning=True, wish=wanted)


class Office:
    """A world with a releases file, in which plans are made at a moment that stands still."""

    def __init__(self, folder: Path, operator: Operator) -> None:
        self.operator = operator
        self.file = folder / "releases.yaml"
        self.place = Place(
            folder,
            operator,
            Rows(lambda: "", {"users": "name"}),
            runbook=RUNBOOK,
            commands={"check": CHECK},
            releases={"file": str(self.file)},
        )
        self.clock = HandClock()
        self.world: World = dataclasses.replace(self.place.world, clock=self.clock)
        self.record(VERDICTS)

    def record(self, verdicts: dict[str, str], **commits: str) -> None:
        """Write the releases file."""
        entries = [
            {
                "tag": tag,
                "commit": commits.get(tag) or self.operator.git("rev-parse", f"{tag}^{{commit}}"),
                "verdict": verdict,
                "said_by": "ops-lead",
                "deployed": "2026-02-25T14:00:00Z",
            }
            for tag, verdict in verdicts.items()
        ]
        rows = ["releases:"] if entries else ["releases: []"]
        for entry in entries:
            rows += [f"  {'- ' if key == 'tag' else '  '}{key}: {value!r}" for key, value in entry.items()]
        self.file.write_text("\n".join(rows) + "\n")

    async def plan(self, target: str | None = None, author: str = "eng-1") -> tuple[Plan, str]:
        """A plan and its hash."""
        frozen = await make_plan(self.world, run_of(author, target), lambda _line: None)
        assert digest(bytes(frozen.plan)) == frozen.digest
        return thaw(bytes(frozen.plan)), frozen.digest

    async def refusal(self, kind: type[StatedError], target: str | None = None) -> str:
        with pytest.raises(kind) as refused:
            await self.plan(target)
        assert "\n" not in str(refused.value)
        return str(refused.value)


@pytest.fixture
def office(tmp_path: Path, operator: Operator) -> Office:
    return Office(tmp_path, operator)


async def test_a_plan_names_everything_by_its_full_id(office: Office) -> None:
    plan, _ = await office.plan()
    operator = office.operator
    assert (plan.code.running.tag, plan.code.target.tag) == ("v1.5.3", "v1.5.0")
    assert plan.code.running.commit == operator.git("rev-parse", "v1.5.3")
    assert plan.code.target.commit == operator.git("rev-parse", "v1.5.0")
    assert plan.code.target.tree == operator.git("rev-parse", "v1.5.0^{tree}")
    assert (plan.code.verdict, plan.code.releases_back) == ("good", 3)
    assert plan.code.branch == f"rollback/testnet-{office.clock.now().utc_us // 1_000_000}"
    assert (plan.environment, plan.incident) == ("testnet", "INC-7QK2")
    assert (plan.needs, plan.proof, plan.recover_within_s) == ((Need("engineer", 1),), "claim", 900.0)


async def test_the_commit_that_will_be_deployed_is_known_beforehand(office: Office) -> None:
    """Making it later gives exactly the id that people approved; planning made nothing."""
    plan, _ = await office.plan()
    with pytest.raises(GitError):
        office.world.clone.tree_of(plan.code.restored)
    raw = plan.step("restore-tree").params["commit"].encode()
    assert await office.world.clone.write_commit(raw, keep=True) == plan.code.restored
    assert office.world.clone.tree_of(plan.code.restored) == plan.code.target.tree
    (commit, parent) = office.world.clone.log(None, plan.code.restored, 2)
    assert (commit.author, commit.summary) == ("eng-1", "Roll back testnet to v1.5.0 (INC-7QK2)")
    assert parent.id == plan.code.running.commit


async def test_a_plan_is_the_runbook_with_its_exact_effects(office: Office) -> None:
    plan, _ = await office.plan()
    assert [step.id for step in plan.steps] == [line["id"] for line in RUNBOOK]
    by_id = {step.id: step for step in plan.steps}
    assert all(step.words and step.effects and step.limit_s == 30 for step in plan.steps)
    assert by_id["integrate"].needs == ("push-branch",)
    assert by_id["prove-health"].proves == ("accessible",)
    assert by_id["run-command"].effects == ("true",)
    (push,) = by_id["integrate"].effects
    assert f"--force-with-lease=refs/heads/develop:{plan.code.running.commit}" in push
    assert f"{plan.code.restored}:refs/heads/develop" in push
    assert {s.authority for s in plan.of_phase(Phase.SWITCH)} == {Authority.MATRIX}


async def test_the_gate_demands_what_prepare_proves(office: Office) -> None:
    plan, _ = await office.plan()
    assert [predicate.slot for predicate in plan.predicates] == ["branch-unmoved", "good-tree"]
    slots = [slot for step in plan.of_phase(Phase.PREPARE) for slot in step.fills]
    assert slots == ["branch-unmoved", "good-tree"]


async def test_two_plans_of_the_same_at_the_same_moment_are_equal(office: Office) -> None:
    assert await office.plan() == await office.plan()
    first = await office.plan()
    office.clock.seconds += 1
    assert (await office.plan())[1] != first[1]


async def test_planning_changes_nothing_but_our_own_clone(office: Office) -> None:
    remote = office.operator.git("ls-remote", str(office.operator.remote))
    await office.plan()
    assert office.operator.git("ls-remote", str(office.operator.remote)) == remote
    assert not office.world.worktrees.exists()
    assert not office.world.evidence.exists()


async def test_a_release_that_nobody_proved_can_be_gone_back_to_and_the_plan_says_so(office: Office) -> None:
    plan, _ = await office.plan("v1.5.1")
    assert (plan.code.target.tag, plan.code.verdict, plan.code.releases_back) == ("v1.5.1", "unproven", 2)


async def test_a_head_without_a_tag_is_called_by_its_commit(office: Office) -> None:
    head = office.operator.push("Straight to develop", {"hot.txt": "fix\n"})
    plan, _ = await office.plan()
    assert (plan.code.running.tag, plan.code.running.commit) == (short(head), head)
    assert plan.code.releases_back == 4


async def test_a_second_tag_on_what_runs_does_not_hide_which_release_it_is(office: Office) -> None:
    office.record({**VERDICTS, "v1.5.3": "good"})
    office.operator.git("tag", "a-second-name", "v1.5.3")
    office.operator.git("push", "--quiet", "--tags", "origin")
    plan, _ = await office.plan()
    assert (plan.code.running.tag, plan.code.target.tag, plan.code.releases_back) == ("v1.5.3", "v1.5.0", 3)


async def test_a_branch_that_came_back_to_a_bad_release_is_known_by_its_tree(office: Office) -> None:
    """After a rollback that was taken back; what is pushed has the head's id in its lease all the same."""
    office.operator.push("Another way", {"VERSION": "v1.5.0\n"})
    head = office.operator.push("And back", {"VERSION": "v1.5.3\n"})
    plan, _ = await office.plan()
    assert plan.code is not None
    assert (plan.code.running.tag, plan.code.running.commit) == ("v1.5.3", head)
    assert (plan.code.target.tag, plan.code.releases_back) == ("v1.5.0", 3)


async def test_a_release_that_was_given_up_is_not_proposed_again_but_can_be_named(office: Office) -> None:
    office.record({**VERDICTS, "v1.5.1": "good"})
    plan, _ = await office.plan()
    assert plan.code is not None
    assert plan.code.target.tag == "v1.5.1"
    for wanted, chosen in ((None, "v1.5.0"), ("v1.5.1", "v1.5.1")):
        run = replace(run_of("eng-1", wanted), given_up=("v1.5.1",))
        frozen = await make_plan(office.world, run, lambda _line: None)
        again = thaw(bytes(frozen.plan)).code
        assert again is not None
        assert again.target.tag == chosen


async def test_a_tag_that_was_moved_since_it_was_judged_is_refused(office: Office) -> None:
    """The verdict is about a commit: whoever moves a tag does not move what people said of it."""
    operator = office.operator
    judged = operator.git("rev-parse", "v1.5.0")
    operator.git("tag", "--force", "v1.5.0", "v1.5.1")
    operator.git("push", "--quiet", "--force", "--tags", "origin")
    office.record(VERDICTS, **{"v1.5.0": judged})
    moved = operator.git("rev-parse", "v1.5.0")
    words = f"tag v1.5.0 is commit {short(moved)}, but {short(judged)} was judged good"
    assert await office.refusal(PlanError) == f"{words}: find out who moved the tag"


async def test_what_is_deployed_already_is_no_way_back(office: Office) -> None:
    operator = office.operator
    operator.git("checkout", "--quiet", "v1.5.0", "--", ".")
    operator.git("rm", "--quiet", "cap.txt", "README")
    operator.commit("Roll back by hand")
    operator.git("push", "--quiet", "origin", "develop")
    assert await office.refusal(PlanError) == "develop builds the tree of v1.5.0 already"


async def test_a_release_that_is_not_recorded_is_refused(office: Office) -> None:
    words = "no release v9.9.9 is recorded; there are v1.5.0, v1.5.1, v1.5.2, v1.5.3"
    assert await office.refusal(ReleaseError, "v9.9.9") == words


async def test_a_release_that_was_judged_bad_is_refused(office: Office) -> None:
    words = "v1.5.2 was judged bad by ops-lead: choose another"
    assert await office.refusal(ReleaseError, "v1.5.2") == words


async def test_a_recorded_release_whose_tag_the_remote_has_not_is_refused(office: Office) -> None:
    office.operator.git("update-ref", "-d", "refs/tags/v1.5.0", cwd=office.operator.remote)
    assert (await office.refusal(GitError)).endswith("has no tag v1.5.0")


async def test_a_name_that_is_no_tag_is_not_given_to_git(office: Office) -> None:
    office.record({**VERDICTS, "--upload-pack=x": "good"}, **{"--upload-pack=x": "0" * 40})
    assert "is not a name that git accepts" in await office.refusal(GitError, "--upload-pack=x")


async def test_without_a_remote_there_is_no_plan(office: Office) -> None:
    office.operator.remote.rename(office.operator.remote.with_name("gone.git"))
    assert (await office.refusal(GitError)).startswith("git fetch: fatal: ")


async def test_without_the_deploy_branch_there_is_no_plan(office: Office) -> None:
    office.operator.delete("develop")
    assert (await office.refusal(GitError)).endswith("has no branch develop")


_PREREQUISITES: list[dict[str, Any]] = [
    {
        "id": "tree",
        "title": "the tree is good",
        "proof": {"kind": "evidence", "steps": ["restore-tree", "backup"]},
        "may_be_waived": True,
        "waived_by": ["ops-lead"],
    },
    {"id": "lead", "title": "lead approval", "proof": {"kind": "approval", "role": "team-lead"}},
    {
        "id": "audit",
        "title": "audit passed",
        "proof": {"kind": "hand", "roles": ["security-lead"]},
        "may_be_waived": True,
        "waived_by": ["ops-lead"],
    },
]


def guarded(office: Office) -> Environment:
    """The office's environment, with prerequisites."""
    rules = [PrerequisiteRule.model_validate(rule) for rule in _PREREQUISITES]
    return office.world.environment.model_copy(update={"prerequisites": rules})


async def test_prerequisites_are_frozen_with_the_slots_of_the_steps_that_the_plan_has(office: Office) -> None:
    office.world = dataclasses.replace(office.world, environment=guarded(office))
    plan, _ = await office.plan()
    (slot,) = plan.step("restore-tree").fills
    assert plan.prerequisites == (
        Prerequisite("tree", "the tree is good", "evidence", (slot,), (), ("ops-lead",)),
        Prerequisite("lead", "lead approval", "approval", (), ("team-lead",)),
        Prerequisite("audit", "audit passed", "hand", (), ("security-lead",), ("ops-lead",)),
    )


def test_evidence_cannot_be_waived_where_data_goes_back(office: Office) -> None:
    """Restoring data needs the whole; what a person ticks can be."""
    found = prerequisites(guarded(office), (), Wish(data="20260225T140000Z"))
    assert {item.id: item.waived_by for item in found} == {"tree": (), "lead": (), "audit": ("ops-lead",)}


async def test_the_plan_says_which_migrations_lie_between_the_releases(office: Office) -> None:
    """Where the strategy says which folders hold them; a file that only begins like one is none."""
    operator = office.operator
    (operator.work / "migrations").mkdir()
    operator.push("shorter addresses", {"migrations/0005_short.sql": "--", "migrations.txt": "notes"})
    plan, _ = await office.plan()
    assert plan.code is not None
    assert plan.code.migrations is None, "nobody has said where they lie"
    for folder, found in (("migrations/", ("migrations/0005_short.sql",)), ("schema", ())):
        repository = office.world.environment.repository.model_copy(update={"migrations": [folder]})
        environment = office.world.environment.model_copy(update={"repository": repository})
        office.world = dataclasses.replace(office.world, environment=environment)
        plan, _ = await office.plan()
        assert plan.code is not None
        assert plan.code.migrations == found

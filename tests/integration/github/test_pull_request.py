"""A branch that nobody may push to: a pull request is opened, merged by people or by us, the tree proven."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from actions.action import ActionError
from actions.registry import ACTIONS
from console.config.secrets import Secrets
from console.core.clock import Clock
from console.core.format import short
from console.core.pulls import GithubPulls
from console.engine.ways import protection_of
from console.targets.github.api import PULLS, Api
from console.targets.github.pulls import Pulls
from tests.integration.actions.kit import BRANCH, Operator, Place, Said, copy_history
from tests.integration.github.hosted import REPOSITORY, Host, Opened
from tests.integration.github.kit import Answer, GitHub, Hurried

HOOK = """#!/bin/sh
while read old new ref; do
    if [ "$ref" = refs/heads/develop ]; then
        echo "error: GH006: Protected branch update failed for refs/heads/develop." >&2
        exit 1
    fi
done
"""


@pytest.fixture
def host(history: Path, tmp_path: Path) -> Host:
    """A repository with a protected branch, and its host."""
    operator = copy_history(history, tmp_path)
    hooks = operator.remote / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-receive").write_text(HOOK)
    (hooks / "pre-receive").chmod(0o755)
    return Host(operator)


@pytest.fixture
async def api(host: Host) -> AsyncIterator[GitHub]:
    """The host's API, held to the published description."""
    made = await GitHub(host.app).start()
    yield made
    await made.stop()
    assert made.wrong == []


def pulls_at(url: str, client: httpx.AsyncClient, clock: Clock, **changes: str) -> Pulls:
    told = {"kind": "github", "api": url, "repository": REPOSITORY, "token": "env:CI_TOKEN", **changes}
    settings = GithubPulls.model_validate(told)
    secrets = Secrets({"CI_TOKEN": "ghs_x"}, Path())
    return Pulls(settings, Api(settings, secrets.resolve, client, clock, PULLS))


class Bench:
    """A place whose deploy branch goes by pull request."""

    def __init__(self, tmp_path: Path, host: Host, api: GitHub, client: httpx.AsyncClient) -> None:
        self.host, self.api, self.client = host, api, client
        self.clock = Hurried()
        self.place = Place(tmp_path, host.operator)
        self.by("people")

    def by(self, whom: str, *, way: str = "pull request", **changes: str) -> None:
        pulls = pulls_at(self.api.url, self.client, self.clock, merged_by=whom, **changes)
        world = self.place.world
        repository = world.environment.repository.model_copy(update={"integrate": way})
        environment = world.environment.model_copy(update={"repository": repository})
        self.place.world = dataclasses.replace(world, environment=environment, clock=self.clock, pulls=pulls)

    async def ready(self) -> "Bench":
        await self.place.ready()
        await self.place.done("restore-tree", "push-branch")
        return self

    @property
    def operator(self) -> Operator:
        return self.host.operator

    @property
    def asked(self) -> list[str]:
        """What the API was told to change."""
        return [line for line in self.api.asked if not line.startswith("GET")]


@pytest.fixture
async def bench(tmp_path: Path, host: Host, api: GitHub, client: httpx.AsyncClient) -> Bench:
    return await Bench(tmp_path, host, api, client).ready()


def after(times: int, host: Host, what: str) -> None:
    """When it has been looked at so often, people approve it, merge it, or close it."""
    looks = 0

    def looked(pull: Opened) -> None:
        nonlocal looks
        looks += 1
        if looks != times:
            return
        if what == "merge":
            host.merge(pull)
        elif what == "approve":
            pull.approved = 1
        else:
            pull.state = "closed"

    host.looked = looked


@pytest.mark.parametrize("method", ["merge", "squash"])
async def test_it_is_merged_by_us_when_it_is_approved_and_the_branch_is_the_good_tree(
    bench: Bench, method: str
) -> None:
    bench.by("warroom", method=method)
    after(3, bench.host, "approve")
    said = Said()
    action = bench.place.action("integrate")
    await action.perform(said)
    proof = await action.verify()
    assert bench.operator.tree("develop") == proof.facts["tree"] == bench.place.inputs.code.target.tree
    assert bench.asked == [f"POST /repos/{REPOSITORY}/pulls", f"PUT /repos/{REPOSITORY}/pulls/7/merge"]
    assert "pull request 7, https://github.com/passportx/app/pull/7" in said.words[0]
    assert any(words.startswith("pull request 7 waits for a review") for words in said.words)
    assert (await bench.place.action("integrate").probe()).found == "done"


async def test_people_merge_it_and_nothing_is_merged_by_us(bench: Bench) -> None:
    after(4, bench.host, "merge")
    await bench.place.done("integrate")
    assert bench.asked == [f"POST /repos/{REPOSITORY}/pulls"]
    assert bench.operator.tree("develop") == bench.place.inputs.code.target.tree


async def test_a_push_that_the_rules_refuse_becomes_a_pull_request(bench: Bench) -> None:
    """Nobody needs to have known: the refusal moves nothing, and the same step goes on by pull request."""
    bench.by("people", way="push")
    after(2, bench.host, "merge")
    said = Said()
    await bench.place.action("integrate").perform(said)
    assert "develop is protected: by pull request" in said.words
    assert any("GH006" in line or "pre-receive hook declined" in line for line in said.lines)
    await bench.place.action("integrate").verify()


async def test_without_a_place_to_open_one_the_refusal_says_what_to_do(bench: Bench) -> None:
    bench.place.world = dataclasses.replace(bench.place.world, pulls=None)
    repository = bench.place.world.environment.repository.model_copy(update={"integrate": "push"})
    environment = bench.place.world.environment.model_copy(update={"repository": repository})
    bench.place.world = dataclasses.replace(bench.place.world, environment=environment)
    with pytest.raises(ActionError, match=r"develop is protected .*name `pull_request` in `repository`"):
        await bench.place.action("integrate").perform(Said())


async def test_one_that_is_open_is_found_and_used(bench: Bench) -> None:
    """As after a crash between opening it and merging it: its branch's name says that it is ours."""
    bench.host.pulls.append(Opened(12, BRANCH, "develop", "Roll back"))
    finding = await bench.place.action("integrate").probe()
    assert finding.found == "not done"
    assert "pull request 12, https://github.com/passportx/app/pull/12 is open" in finding.words
    after(1, bench.host, "merge")
    await bench.place.done("integrate")
    assert bench.asked == []


async def test_one_that_was_merged_while_nobody_looked_is_not_opened_again(bench: Bench) -> None:
    bench.host.merge(Opened(12, BRANCH, "develop", "Roll back"))
    await bench.place.done("integrate")
    assert bench.asked == []


async def test_a_branch_that_moved_closes_it_and_asks_for_another_plan(bench: Bench) -> None:
    """Merged onto somebody's work, that would be deployed unseen."""
    said, action = Said(), bench.place.action("integrate")

    def moves(_pull: Opened) -> None:
        git = bench.operator.git
        made = git(
            "commit-tree", "-m", "Hotfix", "-p", "develop", f"{git('write-tree')}", cwd=bench.operator.work
        )
        git("push", "--quiet", "origin", f"{made}:refs/heads/hotfix")
        git("update-ref", "refs/heads/develop", made, cwd=bench.operator.remote)
        bench.host.looked = lambda _pull: None

    bench.host.looked = moves
    with pytest.raises(ActionError, match=r"develop has moved to \w+: pull request 7 is closed, plan again"):
        await action.perform(said)
    assert bench.host.pulls[0].state == "closed"
    assert not bench.host.pulls[0].merged


async def test_one_that_people_close_stops_the_step(bench: Bench) -> None:
    after(2, bench.host, "close")
    with pytest.raises(ActionError, match="pull request 7 was closed and not merged: ask why"):
        await bench.place.action("integrate").perform(Said())


async def test_where_no_time_is_left_it_says_what_it_waits_for_and_a_retry_goes_on(bench: Bench) -> None:
    said = Said()
    said.left_s = 12.0
    with pytest.raises(ActionError, match=r"waits for a review or a check .*retry goes on waiting"):
        await bench.place.action("integrate").perform(said)
    after(1, bench.host, "merge")
    await bench.place.done("integrate")
    assert bench.asked == [f"POST /repos/{REPOSITORY}/pulls"]


async def test_an_abort_leaves_it_open_and_says_so(bench: Bench) -> None:
    said = Said()
    said.stopping = True
    with pytest.raises(ActionError, match=r"stopped on request; pull request 7, .* is open still"):
        await bench.place.action("integrate").perform(said)


async def test_an_answer_to_the_merge_that_never_came_is_looked_for(bench: Bench) -> None:
    bench.by("warroom")
    after(1, bench.host, "approve")
    bench.api.next.append((r"PUT .*/merge", Answer(502, after=True)))
    said = Said()
    await bench.place.action("integrate").perform(said)
    assert any("GitHub is in trouble" in line for line in said.lines)
    assert len([line for line in bench.asked if "merge" in line]) == 1


async def test_what_is_in_its_branch_is_ours_or_it_is_not_merged(bench: Bench) -> None:
    action = bench.place.action("integrate")
    other = bench.operator.git("rev-parse", "v1.5.2^{commit}")
    bench.operator.git("update-ref", f"refs/heads/{BRANCH}", other, cwd=bench.operator.remote)
    bench.by("warroom")
    with pytest.raises(ActionError, match=f"is of {short(other)[:7]}"):
        await action.perform(Said())


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"reviews": 2}, "develop is protected: a pull request with 2 reviews"),
        ({"classic": True}, "develop is protected: a pull request with 1 review"),
        ({"classic": True, "seen": False}, "develop is protected: by what, the token may not see"),
        ({"reviews": 0}, ""),
    ],
)
async def test_the_plan_says_what_protects_the_branch(
    bench: Bench, facts: dict[str, int], words: str
) -> None:
    for name, value in facts.items():
        setattr(bench.host, name, value)
    assert await protection_of(bench.place.world) == words


async def test_where_nobody_answers_the_plan_says_that(bench: Bench) -> None:
    await bench.api.stop()
    words = await protection_of(bench.place.world)
    assert words.startswith("whether develop is protected, nobody can say: ")


async def test_the_plan_shows_the_requests(bench: Bench) -> None:
    bench.by("warroom")
    preview = ACTIONS["integrate"].preview(bench.place.inputs, bench.place.world)
    assert preview.words.startswith(f"open a pull request of {BRANCH} to develop")
    opening, merging = preview.effects
    assert opening.startswith(f"POST {bench.api.url}/repos/{REPOSITORY}/pulls ")
    assert bench.place.inputs.code.restored in merging
    assert "ghs_x" not in "".join(preview.effects)

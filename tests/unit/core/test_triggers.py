"""What a push sets off: which workflows, which jobs in which order, and what could not be told."""

from typing import Any

import pytest

from console.core.triggers import Push, Triggers, WorkflowError, triggers, workflow_of
from console.core.triggers_words import triggers_lines, triggers_summary

PUSH = Push("develop", ("config/gas.toml", "VERSION"))
JOBS = {"build": {"runs-on": "ubuntu-latest"}}


def found(on: object, *, push: Push = PUSH, jobs: object = JOBS) -> Triggers:
    return triggers([workflow_of("ci.yml", {"name": "CI", "on": on, "jobs": jobs})], [push])


def is_set_off(on: object, push: Push = PUSH) -> bool:
    return bool(found(on, push=push).runs)


@pytest.mark.parametrize(
    "on",
    [
        "push",
        ["push", "pull_request"],
        {"push": None},
        {"push": {"branches": ["main", "dev*"]}},
        {"push": {"branches": "develop"}},
        {"push": {"branches-ignore": ["main"]}},
        {"push": {"branches": ["develop"], "paths": ["config/**"]}},
        {"push": {"paths-ignore": ["docs/**", "VERSION"]}},
        {"push": {"tags": ["v*"], "branches": ["develop"]}},
    ],
)
def test_what_a_push_sets_off(on: object) -> None:
    assert is_set_off(on)


@pytest.mark.parametrize(
    "on",
    [
        "pull_request",
        ["workflow_dispatch"],
        {"schedule": [{"cron": "0 0 * * *"}]},
        {"push": {"branches": ["main"]}},
        {"push": {"branches": ["**", "!dev*"]}},
        {"push": {"branches-ignore": ["dev**"]}},
        {"push": {"tags": ["v*"]}},
        {"push": {"tags-ignore": ["beta"]}},
        {"push": {"paths": ["docs/**"]}},
        {"push": {"paths": ["**", "!config/**", "!VERSION"]}},
        {"push": {"paths-ignore": ["**"]}},
        "create",
    ],
)
def test_what_a_push_does_not_set_off(on: object) -> None:
    assert not is_set_off(on)


def test_a_branch_that_is_new_sets_off_what_waits_for_that() -> None:
    assert is_set_off("create", Push("rollback/testnet-1", (), created=True))


def test_an_on_that_was_read_as_a_truth_value_is_meant_all_the_same() -> None:
    workflow = workflow_of("ci.yml", {True: "push", "jobs": JOBS})
    assert triggers([workflow], [PUSH]).runs[0].workflow == "ci.yml"


def test_too_many_files_to_be_sure_of_the_paths_are_said() -> None:
    many = Push("develop", tuple(f"a/{number}" for number in range(301)))
    seen = found({"push": {"paths": ["b/**"]}}, push=many)
    assert seen.runs == ()
    assert seen.unsure[0].startswith("ci.yml may be set off by develop: 301 files change")
    assert is_set_off({"push": {"branches": ["develop"]}}, many)


CHAIN = {
    "production": {
        "needs": ["staging", "test"],
        "environment": {"name": "mainnet-staging"},
        "if": "success()",
    },
    "staging": {"needs": "testnet", "environment": "staging"},
    "testnet": {"environment": "testnet", "needs": ["test"]},
    "test": {"uses": "./.github/workflows/test.yml"},
}


def test_jobs_stand_behind_what_they_need_with_where_they_deploy_to() -> None:
    seen = found("push", jobs=CHAIN)
    assert [job.id for job in seen.runs[0].jobs] == ["test", "testnet", "staging", "production"]
    (line,) = triggers_lines(seen)
    assert line == (
        "a push to develop sets off CI (ci.yml): test runs ./.github/workflows/test.yml;"
        " testnet deploys testnet after test; staging deploys staging after testnet;"
        " production deploys mainnet-staging after staging, test if success()"
    )
    assert triggers_summary(seen) == (
        "the push sets off 1 workflow and deploys testnet, then staging, then mainnet-staging"
    )


def test_that_nothing_is_set_off_is_said() -> None:
    seen = found("pull_request")
    assert triggers_lines(seen) == ("the push sets off no workflow of GitHub Actions",)
    assert triggers_summary(seen) == ""


def test_what_follows_the_end_of_a_workflow_is_set_off_too() -> None:
    """As far as it goes on, each once; a filter on the branch counts there too."""
    first = workflow_of("a.yml", {"name": "A", "on": "push", "jobs": JOBS})
    second = workflow_of(
        "b.yml", {"name": "B", "on": {"workflow_run": {"workflows": ["A", "C"]}}, "jobs": JOBS}
    )
    third = workflow_of("c.yml", {"name": "C", "on": {"workflow_run": {"workflows": ["B"]}}, "jobs": JOBS})
    only = {"workflows": ["A"], "branches": ["main"]}
    fourth = workflow_of("d.yml", {"name": "D", "on": {"workflow_run": only}, "jobs": JOBS})
    seen = triggers([first, second, third, fourth], [PUSH])
    assert [(run.workflow, run.after) for run in seen.runs] == [("A", None), ("B", "A"), ("C", "B")]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "is no mapping with `on` and `jobs`"),
        ({"jobs": JOBS}, "says in no `on` what sets it off"),
        ({"on": "push"}, "has no `jobs`"),
        ({"on": "push", "jobs": {"a": 1}}, "has a job a that is no mapping"),
        ({"on": "push", "jobs": {"a": {"needs": "b"}}}, "has a job a that needs b, which there is not"),
        (
            {"on": "push", "jobs": {"a": {"needs": "b"}, "b": {"needs": "a"}}},
            "has jobs that need each other: a, b",
        ),
        ({"on": {"push": ["x"]}, "jobs": JOBS}, "has filters under `push` that are no mapping"),
        (
            {"on": {"push": {"branches": {"a": 1}}}, "jobs": JOBS},
            "has a `branches` that is no list of patterns",
        ),
        (
            {"on": {"push": {"paths": ["a"], "paths-ignore": ["b"]}}, "jobs": JOBS},
            "has both `paths` and `paths-ignore`, which GitHub refuses",
        ),
    ],
)
def test_a_file_that_is_no_workflow_is_said(document: Any, words: str) -> None:
    with pytest.raises(WorkflowError) as wrong:
        workflow_of("x.yml", document)
    assert str(wrong.value) == words

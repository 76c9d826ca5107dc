"""What a push sets off: the workflows of GitHub Actions in the pushed tree, and their jobs in order. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from console.core.errors import StatedError
from console.core.ref_filters import any_let_in, lets_in

_MANY_FILES = 300
"""GitHub looks at so many changed files for `paths`, and not at those beyond."""
_KNOWN_FILTERS = ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore")


class WorkflowError(StatedError):
    """What stands in a workflow file is none that GitHub would run; the message follows the file's name."""


class Job(Struct, frozen=True):
    """A job of a workflow."""

    id: str
    needs: tuple[str, ...]
    environment: str | None
    """Where it deploys to, as the file has it."""
    uses: str | None
    """The workflow that it runs, where it is one of those."""
    condition: str | None
    """When it runs, where that hangs on something."""


class Triggered(Struct, frozen=True):
    """A workflow that is set off."""

    workflow: str
    file: str
    ref: str
    """The branch that is pushed."""
    after: str | None
    """The workflow whose end sets it off; None: the push does."""
    jobs: tuple[Job, ...]
    """None before those that it needs."""


class Triggers(Struct, frozen=True):
    """All that the pushes of a way back set off, as far as the files tell."""

    runs: tuple[Triggered, ...]
    unsure: tuple[str, ...]
    """What could not be told, each with why."""


class Push(Struct, frozen=True):
    """A branch that is pushed."""

    branch: str
    files: tuple[str, ...]
    """That the push changes."""
    created: bool = False
    """Whether the remote does not have it yet."""


class Workflow(Struct, frozen=True):
    """A workflow file, as far as it is told here."""

    file: str
    name: str
    events: Mapping[str, Any]
    """What sets it off, with the filters of each."""
    jobs: tuple[Job, ...]


def workflow_of(file: str, document: object) -> Workflow:
    """The workflow that a file holds; WorkflowError where it holds none."""
    if not isinstance(document, Mapping):
        raise WorkflowError("is no mapping with `on` and `jobs`")
    name = document.get("name")
    return Workflow(file, name if isinstance(name, str) else file, _events(document), _jobs(document))


def triggers(workflows: Sequence[Workflow], pushes: Sequence[Push]) -> Triggers:
    """What the pushes set off, each branch by itself, and what follows the end of that."""
    runs: list[Triggered] = []
    unsure: list[str] = []
    for push in pushes:
        begun: list[Triggered] = []
        for workflow in workflows:
            sure = _sets_off(workflow, push)
            if sure is None:
                words = f"{len(push.files)} files change, and GitHub looks at {_MANY_FILES} for its `paths`"
                unsure.append(f"{workflow.file} may be set off by {push.branch}: {words}")
            elif sure:
                begun.append(Triggered(workflow.name, workflow.file, push.branch, None, workflow.jobs))
        runs += begun
        runs += _following(workflows, begun, push.branch)
    return Triggers(tuple(runs), tuple(unsure))


# -- the file ---------------------------------------------------------------------------------------


def _events(document: Mapping[Any, Any]) -> Mapping[str, Any]:
    """By name; an `on` that a parser of YAML 1.1 took for a truth value is meant too."""
    told = document.get("on", document.get(True))
    if isinstance(told, str):
        return {told: {}}
    if isinstance(told, list):
        return {name: {} for name in told if isinstance(name, str)}
    if isinstance(told, Mapping):
        events = {str(name): filters or {} for name, filters in told.items()}
        _checked(events.get("push", {}))
        return events
    raise WorkflowError("says in no `on` what sets it off")


def _checked(filters: object) -> None:
    if not isinstance(filters, Mapping):
        raise WorkflowError("has filters under `push` that are no mapping")
    for name in _KNOWN_FILTERS:
        _patterns(filters, name)
    for name in ("branches", "tags", "paths"):
        if name in filters and f"{name}-ignore" in filters:
            raise WorkflowError(f"has both `{name}` and `{name}-ignore`, which GitHub refuses")


def _patterns(filters: Mapping[str, Any], name: str) -> list[str] | None:
    """The patterns of a filter; None where there is no such filter."""
    told = filters.get(name)
    if told is None:
        return None
    patterns = told if isinstance(told, list) else [told]
    if not all(isinstance(one, str | int | float) for one in patterns):
        raise WorkflowError(f"has a `{name}` that is no list of patterns")
    return [str(one) for one in patterns]


def _jobs(document: Mapping[Any, Any]) -> tuple[Job, ...]:
    told = document.get("jobs")
    if not isinstance(told, Mapping) or not told:
        raise WorkflowError("has no `jobs`")
    jobs = {str(name): _job(str(name), job) for name, job in told.items()}
    for job in jobs.values():
        for need in job.needs:
            if need not in jobs:
                raise WorkflowError(f"has a job {job.id} that needs {need}, which there is not")
    return tuple(_in_order(jobs))


def _job(name: str, told: object) -> Job:
    if not isinstance(told, Mapping):
        raise WorkflowError(f"has a job {name} that is no mapping")
    needs = told.get("needs", ())
    environment = told.get("environment")
    if isinstance(environment, Mapping):
        environment = environment.get("name")
    return Job(
        id=name,
        needs=(needs,) if isinstance(needs, str) else tuple(str(one) for one in needs or ()),
        environment=None if environment is None else str(environment),
        uses=None if told.get("uses") is None else str(told["uses"]),
        condition=None if told.get("if") is None else str(told["if"]),
    )


def _in_order(jobs: Mapping[str, Job]) -> Iterator[Job]:
    """Each behind what it needs, otherwise as in the file; WorkflowError where they need each other."""
    left, done = dict(jobs), set[str]()
    while left:
        ready = [job for job in left.values() if done.issuperset(job.needs)]
        if not ready:
            raise WorkflowError(f"has jobs that need each other: {', '.join(left)}")
        for job in ready:
            yield left.pop(job.id)
        done |= {job.id for job in ready}


# -- what is set off --------------------------------------------------------------------------------


def _sets_off(workflow: Workflow, push: Push) -> bool | None:
    """Whether the push does; None where GitHub alone knows."""
    if push.created and "create" in workflow.events:
        return True
    if "push" not in workflow.events:
        return False
    filters = workflow.events["push"]
    return _branch_passes(filters, push.branch) and _paths_pass(filters, push.files)


def _branch_passes(filters: Mapping[str, Any], branch: str) -> bool:
    wanted, ignored = _patterns(filters, "branches"), _patterns(filters, "branches-ignore")
    if wanted is not None:
        return lets_in(wanted, branch)
    if ignored is not None:
        return not lets_in(ignored, branch)
    # who names tags alone is not set off by branches
    return _patterns(filters, "tags") is None and _patterns(filters, "tags-ignore") is None


def _paths_pass(filters: Mapping[str, Any], files: Sequence[str]) -> bool | None:
    wanted, ignored = _patterns(filters, "paths"), _patterns(filters, "paths-ignore")
    if wanted is None and ignored is None:
        return True
    if len(files) > _MANY_FILES:
        return None
    if wanted is not None:
        return any_let_in(wanted, files)
    return not all(lets_in(ignored or (), file) for file in files)


def _following(workflows: Sequence[Workflow], begun: Sequence[Triggered], branch: str) -> Iterator[Triggered]:
    """What the end of those sets off, and the end of that; each once."""
    before, seen = list(begun), {one.file for one in begun}
    while before:
        ended = before.pop(0)
        for workflow in workflows:
            filters = workflow.events.get("workflow_run")
            if workflow.file in seen or not isinstance(filters, Mapping):
                continue
            if ended.workflow in (_patterns(filters, "workflows") or ()) and _branch_passes(filters, branch):
                seen.add(workflow.file)
                after = Triggered(workflow.name, workflow.file, branch, ended.workflow, workflow.jobs)
                before.append(after)
                yield after

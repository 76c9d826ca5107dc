"""What the pushes of a way back set off, by the workflow files of the tree that is pushed."""

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from console.core.plan import Release
from console.core.triggers import Push, Triggers, Workflow, WorkflowError, triggers, workflow_of
from console.targets.git import Clone, GitError

FOLDER = ".github/workflows"
_LARGEST = 512_000
"""Bytes of a workflow file; GitHub takes no larger one."""


def set_off(clone: Clone, running: Release, target: Release, branch: str, rollback: str) -> Triggers:
    """What it sets off to push the target's tree to the rollback branch, and to the one that is deployed."""
    files = clone.changed(running.commit, target.commit)
    unread: list[str] = []
    workflows = tuple(_workflows(clone, target.commit, unread))
    pushes = (Push(rollback, files, created=True), Push(branch, files))
    found = triggers(workflows, pushes)
    return Triggers(found.runs, (*unread, *found.unsure))


def _workflows(clone: Clone, commit: str, unread: list[str]) -> Iterator[Workflow]:
    """Those that can be read; what cannot is named in `unread`, since GitHub does not run it either."""
    for path in clone.files(commit, FOLDER):
        if not path.endswith((".yml", ".yaml")):
            continue
        try:
            yield workflow_of(path, _document(clone.content(commit, path, _LARGEST) or b""))
        except (WorkflowError, GitError) as error:
            unread.append(f"{path} {error}")


def _document(raw: bytes) -> object:
    yaml = YAML(typ="safe", pure=True)
    try:
        return yaml.load(raw.decode("utf-8-sig"))
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise WorkflowError(f"is no YAML{where}: GitHub runs nothing of it") from None

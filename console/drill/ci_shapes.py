"""GitHub's shapes of a workflow, its runs, a repository and a user, filled with what a rehearsal knows.

They have what https://github.com/github/rest-api-description says that they must have; tests hold them to it.
"""

from typing import Any

from msgspec import Struct

_USER_URLS = (
    "avatar events followers following gists html organizations received_events repos starred subscriptions"
)
_REPOSITORY_URLS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors "
    "deployments downloads events forks git_commits git_refs git_tags hooks html issue_comment issue_events "
    "issues keys labels languages merges milestones notifications pulls releases stargazers statuses "
    "subscribers subscription tags teams trees"
)
_RUN_URLS = "artifacts cancel check_suite html jobs logs rerun workflow"
MADE = "2026-01-01T00:00:00Z"
"""When everything was made: nobody asks."""


class WorkflowFacts(Struct):
    """A workflow of a repository."""

    repository: str
    """`owner/name`."""
    id: int
    name: str
    path: str
    state: str = "active"


class RunFacts(Struct):
    """A run of it."""

    id: int
    number: int
    status: str
    head_sha: str
    branch: str
    title: str
    actor: str
    event: str = "push"
    conclusion: str | None = None
    stubborn: bool = False
    """Whether it goes on when it is cancelled, as a job that always runs does; force ends it."""


def workflow(facts: WorkflowFacts, base: str) -> dict[str, Any]:
    """A workflow as the API tells it; `base` is the API's address."""
    url = f"{base}/repos/{facts.repository}/actions/workflows/{facts.id}"
    return {
        "id": facts.id,
        "node_id": f"W_{facts.id}",
        "name": facts.name,
        "path": facts.path,
        "state": facts.state,
        "created_at": MADE,
        "updated_at": MADE,
        "url": url,
        "html_url": url,
        "badge_url": f"{url}/badge.svg",
    }


def run(facts: RunFacts, of: WorkflowFacts, base: str) -> dict[str, Any]:
    """A run as the API tells it."""
    url = f"{base}/repos/{of.repository}/actions/runs/{facts.id}"
    repository = _repository(of.repository, base)
    return {
        "id": facts.id,
        "node_id": f"R_{facts.id}",
        "name": of.name,
        "path": of.path,
        "workflow_id": of.id,
        "run_number": facts.number,
        "display_title": facts.title,
        "event": facts.event,
        "status": facts.status,
        "conclusion": facts.conclusion,
        "head_branch": facts.branch,
        "head_sha": facts.head_sha,
        "head_commit": None,
        "actor": _user(facts.actor, base),
        "repository": repository,
        "head_repository": repository,
        "pull_requests": [],
        "created_at": MADE,
        "updated_at": MADE,
        "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in _RUN_URLS.split()},
    }


def _repository(full_name: str, base: str) -> dict[str, Any]:
    owner, _, name = full_name.partition("/")
    url = f"{base}/repos/{full_name}"
    return {
        "id": 1,
        "node_id": "P_1",
        "name": name,
        "full_name": full_name,
        "owner": _user(owner, base),
        "private": True,
        "fork": False,
        "description": None,
        "url": url,
        **{f"{part}_url": f"{url}/{part}" for part in _REPOSITORY_URLS.split()},
    }


def _user(login: str, base: str) -> dict[str, Any]:
    url = f"{base}/users/{login}"
    return {
        "login": login,
        "id": 1,
        "node_id": "U_1",
        "gravatar_id": "",
        "type": "User",
        "site_admin": False,
        "url": url,
        **{f"{part}_url": f"{url}/{part}" for part in _USER_URLS.split()},
    }

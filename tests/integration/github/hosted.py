"""A stand-in for the host of a repository: pull requests that it merges into the real one, and its rules."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.integration.actions.kit import Operator
from tests.integration.github.filled import filled

REPOSITORY = "passportx/app"
_BELOW = f"/repos/{REPOSITORY}"


@dataclass
class Opened:
    """A pull request."""

    number: int
    head: str
    base: str
    title: str
    state: str = "open"
    merged: bool = False
    approved: int = 0


@dataclass
class Host:
    """What it knows beside what the repository has."""

    operator: Operator
    reviews: int = 1
    """So many approvals its rules ask for; 0: nothing protects the branch."""
    classic: bool = False
    """Whether it is a protection of the branch, as there were before rulesets."""
    seen: bool = True
    """Whether the token may see it."""
    pulls: list[Opened] = field(default_factory=list)
    looked: Callable[[Opened], None] = lambda _pull: None
    """Told whenever somebody looks at a pull request, before that is answered."""

    def merge(self, pull: Opened, method: str = "merge") -> str:
        """Merge it into the branch, past its hooks, as the host itself does."""
        git = self.operator.git
        git("fetch", "--quiet", "--prune", "origin")
        git("checkout", "--quiet", "--detach", f"origin/{pull.base}")
        if method == "merge":
            git("merge", "--quiet", "--no-ff", "-m", pull.title, f"origin/{pull.head}")
        else:
            git("merge", "--quiet", "--squash", f"origin/{pull.head}")
            git("commit", "--quiet", "--allow-empty", "-m", pull.title)
        made = git("rev-parse", "HEAD")
        git("push", "--quiet", "origin", f"{made}:refs/heads/merged/{pull.number}")
        git("update-ref", f"refs/heads/{pull.base}", made, cwd=self.operator.remote)
        pull.merged, pull.state = True, "closed"
        return made

    def head(self, pull: Opened) -> str:
        """The commit that it would merge."""
        return self.operator.on_remote(f"refs/heads/{pull.head}") or "0" * 40

    @property
    def app(self) -> Starlette:
        """Its API."""
        routes = {
            ("GET", "/pulls"): self._list,
            ("POST", "/pulls"): self._open,
            ("GET", "/pulls/{number:int}"): self._look,
            ("PATCH", "/pulls/{number:int}"): self._change,
            ("GET", "/pulls/{number:int}/reviews"): self._reviews,
            ("PUT", "/pulls/{number:int}/merge"): self._merge,
            ("GET", "/rules/branches/{branch}"): self._rules,
            ("GET", "/branches/{branch}"): self._branch,
            ("GET", "/branches/{branch}/protection"): self._protection,
        }
        return Starlette(
            routes=[
                Route(_BELOW + path, handler, methods=[method]) for (method, path), handler in routes.items()
            ]
        )

    def _told(self, pull: Opened, schema: str = "pull-request") -> dict[str, Any]:
        shape = filled(schema, number=pull.number, state=pull.state, title=pull.title)
        shape["html_url"] = f"https://github.com/{REPOSITORY}/pull/{pull.number}"
        shape["head"] = {**shape["head"], "ref": pull.head, "sha": self.head(pull)}
        shape["base"] = {**shape["base"], "ref": pull.base}
        if schema == "pull-request":
            ready = pull.approved >= self.reviews
            shape |= {"merged": pull.merged, "mergeable_state": "clean" if ready else "blocked"}
        return shape

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        owner, _, head = query["head"].partition(":")
        assert owner == REPOSITORY.partition("/")[0]
        found = [
            one
            for one in self.pulls
            if (one.head, one.base, one.state) == (head, query["base"], query["state"])
        ]
        return JSONResponse([self._told(one, "pull-request-simple") for one in found])

    async def _open(self, request: Request) -> Response:
        told = json.loads(await request.body())
        if any(one.state == "open" and one.head == told["head"] for one in self.pulls):
            return _refused(422, "A pull request already exists")
        pull = Opened(len(self.pulls) + 7, told["head"], told["base"], told["title"])
        self.pulls.append(pull)
        return JSONResponse(self._told(pull), status_code=201)

    def _of(self, request: Request) -> Opened:
        return next(one for one in self.pulls if one.number == request.path_params["number"])

    async def _look(self, request: Request) -> Response:
        pull = self._of(request)
        self.looked(pull)
        return JSONResponse(self._told(pull))

    async def _change(self, request: Request) -> Response:
        pull = self._of(request)
        pull.state = json.loads(await request.body())["state"]
        return JSONResponse(self._told(pull))

    async def _reviews(self, request: Request) -> Response:
        review = filled("pull-request-review", state="APPROVED")
        return JSONResponse([review] * self._of(request).approved)

    async def _merge(self, request: Request) -> Response:
        pull, told = self._of(request), json.loads(await request.body())
        if told["sha"] != self.head(pull):
            return _conflict(409, "Head branch was modified. Review and try the merge again.")
        if pull.approved < self.reviews:
            return _conflict(405, "At least 1 approving review is required")
        made = self.merge(pull, told["merge_method"])
        return JSONResponse({"merged": True, "message": "Pull Request successfully merged", "sha": made})

    async def _rules(self, _request: Request) -> Response:
        if not self.reviews or self.classic:
            return JSONResponse([])
        parameters = {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_approving_review_count": self.reviews,
            "required_review_thread_resolution": False,
        }
        rule = {"type": "pull_request", "parameters": parameters, "ruleset_id": 1}
        return JSONResponse([rule, {"type": "deletion", "ruleset_id": 1}])

    async def _branch(self, request: Request) -> Response:
        name = request.path_params["branch"]
        return JSONResponse(filled("branch-with-protection", name=name, protected=bool(self.reviews)))

    async def _protection(self, _request: Request) -> Response:
        if not self.seen:
            return _refused(403, "Resource not accessible by personal access token")
        reviews = {
            "url": "https://api.github.com/x",
            "dismiss_stale_reviews": False,
            "require_code_owner_reviews": False,
            "required_approving_review_count": self.reviews,
        }
        return JSONResponse(filled("branch-protection", required_pull_request_reviews=reviews))


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"message": message, "status": str(status)}, status_code=status)


def _conflict(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status_code=status)

"""The stand-in for GitHub Actions: `python -m console.drill.ci PORT TOKEN_FILE REQUESTS`.

One workflow that deploys, with one run of it under way; listed, cancelled, disabled, enabled and started as
GitHub's REST API does it. Each order is written down, and nothing outside the drill hears of it.
"""

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NoReturn

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.drill import ci_shapes
from console.drill.ci_shapes import RunFacts, WorkflowFacts
from console.drill.ports import LOOPBACK

REPOSITORY, WORKFLOW, BRANCH = "passportx/walletconnect", "Deploy", "main"
"""The repository of the drill's service, as GitHub would name it, and the workflow that deploys it."""
WORKFLOW_FILE = "deploy.yml"
PUSHED = "/pushed"
"""Where the stand-in hears of a push, as GitHub does by having the repository; no part of its API."""
_REPO = "/repos/{owner}/{repo}/actions"
_ASKED_AGAIN = 2
"""So many looks later a run that was cancelled has ended."""


class Push(msgspec.Struct, frozen=True):
    """Somebody's push to the branch that is deployed."""

    commit: str
    title: str
    actor: str


class Actions:
    """GitHub Actions of one repository with one workflow."""

    def __init__(self, token: str, note: Callable[[str], None]) -> None:
        """`note` hears of every order."""
        self.token = token
        self.workflow = WorkflowFacts(REPOSITORY, 7_001, WORKFLOW, f".github/workflows/{WORKFLOW_FILE}")
        self.runs: list[RunFacts] = []
        self.heads: dict[str, str] = {}
        """What each branch is at that a run can be started for."""
        self.note = note
        self._numbers = count(412)
        self._ending: dict[int, int] = {}
        """Runs that were cancelled, each with how often it is seen yet."""

    def begin(self, title: str, commit: str, actor: str, event: str = "push") -> RunFacts:
        """One more run, under way."""
        number = next(self._numbers)
        run = RunFacts(900_000 + number, number, "in_progress", commit, BRANCH, title, actor, event)
        self.runs.insert(0, run)
        return run

    def pushed(self, push: "Push") -> None:
        """A push starts a run, where the workflow is not disabled."""
        if self.workflow.state == "active":
            self.begin(push.title, push.commit, push.actor)

    def seen(self, status: str | None, commit: str | None) -> list[RunFacts]:
        """The runs in that state, of that commit; who was told to end does so by and by."""
        found = [run for run in self.runs if status in (None, run.status) and commit in (None, run.head_sha)]
        for run in found:
            if run.id in self._ending:
                self._ending[run.id] -= 1
                if self._ending[run.id] <= 0:
                    self.end(run)
        return found

    def end(self, run: RunFacts) -> None:
        """It has been cancelled."""
        run.status, run.conclusion = "completed", "cancelled"
        self._ending.pop(run.id, None)

    def cancel(self, run: RunFacts, *, force: bool) -> bool:
        """Tell a run to end; whether that could be done."""
        if run.status == "completed":
            return False
        if force or not run.stubborn:
            self._ending.setdefault(run.id, _ASKED_AGAIN)
        return True


class Api:
    """Its REST API, as far as a freeze needs it."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self.app = Starlette(
            routes=[
                Route(f"{_REPO}/workflows", self._asked(self._workflows)),
                Route(f"{_REPO}/workflows/{{id}}", self._asked(self._workflow)),
                Route(f"{_REPO}/workflows/{{id}}/runs", self._asked(self._runs)),
                Route(f"{_REPO}/workflows/{{id}}/dispatches", self._asked(self._dispatch), methods=["POST"]),
                Route(f"{_REPO}/workflows/{{id}}/{{order}}", self._asked(self._switch), methods=["PUT"]),
                Route(f"{_REPO}/runs/{{run:int}}/{{order}}", self._asked(self._cancel), methods=["POST"]),
                Route(PUSHED, self._pushed, methods=["POST"]),
            ]
        )

    async def _pushed(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._actions.token}":
            return _told(401, "Bad credentials")
        self._actions.pushed(msgspec.json.decode(await request.body(), type=Push))
        return Response(status_code=204)

    def _asked(self, answer: Callable[[Request, bytes], Response]) -> Callable[[Request], object]:
        """That answer, for whoever brings the token and names the repository and its workflow."""

        async def asked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._actions.token}":
                return _told(401, "Bad credentials")
            named = "{owner}/{repo}".format(**request.path_params)
            workflow = self._actions.workflow
            known = (str(workflow.id), Path(workflow.path).name)
            if named != workflow.repository or request.path_params.get("id", known[0]) not in known:
                return _told(404, "Not Found")
            if request.method != "GET":
                self._actions.note(f"{request.method} {request.url.path}")
            return answer(request, await request.body())

        return asked

    def _workflows(self, request: Request, _body: bytes) -> Response:
        listed = [ci_shapes.workflow(self._actions.workflow, _base(request))]
        return JSONResponse({"total_count": len(listed), "workflows": listed})

    def _workflow(self, request: Request, _body: bytes) -> Response:
        return JSONResponse(ci_shapes.workflow(self._actions.workflow, _base(request)))

    def _runs(self, request: Request, _body: bytes) -> Response:
        query = request.query_params
        found = self._actions.seen(query.get("status"), query.get("head_sha"))
        page, size = int(query.get("page", "1")), int(query.get("per_page", "30"))
        shown = found[(page - 1) * size : page * size]
        base, of = _base(request), self._actions.workflow
        runs = [ci_shapes.run(run, of, base) for run in shown]
        more = page * size < len(found)
        onward = f'<{request.url.include_query_params(page=page + 1)}>; rel="next"'
        return JSONResponse(
            {"total_count": len(found), "workflow_runs": runs}, headers={"link": onward} if more else {}
        )

    def _switch(self, request: Request, _body: bytes) -> Response:
        states = {"enable": "active", "disable": "disabled_manually"}
        order = request.path_params["order"]
        if order not in states:
            return _told(404, "Not Found")
        self._actions.workflow.state = states[order]
        return Response(status_code=204)

    def _dispatch(self, _request: Request, body: bytes) -> Response:
        ref = msgspec.json.decode(body, type=dict[str, object])["ref"]
        if self._actions.workflow.state != "active":
            return _told(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        commit = self._actions.heads.get(str(ref))
        if commit is None:
            return _told(422, f"No ref found for: {ref}")
        self._actions.begin(f"dispatched for {ref}", commit, "warroom", "workflow_dispatch")
        return Response(status_code=204)

    def _cancel(self, request: Request, _body: bytes) -> Response:
        order, number = request.path_params["order"], request.path_params["run"]
        run = next((one for one in self._actions.runs if one.id == number), None)
        if run is None or order not in ("cancel", "force-cancel"):
            return _told(404, "Not Found")
        if not self._actions.cancel(run, force=order == "force-cancel"):
            return _told(409, "Cannot cancel a workflow run that is completed.")
        return JSONResponse({}, status_code=202)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _told(status: int, message: str) -> Response:
    return JSONResponse({"message": message, "status": str(status)}, status_code=status)


def main(words: list[str]) -> NoReturn:
    """Answer on that port until told to end."""
    if len(words) != 3:
        sys.exit("usage: python -m console.drill.ci PORT TOKEN_FILE REQUESTS")
    port, token, requests = int(words[0]), Path(words[1]), Path(words[2])
    file = requests.open("ab", buffering=0)

    def note(order: str) -> None:
        file.write(msgspec.json.encode({"order": order}) + b"\n")

    actions = Actions(token.read_text(encoding="utf-8"), note)
    actions.begin("Release v1.6.1", "61" * 20, "eng-4")
    uvicorn.run(Api(actions).app, host=LOOPBACK, port=port, log_level="warning", access_log=False)
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])

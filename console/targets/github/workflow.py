"""One workflow of GitHub Actions: what state it is in, what of it runs, and what can be done about that."""

from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from console.core.ci import GithubCi
from console.core.format import plain, short
from console.core.naming import quoted
from console.targets.github.answers import CiError, Reply
from console.targets.github.api import Api, Request
from console.targets.github.limits import Limit

ACTIVE = "active"
"""The state of a workflow that a push starts."""
UNDER_WAY = ("requested", "waiting", "pending", "queued", "in_progress")
"""States of a run that has not ended, in the order in which it goes through them.

Asked for in this order, a run that goes on meanwhile is still met: in the state that is asked for next.
"""
_PAGE = {"per_page": "100"}
_T = TypeVar("_T")


class Known(Struct, frozen=True):
    """A workflow, as GitHub describes it."""

    id: int
    name: str
    path: str
    state: str
    """`active`, `disabled_manually`, `disabled_inactivity`, `disabled_fork` or `deleted`."""

    @property
    def runs_on_push(self) -> bool:
        """Whether anything starts it."""
        return self.state == ACTIVE


class _Actor(Struct, frozen=True):
    login: str


class Run(Struct, frozen=True):
    """A run of the workflow."""

    id: int
    run_number: int
    status: str | None
    head_sha: str
    event: str
    display_title: str
    html_url: str
    conclusion: str | None = None
    actor: _Actor | None = None

    @property
    def ended(self) -> bool:
        """Whether it has come to its end."""
        return self.status == "completed"

    @property
    def words(self) -> str:
        """`run 412 of eng-3 (Release v1.6.0), commit abc1234`."""
        who = f" of {self.actor.login}" if self.actor else ""
        return plain(f"run {self.run_number}{who} ({self.display_title}), commit {short(self.head_sha)}")


class _Workflows(Struct, frozen=True):
    workflows: list[Known]


class _Runs(Struct, frozen=True):
    workflow_runs: list[Run]


class Workflow:
    """The workflow that the strategy names."""

    def __init__(self, ci: GithubCi, api: Api) -> None:
        self._ci = ci
        self._api = api
        self.words = f"{ci.workflow} of {ci.repository}"

    async def find(self, limit: Limit) -> Known:
        """The workflow as it is now; CiError when there is none of that name, or several."""
        wanted = self._ci.workflow
        if wanted.isdecimal() or wanted.endswith((".yml", ".yaml")):
            name = quote(wanted, safe="")
            found = _read(await self._ask("GET", f"/workflows/{name}", "read", limit), Known)
        else:
            found = await self._named(wanted, limit)
        if found.state == "deleted":
            raise CiError(f"{self.words} was deleted: name in `ci` the workflow that deploys")
        return found

    async def _named(self, wanted: str, limit: Limit) -> Known:
        listing = Request("GET", "/workflows", f"list the workflows for {wanted}", query=_PAGE)
        pages = [_read(page, _Workflows) async for page in self._api.pages(listing, limit)]
        every = [known for page in pages for known in page.workflows]
        named = [known for known in every if known.name == wanted and known.state != "deleted"]
        if len(named) == 1:
            return named[0]
        if named:
            files = ", ".join(known.path for known in named)
            raise CiError(f"{len(named)} workflows are called {wanted}: name the file, one of {plain(files)}")
        there = ", ".join(quoted(known.name) for known in every) or "none"
        raise CiError(f"{self._ci.repository} has no workflow {wanted}; there is {plain(there)}")

    async def under_way(self, known: Known, limit: Limit) -> list[Run]:
        """Every run that has not ended, whatever branch it is of."""
        found: dict[int, Run] = {}
        for status in UNDER_WAY:
            for run in await self._runs(known, limit, status=status):
                found[run.id] = run
        return [run for run in found.values() if not run.ended]

    async def of_commit(self, known: Known, commit: str, limit: Limit) -> list[Run]:
        """Every run of that commit, ended or not, the newest first."""
        return await self._runs(known, limit, head_sha=commit)

    async def _runs(self, known: Known, limit: Limit, **query: str) -> list[Run]:
        request = Request(
            "GET", f"/workflows/{known.id}/runs", f"list the runs of {self.words}", query={**query, **_PAGE}
        )
        pages = [_read(page, _Runs) async for page in self._api.pages(request, limit)]
        return [run for page in pages for run in page.workflow_runs]

    async def disable(self, known: Known, limit: Limit) -> None:
        """Have nothing start it any more; what runs goes on."""
        await self._ask("PUT", f"/workflows/{known.id}/disable", "disable", limit)

    async def enable(self, known: Known, limit: Limit) -> None:
        """Have pushes start it again; those that came meanwhile do not."""
        await self._ask("PUT", f"/workflows/{known.id}/enable", "enable", limit)

    async def start(self, known: Known, ref: str, limit: Limit) -> None:
        """Start it for the head of a branch; CiError when its file does not allow `workflow_dispatch`."""
        await self._api.ask(self._starting(str(known.id), ref), limit)

    async def cancel(self, run: Run, limit: Limit) -> None:
        """Ask a run to end; ConflictError when it cannot be asked, as one that has just ended."""
        await self._api.ask(Request("POST", f"/runs/{run.id}/cancel", f"cancel {run.words}"), limit)

    async def force_cancel(self, run: Run, limit: Limit) -> None:
        """End a run whatever its jobs say; ConflictError as `cancel`."""
        request = Request("POST", f"/runs/{run.id}/force-cancel", f"end by force {run.words}")
        await self._api.ask(request, limit)

    def lines(self, *orders: str) -> tuple[str, ...]:
        """The exact requests of `disable`, `enable`, `cancel`, `runs`, as a plan shows them."""
        name = quote(self._ci.workflow, safe="")
        known = {
            "disable": Request("PUT", f"/workflows/{name}/disable", ""),
            "enable": Request("PUT", f"/workflows/{name}/enable", ""),
            "runs": Request("GET", f"/workflows/{name}/runs", ""),
            "cancel": Request("POST", "/runs/RUN/cancel", ""),
            "force-cancel": Request("POST", "/runs/RUN/force-cancel", ""),
        }
        return tuple(self._api.line(known[order]) for order in orders)

    def start_line(self, ref: str) -> str:
        """The exact request of `start`."""
        return self._api.line(self._starting(quote(self._ci.workflow, safe=""), ref))

    def _starting(self, name: str, ref: str) -> Request:
        body: dict[str, object] = {"ref": ref}
        if self._ci.inputs:
            body["inputs"] = dict(self._ci.inputs)
        return Request("POST", f"/workflows/{name}/dispatches", f"start {self.words} for {ref}", body=body)

    async def _ask(self, method: str, path: str, verb: str, limit: Limit) -> Reply:
        request = Request("GET" if method == "GET" else "PUT", path, f"{verb} {self.words}")
        return await self._api.ask(request, limit)


def _read(reply: Reply, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CiError(f"what answers is not GitHub's API: {plain(str(error))}; see `api` in `ci`") from None

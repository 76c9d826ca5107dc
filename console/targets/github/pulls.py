"""Pull requests of one repository: opened, found again, looked at, merged, closed; and why one is needed."""

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from console.core.format import count, plain
from console.core.pulls import GithubPulls
from console.targets.github.answers import CiError, Reply, UnclearError
from console.targets.github.api import Api, Request
from console.targets.github.limits import Limit

_T = TypeVar("_T")
_READY = ("clean", "has_hooks", "unstable")
"""States in which GitHub merges; *unstable* has checks that fail and that nobody demands."""
_WAITS = {
    "behind": "its branch to be brought up to date, which its rules ask for",
    "blocked": "a review or a check that the branch's rules ask for",
    "dirty": "a conflict to be resolved",
    "draft": "somebody to say that it is no draft",
}


class _Head(Struct, frozen=True):
    ref: str
    sha: str


class Pull(Struct, frozen=True):
    """A pull request."""

    number: int
    html_url: str
    state: str
    head: _Head
    merged: bool = False
    mergeable_state: str = "unknown"

    @property
    def words(self) -> str:
        """`pull request 7, https://...`."""
        return plain(f"pull request {self.number}, {self.html_url}")

    @property
    def is_ready(self) -> bool:
        """Whether GitHub lets it be merged."""
        return self.mergeable_state in _READY

    @property
    def waits_for(self) -> str:
        """What keeps it from being merged."""
        if self.is_ready:
            return "somebody to merge it"
        return _WAITS.get(self.mergeable_state, "GitHub to say whether it can be merged")


class _Review(Struct, frozen=True):
    state: str


class _Parameters(Struct, frozen=True):
    required_approving_review_count: int = 0


class _Rule(Struct, frozen=True):
    type: str
    parameters: _Parameters = _Parameters()


class _Reviews(Struct, frozen=True):
    required_approving_review_count: int = 0


class _Classic(Struct, frozen=True):
    required_pull_request_reviews: _Reviews | None = None
    required_status_checks: Any = None
    restrictions: Any = None


class _Branch(Struct, frozen=True):
    protected: bool


class Pulls:
    """The pull requests of the repository that the strategy names."""

    def __init__(self, settings: GithubPulls, api: Api) -> None:
        self.settings = settings
        self._api = api

    async def found(self, branch: str, base: str, limit: Limit) -> Pull | None:
        """The open one of that branch; GitHub allows no second."""
        owner = self.settings.repository.partition("/")[0]
        query = {"head": f"{owner}:{branch}", "base": base, "state": "open"}
        request = Request("GET", "/pulls", f"look for a pull request of {branch}", query=query)
        listed = _read(await self._api.ask(request, limit), list[Pull])
        return next((pull for pull in listed if pull.head.ref == branch), None)

    async def open(self, branch: str, base: str, title: str, body: str, limit: Limit) -> Pull:
        """A new one."""
        return _read(await self._api.ask(_opening(branch, base, title, body), limit), Pull)

    async def look(self, number: int, limit: Limit) -> Pull:
        """What has become of it."""
        request = Request("GET", f"/pulls/{number}", f"look at pull request {number}")
        return _read(await self._api.ask(request, limit), Pull)

    async def approvals(self, number: int, limit: Limit) -> int:
        """How many have approved it."""
        request = Request("GET", f"/pulls/{number}/reviews", f"list the reviews of pull request {number}")
        reviews = [
            one async for page in self._api.pages(request, limit) for one in _read(page, list[_Review])
        ]
        return sum(review.state == "APPROVED" for review in reviews)

    async def merge(self, number: int, head: str, limit: Limit) -> None:
        """Merge it, if its head is that commit; ConflictError where GitHub does not let it, or not yet."""
        await self._api.ask(self._merging(str(number), head), limit)

    async def close(self, number: int, limit: Limit) -> None:
        """Close it unmerged; its branch stays."""
        words = f"close pull request {number}"
        await self._api.ask(Request("PATCH", f"/pulls/{number}", words, body={"state": "closed"}), limit)

    async def protection(self, branch: str, limit: Limit) -> str:
        """What a push to the branch has to expect, in words; empty where nothing protects it."""
        name = quote(branch, safe="")
        rules = _read(await self._get(f"/rules/branches/{name}", branch, limit), list[_Rule])
        told = [words for rule in rules if (words := _rule_words(rule))]
        if _read(await self._get(f"/branches/{name}", branch, limit), _Branch).protected and not told:
            told = await self._classic(name, branch, limit)
        return f"{branch} is protected: {', '.join(dict.fromkeys(told))}" if told else ""

    async def _classic(self, name: str, branch: str, limit: Limit) -> list[str]:
        try:
            found = _read(await self._get(f"/branches/{name}/protection", branch, limit), _Classic)
        except UnclearError:
            raise
        except CiError:  # only administrators may see it; that there is some is known
            return ["by what, the token may not see"]
        return _classic_words(found)

    async def _get(self, path: str, branch: str, limit: Limit) -> Reply:
        return await self._api.ask(Request("GET", path, f"ask what protects {branch}"), limit)

    def lines(self, branch: str, base: str, title: str, body: str, head: str) -> tuple[str, ...]:
        """The exact requests that open it, and where Warroom merges, that merge it, as a plan shows them."""
        opening = self._api.line(_opening(branch, base, title, body))
        merging = self._api.line(self._merging("NUMBER", head))
        return (opening, merging) if self.settings.merged_by == "warroom" else (opening,)

    def _merging(self, number: str, head: str) -> Request:
        body = {"sha": head, "merge_method": self.settings.method}
        return Request("PUT", f"/pulls/{number}/merge", f"merge pull request {number}", body=body)


def _opening(branch: str, base: str, title: str, body: str) -> Request:
    told = {"title": title, "head": branch, "base": base, "body": body}
    return Request("POST", "/pulls", f"open a pull request of {branch}", body=told)


def _rule_words(rule: _Rule) -> str:
    """What a rule of a ruleset asks of whoever pushes; empty where it asks nothing that we do not do."""
    if rule.type == "pull_request":
        return _pull_words(rule.parameters.required_approving_review_count)
    asked = {
        "update": "updates by few alone",
        "required_status_checks": "checks that have passed",
        "required_signatures": "signed commits",
        "merge_queue": "a merge queue",
    }
    return asked.get(rule.type, "")


def _pull_words(reviews: int) -> str:
    return f"a pull request with {count(reviews, 'review')}" if reviews else "a pull request"


def _classic_words(found: _Classic) -> list[str]:
    reviews = found.required_pull_request_reviews
    words = []
    if reviews is not None:
        words.append(_pull_words(reviews.required_approving_review_count))
    if found.required_status_checks is not None:
        words.append("checks that have passed")
    if found.restrictions is not None:
        words.append("pushes by few alone")
    return words or ["against force and deletion alone"]


def _read(reply: Reply, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = f"what answers is not GitHub's API: {plain(str(error))}; see `api` in `pull_request`"
        raise CiError(words) from None

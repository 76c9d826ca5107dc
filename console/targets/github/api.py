"""GitHub's REST API: one request at a time, limited in time and bytes, retried where that does no harm.

By https://docs.github.com/en/rest: versions, rate limits, and pages by the `Link` header.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal

import httpx
import msgspec
from msgspec import Struct

from console.core.ci import GithubCi
from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.pulls import GithubPulls
from console.targets import web
from console.targets.github.answers import (
    Asked,
    CiError,
    Reply,
    UnclearError,
    judged,
    over_the_limit,
    waits_s,
)
from console.targets.github.limits import Limit
from console.targets.source import SourceError

VERSION = "2022-11-28"
"""Of the API; GitHub Enterprise Server knows it too."""
ANSWER_S = 10.0
"""How long one answer may take."""
MAX_BYTES = 16 << 20
"""Of one answer; a page of a hundred runs takes about two million."""
MAX_PAGES = 10
"""GitHub lists a thousand runs at most, a hundred a page."""
PAUSES_S = (0.5, 1.0, 2.0)
"""Before a question is asked again that got no answer."""

Method = Literal["GET", "PUT", "POST", "PATCH"]


class Request(Struct, frozen=True):
    """Something that is asked of the API."""

    method: Method
    path: str
    words: str
    """`disable Deploy`."""
    query: Mapping[str, str] = {}
    body: Mapping[str, object] | None = None


class Part(Struct, frozen=True):
    """A part of the API that one block of the strategy is about."""

    path: str
    """What the paths of its requests are below, in the repository."""
    block: str
    """The name of the block."""
    permission: str
    """What a token needs for it, as GitHub calls that."""


ACTIONS = Part("/actions", "ci", "Actions")
PULLS = Part("", "pull_request", "Pull requests")


class Api:
    """The API of one repository, asked with one token."""

    def __init__(
        self,
        settings: GithubCi | GithubPulls,
        secret: Callable[[str], str],
        client: httpx.AsyncClient,
        clock: Clock,
        part: Part = ACTIONS,
    ) -> None:
        """`secret` resolves the token's reference at every request, since it may have been rotated."""
        self._settings = settings
        self._part = part
        self._secret = secret
        self._client = client
        self._clock = clock
        self._base = f"{settings.api.rstrip('/')}/repos/{settings.repository}{part.path}"

    def line(self, request: Request) -> str:
        """The exact request, as a plan shows it."""
        body = f" {msgspec.json.encode(request.body).decode()}" if request.body is not None else ""
        return f"{request.method} {httpx.URL(self._base + request.path, params=request.query)}{body}"

    async def ask(self, request: Request, limit: Limit) -> Reply:
        """The good answer to a request; CiError with what to do when there is none.

        A question is asked again where nobody answered, or a server in trouble did. An order is not: whether
        it was carried out must be looked at.
        """
        return await self._asked(request, self._url(request), limit)

    async def pages(self, request: Request, limit: Limit) -> AsyncIterator[Reply]:
        """The answers to a question, page by page; no page of another host is asked for."""
        url: httpx.URL | None = self._url(request)
        for _ in range(MAX_PAGES):
            if url is None:
                return
            reply = await self._asked(request, url, limit)
            yield reply
            url = self._next(reply, url)

    def _url(self, request: Request) -> httpx.URL:
        return httpx.URL(self._base + request.path).copy_merge_params(request.query)

    def _next(self, reply: Reply, here: httpx.URL) -> httpx.URL | None:
        """Where the next page is, by the Link header."""
        links = httpx.Response(200, headers={"link": reply.headers.get("link", "")}).links
        if "next" not in links:
            return None
        there = here.join(links["next"]["url"])
        if not web.same_host(here, there):
            raise CiError(f"GitHub names {there.host} for the next page, which is not {here.host}: not asked")
        return there

    async def _asked(self, request: Request, url: httpx.URL, limit: Limit) -> Reply:
        for pause in PAUSES_S:
            try:
                return await self._in_its_rate(request, url, limit)
            except UnclearError:
                if request.method != "GET" or pause >= limit.left_s:
                    raise
                await self._clock.sleep(pause)
        return await self._in_its_rate(request, url, limit)

    async def _in_its_rate(self, request: Request, url: httpx.URL, limit: Limit) -> Reply:
        """The answer, once the rate limit lets us ask: what it refused was not carried out."""
        asked = Asked(
            request.method,
            request.words,
            self._settings.repository,
            self._settings.token,
            self._part.block,
            self._part.permission,
        )
        while True:
            reply = await self._redirected(request, url, limit)
            now = self._clock.now()
            wait_s = waits_s(reply, now)
            if wait_s is None:
                return judged(reply, asked)
            if wait_s >= limit.left_s:
                raise over_the_limit(wait_s, limit.left_s, now)
            await self._clock.sleep(wait_s)

    async def _redirected(self, request: Request, url: httpx.URL, limit: Limit) -> Reply:
        """The answer at `url`, or for a question where the same host sends us from there."""
        for _ in range(web.MAX_REDIRECTS + 1):
            reply = await self._once(request, url, limit)
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            there = url.join(reply.headers.get("location", ""))
            if request.method != "GET" or not web.same_host(url, there):
                raise CiError(
                    f"asked to {request.words}, GitHub sends us to {web.place(there)}, which is not followed:"
                    " the repository has another name now, write that into"
                    f" `{self._part.block}`"
                )
            url = there
        raise CiError(f"asked to {request.words}, GitHub sends us on more than {web.MAX_REDIRECTS} times")

    async def _once(self, request: Request, url: httpx.URL, limit: Limit) -> Reply:
        answer_s = min(ANSWER_S, limit.left_s)
        if answer_s <= 0:
            raise CiError(f"no time is left to {request.words}")
        headers = self._headers()
        try:
            async with (
                asyncio.timeout(answer_s),
                self._client.stream(
                    request.method, url, headers=headers, timeout=None, **_content(request)
                ) as response,
            ):
                body = await web.body_of(response, MAX_BYTES)
                return Reply(response.status_code, dict(response.headers), body)
        except (TimeoutError, httpx.TimeoutException):
            words = f"no whole answer within {answer_s:.0f} s"
        except httpx.HTTPError as error:
            words = web.reason_of(error)
        except SourceError as error:
            words = str(error)
        unknown = "" if request.method == "GET" else "; whether it was done must be looked at"
        raise UnclearError(f"{web.place(url)}: asked to {request.words}: {words}{unknown}")

    def _headers(self) -> dict[str, str]:
        try:
            token = self._secret(self._settings.token)
        except StatedError as error:
            raise CiError(f"GitHub's token: {error}") from error
        if not token.isascii() or not token.isprintable() or " " in token:
            raise CiError(f"{self._settings.token} holds no token: one is printable ASCII without spaces")
        return {
            "accept": "application/vnd.github+json",
            "accept-encoding": "identity",
            "authorization": f"Bearer {token}",
            "x-github-api-version": VERSION,
        }


def _content(request: Request) -> dict[str, Any]:
    return {} if request.body is None else {"json": request.body}

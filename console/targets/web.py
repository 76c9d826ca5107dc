"""One GET, bounded in time, bytes and hosts: what scraping and health probes have in common."""

import asyncio
import os
import socket
import ssl

import httpx
from msgspec import Struct

from console.core.naming import quoted
from console.targets.source import CannotAskError, SourceError

MAX_REDIRECTS = 3
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Answer(Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes


def new_client() -> httpx.AsyncClient:
    """The client that asks sources: a new connection for each question, never a proxy for loopback.

    A kept connection would go on talking to an instance that is being replaced, and would hide that no
    new connection can be made. The caller closes it.
    """
    return httpx.AsyncClient(
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"user-agent": "warroom"},
        mounts={"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None},
    )


async def get(
    client: httpx.AsyncClient, url: str, *, limit_s: float, max_bytes: int, accept: str = "*/*"
) -> Answer:
    """The answer to one GET, whatever its status, whole within `limit_s` seconds and `max_bytes`.

    Raises SourceError when there is none, CannotAskError when the address itself cannot be asked.
    """
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CannotAskError(f"not an address to ask: {error}") from None
    try:
        async with asyncio.timeout(limit_s):
            return await _follow(client, asked, max_bytes, accept)
    except (TimeoutError, httpx.TimeoutException):
        raise SourceError(f"{place(asked)}: no whole answer within {limit_s:g} s") from None
    except httpx.UnsupportedProtocol as error:
        raise CannotAskError(f"{place(asked)}: {error}") from None
    except httpx.HTTPError as error:
        raise SourceError(f"{place(asked)}: {_reason(error)}") from None


def place(url: httpx.URL) -> str:
    """The address without what may be secret in it: no user, no password, no query."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))


async def _follow(client: httpx.AsyncClient, url: httpx.URL, max_bytes: int, accept: str) -> Answer:
    """The answer at `url`, or where the same host sends us from there."""
    headers = {"accept": accept, "accept-encoding": "identity"}
    for _ in range(MAX_REDIRECTS + 1):
        async with client.stream("GET", url, headers=headers, timeout=None) as response:
            onward = response.next_request
            if onward is None:
                return Answer(response.status_code, await _body(response, max_bytes))
            if not _same_host(url, onward.url):
                raise SourceError(
                    f"{place(url)}: redirects to {quoted(onward.url.host)}, which is not followed: "
                    "name the final address in the strategy"
                )
            url = onward.url
    raise SourceError(f"{place(url)}: redirected more than {MAX_REDIRECTS} times")


def _same_host(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether a redirect stays at home: the same origin, or the same host from http to https."""
    if here.host != there.host:
        return False
    ports = tuple(url.port or _DEFAULT_PORTS.get(url.scheme) for url in (here, there))
    upgrade = (here.scheme, there.scheme) == ("http", "https") and ports == (80, 443)
    return upgrade or (here.scheme == there.scheme and ports[0] == ports[1])


async def _body(response: httpx.Response, max_bytes: int) -> bytes:
    """The raw bytes; compressed ones are refused, because a small answer could become a huge one."""
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise SourceError(f"{place(response.url)}: answers in {quoted(encoding)} although asked not to")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise SourceError(f"{place(response.url)}: answers more than {max_bytes} bytes")
    return bytes(body)


def _reason(error: httpx.HTTPError) -> str:
    """The cause in the system's own words where there is one; httpx says only that all attempts failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, socket.gaierror):
            return f"the host's name cannot be resolved ({cause.strerror})"
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return os.strerror(cause.errno).lower()
        cause = cause.__cause__ or cause.__context__
    return " ".join(str(error).split()) or type(error).__name__

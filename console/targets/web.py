"""One GET, bounded in time, bytes and hosts: what scraping and health probes have in common."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from msgspec import Struct
from msgspec.structs import replace

from console.core.naming import quoted
from console.targets.source import CannotAskError, SourceError, UnreachedError

MAX_REDIRECTS = 3
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Answer(Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes
    took_s: float = 0.0
    """From the question to the last byte."""
    certified_until: int | None = None
    """When the certificate of whoever answered expires, seconds since 1970; None without one."""


class ExpiredError(UnreachedError):
    """The certificate of whoever answered has expired."""


_EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""


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
    client: httpx.AsyncClient,
    url: str,
    *,
    limit_s: float,
    max_bytes: int,
    accept: str = "*/*",
    token: str | None = None,
) -> Answer:
    """The answer to one GET, whatever its status, whole within `limit_s` seconds and `max_bytes`.

    `token` goes with it as a bearer token, which no other host is sent; it is printable ASCII without spaces.
    Raises SourceError when there is none: UnreachedError when the question did not get there (ExpiredError
    because of a certificate that is too old), CannotAskError when the address itself cannot be asked.
    """
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CannotAskError(f"not an address to ask: {error}") from None
    way = _Way(asked)
    try:
        began = time.monotonic()
        async with asyncio.timeout(limit_s):
            answer = await _follow(client, asked, max_bytes, _headers(accept, token), way)
        return replace(answer, took_s=time.monotonic() - began)
    except (TimeoutError, httpx.TimeoutException):
        kind = SourceError if way.arrived else UnreachedError
        raise kind(f"{place(asked)}: no whole answer within {limit_s:g} s") from None
    except httpx.UnsupportedProtocol as error:
        raise CannotAskError(f"{place(asked)}: {error}") from None
    except httpx.HTTPError as error:
        kind = SourceError if way.answered_by(error) else ExpiredError if _expired(error) else UnreachedError
        raise kind(f"{place(asked)}: {reason_of(error)}") from None


def place(url: httpx.URL) -> str:
    """The address without what may be secret in it: no user, no password, no query."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))


class _Way:
    """How far a question got, as the transport tells it while it is under way."""

    def __init__(self, url: httpx.URL) -> None:
        self._host = url.raw_host.decode("ascii")
        self._direct = False
        """Whether the host itself is asked; else a proxy, of which nothing follows for the host."""
        self.arrived = False
        """Whether the host has taken a connection."""

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """One event of httpcore's `trace`."""
        if event == "connection.connect_tcp.started":
            self._direct = info["host"] == self._host
        elif event == "connection.connect_tcp.complete":
            self.arrived = self._direct

    def answered_by(self, error: httpx.HTTPError) -> bool:
        """Whether the error is the host's doing: it refused us, or broke off after it had taken us.

        One whose certificate cannot be verified may be anybody.
        """
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return False
        return self.arrived or (self._direct and any(isinstance(c, ConnectionRefusedError) for c in causes))


def _headers(accept: str, token: str | None) -> dict[str, str]:
    headers = {"accept": accept, "accept-encoding": "identity"}
    return headers if token is None else {**headers, "authorization": f"Bearer {token}"}


async def _follow(
    client: httpx.AsyncClient, url: httpx.URL, max_bytes: int, headers: Mapping[str, str], way: _Way
) -> Answer:
    """The answer at `url`, or where the same host sends us from there."""
    told = {"trace": way}
    for _ in range(MAX_REDIRECTS + 1):
        async with client.stream("GET", url, headers=headers, timeout=None, extensions=told) as response:
            onward = response.next_request
            if onward is None:
                until = _certified_until(response)
                return Answer(response.status_code, await body_of(response, max_bytes), certified_until=until)
            if not same_host(url, onward.url):
                raise SourceError(
                    f"{place(url)}: redirects to {quoted(onward.url.host)}, which is not followed: "
                    "name the final address in the strategy"
                )
            url = onward.url
    raise SourceError(f"{place(url)}: redirected more than {MAX_REDIRECTS} times")


def _certified_until(response: httpx.Response) -> int | None:
    """When the certificate of the connection expires, if it has one that was verified."""
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    shown = tls.getpeercert() if tls is not None else None
    return int(ssl.cert_time_to_seconds(shown["notAfter"])) if shown else None


def same_host(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether a redirect stays at home: the same origin, or the same host from http to https."""
    if here.host != there.host:
        return False
    ports = tuple(url.port or _DEFAULT_PORTS.get(url.scheme) for url in (here, there))
    upgrade = (here.scheme, there.scheme) == ("http", "https") and ports == (80, 443)
    return upgrade or (here.scheme == there.scheme and ports[0] == ports[1])


async def body_of(response: httpx.Response, max_bytes: int) -> bytes:
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


def _expired(error: httpx.HTTPError) -> bool:
    """Whether the certificate is as it must be, but for its end."""
    found = (cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    return any(cause.verify_code == _EXPIRED for cause in found)


def reason_of(error: httpx.HTTPError) -> str:
    """The cause in the system's own words where there is one; httpx says only that all attempts failed."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"the host's name cannot be resolved ({cause.strerror})"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate cannot be verified ({cause.verify_message})"
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return os.strerror(cause.errno).lower()
    return " ".join(str(error).split()) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and whatever led to it, also where several attempts failed."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__

"""Where a Docker engine is, as its own command line would find it, and a plain connection to it."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from docker.context import ContextAPI
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env, parse_host
from msgspec import Struct

from console.core.errors import StatedError
from console.targets.docker.line import Line, TlsLine

_DEFAULT = "unix:///var/run/docker.sock"


class DockerError(StatedError):
    """The engine could not be asked, or refused; one line that names the engine."""


class Endpoint(Struct, frozen=True):
    """An engine's address and, where it wants that, how to know and be known."""

    url: str
    """As people write it: `unix:///var/run/docker.sock`, `tcp://10.0.0.7:2376`."""
    tls: TLSConfig | None

    @property
    def words(self) -> str:
        """As errors call it."""
        return f"the Docker engine at {self.url}"

    @property
    def machine(self) -> str | None:
        """The machine that it runs on, by name or address; None when that is this one."""
        name = urlsplit(self._plain).hostname
        return None if name in {None, "localhost", "127.0.0.1", "::1"} else name

    async def connect(self, limit_s: float) -> Line:
        """A connection of its own; OSError when there is none to be had within `limit_s` seconds."""
        url = urlsplit(self._plain)
        async with asyncio.timeout(limit_s):
            if url.scheme == "http+unix":
                return Line(await _connected(socket.AF_UNIX, url.path))
            host, port = url.hostname or "", url.port or 0
            connected = await _to_any(host, port)
            return Line(connected) if self.tls is None else await _secured(connected, self.tls, host)

    @property
    def _plain(self) -> str:
        return str(parse_host(self.url, tls=self.tls is not None))


def find(environment: Mapping[str, str], url: str | None) -> Endpoint:
    """The engine at `url`, else the one that `docker` would ask in that environment.

    That is DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, else the context named by
    DOCKER_CONTEXT or chosen in `~/.docker/config.json`. DockerError when it cannot be understood.
    """
    try:
        told = _told(environment, url)
        where = url or str(told.get("base_url") or _DEFAULT)
        scheme = urlsplit(parse_host(where, tls="tls" in told)).scheme
    except (DockerException, ValueError, OSError) as error:
        raise DockerError(f"DOCKER_HOST or the Docker context cannot be used: {error}") from None
    if scheme == "ssh":
        raise DockerError(
            f"the Docker engine at {where} cannot be asked through ssh by itself: forward its socket with"
            " `ssh -NL /path/of/socket:/var/run/docker.sock HOST`, and set DOCKER_HOST to unix:///path/of/socket"
        )
    return Endpoint(where, told.get("tls"))


def _told(environment: Mapping[str, str], url: str | None) -> dict[str, Any]:
    """`base_url` and `tls`, as far as the environment says them."""
    told = dict(kwargs_from_env(environment=environment))
    if url is not None or "base_url" in told:
        return told
    context = environment.get("DOCKER_CONTEXT")
    if context and ContextAPI.get_context(context) is None:
        raise ValueError(f"there is no context {context}")  # not the local engine instead
    return {**ContextAPI.kwargs_from_context(environment=environment), **told}


async def _connected(family: int, address: Any) -> socket.socket:
    connecting = socket.socket(family, socket.SOCK_STREAM)
    connecting.settimeout(0)
    try:
        await asyncio.get_running_loop().sock_connect(connecting, address)
    except BaseException:
        connecting.close()
        raise
    return connecting


async def _to_any(host: str, port: int) -> socket.socket:
    """A connection to the first address of a host that takes one."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, _, _, _, address in found[:-1]:
        with suppress(OSError):  # the last one's error is raised
            return await _connected(family, address)
    return await _connected(found[-1][0], found[-1][4])


async def _secured(connected: socket.socket, tls: TLSConfig, name: str) -> Line:
    try:
        line = TlsLine(connected, _context(tls), name)
        await line.shake_hands()
    except BaseException:
        connected.close()
        raise
    return line


def _context(tls: TLSConfig) -> ssl.SSLContext:
    """The SDK's TLS settings, as asyncio takes them."""
    context = ssl.create_default_context(cafile=tls.ca_cert or None)
    if tls.cert:
        context.load_cert_chain(*tls.cert)
    if not tls.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context

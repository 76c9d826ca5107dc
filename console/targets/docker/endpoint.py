"""Where a Docker engine is, as its own command line would find it, and a plain connection to it."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from urllib.parse import urlsplit

from docker.context import ContextAPI
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env, parse_host
from msgspec import Struct

from console.core.errors import StatedError
from console.targets.process import CHUNK

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

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """A connection of its own; OSError when there is none to be had."""
        url = urlsplit(self._plain)
        if url.scheme == "http+unix":
            return await asyncio.open_unix_connection(url.path, limit=CHUNK)
        context = None if self.tls is None else _context(self.tls)
        return await asyncio.open_connection(url.hostname, url.port, ssl=context, limit=CHUNK)

    @property
    def _plain(self) -> str:
        return str(parse_host(self.url, tls=self.tls is not None))


def find(environment: Mapping[str, str], url: str | None) -> Endpoint:
    """The engine at `url`, else the one that `docker` would ask in that environment.

    That is DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, else the context named by
    DOCKER_CONTEXT or chosen in `~/.docker/config.json`. DockerError when it cannot be understood.
    """
    try:
        told = kwargs_from_env(environment=environment)
        if url is None and "base_url" not in told:
            told = {**ContextAPI.kwargs_from_context(environment=environment), **told}
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


def _context(tls: TLSConfig) -> ssl.SSLContext:
    """The SDK's TLS settings, as asyncio takes them."""
    context = ssl.create_default_context(cafile=tls.ca_cert or None)
    if tls.cert:
        context.load_cert_chain(*tls.cert)
    if not tls.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context

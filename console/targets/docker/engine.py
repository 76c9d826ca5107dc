"""One Docker engine: asked through its SDK, a client and a thread for each question, in limited time."""

import asyncio
import json
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, TypeVar

import requests
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound

from console.targets.docker.endpoint import DockerError, Endpoint, find
from console.targets.process import CHUNK

Answer = TypeVar("Answer")
Facts = dict[str, Any]
"""What the engine says of a thing, as its API documents it."""

CALL_S = 10.0
"""Seconds that a question to the engine may take."""
_UPGRADED = 101


class NotThereError(DockerError):
    """The engine is there, and has no such container or image."""


class ContainerError(DockerError):
    """A container is not there or does not run; the message names those that do."""


class Docker:
    """One engine. Nothing is connected before it is asked, and nothing stays connected in between.

    The SDK's clients must not be shared by threads; one costs a tenth of a millisecond, so that each
    call has its own.
    """

    def __init__(self, url: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        """The engine at `url`, else the one that `docker` would ask in that environment, or in ours."""
        self._url = url
        self._environment = os.environ if environment is None else environment
        self._endpoint: Endpoint | None = None
        self._version: str | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it is; DockerError when what is said of that cannot be used."""
        if self._endpoint is None:
            self._endpoint = find(self._environment, self._url)
        return self._endpoint

    @property
    def words(self) -> str:
        """As errors call it."""
        return self.endpoint.words

    async def call(self, ask: Callable[[APIClient], Answer], *, limit_s: float = CALL_S) -> Answer:
        """What `ask` answers, called in a thread with a client of its own.

        Raises DockerError when the engine is not there, refuses, or says nothing for `limit_s` seconds;
        NotThereError when it has no such thing.
        """
        endpoint = self.endpoint
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.to_thread(self._call, endpoint, ask, limit_s)
        except (TimeoutError, requests.Timeout):
            raise DockerError(f"{endpoint.words}: no answer within {limit_s:g} s") from None
        except NotFound as error:
            raise NotThereError(f"{endpoint.words}: {_one_line(error.explanation)}") from None
        except APIError as error:
            raise DockerError(f"{endpoint.words} refused: {_one_line(error.explanation)}") from None
        except (DockerException, requests.RequestException, OSError) as error:
            raise self._not_there(error) from None

    def _call(self, endpoint: Endpoint, ask: Callable[[APIClient], Answer], limit_s: float) -> Answer:
        tls = endpoint.tls or False
        client = APIClient(endpoint.url, self._version, timeout=max(1, round(limit_s)), tls=tls)
        with closing(client) as api:
            self._version = api.api_version
            return ask(api)

    async def container(self, name: str) -> Facts:
        """What the engine says of a container; ContainerError when it is not there or does not run."""
        try:
            facts: Facts = await self.call(lambda api: api.inspect_container(name))
        except NotThereError:
            raise ContainerError(f"{self.words} has no container {name}: {await self._running()}") from None
        state = facts["State"]["Status"]
        if state != "running":
            raise ContainerError(f"container {name} is {state}, not running: {await self._running()}")
        return facts

    async def _running(self) -> str:
        """Those that run, in words."""
        found = await self.call(lambda api: api.containers())
        names = sorted(one["Names"][0].removeprefix("/") for one in found)
        return f"{', '.join(names)} {'runs' if len(names) == 1 else 'run'}" if names else "none runs"

    async def upgrade(self, path: str, body: Facts) -> tuple[StreamReader, StreamWriter]:
        """A connection that the engine turns into a stream of bytes after a POST; close its writer.

        The SDK would hand out the socket from under its own reader, and lose with it what the engine
        sent together with its headers.
        """
        if self._version is None:
            await self.call(lambda api: api.ping())
        try:
            reader, writer = await self.endpoint.connect()
        except OSError as error:
            raise self._not_there(error) from None
        try:
            writer.write(_request(f"/v{self._version}{path}", json.dumps(body).encode()))
            await self._upgraded(reader)
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _upgraded(self, reader: StreamReader) -> None:
        """Return when the engine's headers have been read and say that it does."""
        try:
            status = int((await reader.readuntil(b"\r\n\r\n")).split(None, 2)[1])
            said = b"" if status == _UPGRADED else await reader.read(CHUNK)
        except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError):
            raise DockerError(f"{self.words} ended a connection without an answer") from None
        if status != _UPGRADED:
            raise DockerError(f"{self.words} refused: {_one_line(said.decode(errors='replace'))}")

    def _not_there(self, error: BaseException) -> DockerError:
        """The error in one line, with what to do."""
        words = _one_line(_cause(error))
        return DockerError(f"{self.words} cannot be asked: {words}; start it, or set DOCKER_HOST")


def _request(path: str, body: bytes) -> bytes:
    """An HTTP request whose connection is to become a stream."""
    head = (
        f"POST {path} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        "Upgrade: tcp",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


def _cause(error: BaseException) -> str:
    """What the system said, from under the layers of the SDK."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    inner = error.__cause__ or error.__context__
    return str(error) if inner is None else _cause(inner)


def _one_line(words: object) -> str:
    """The engine's words in one line; out of their JSON, where they come in one."""
    text = str(words)
    try:
        text = str(json.loads(text)["message"])
    except (ValueError, TypeError, KeyError):
        text = str(words)  # they came as plain words
    return " ".join(text.split())

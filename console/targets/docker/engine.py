"""One Docker engine: asked through its SDK, a client and a thread for each question, in limited time."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any, TypeVar

import requests
from docker import APIClient
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import APIError, DockerException, NotFound

from console.targets.docker import wire
from console.targets.docker.endpoint import DockerError, Endpoint, find
from console.targets.docker.line import CutError, Line

Answer = TypeVar("Answer")
Facts = dict[str, Any]
"""What the engine says of a thing, as its API documents it."""

CALL_S = 10.0
"""Seconds that a question to the engine may take."""


class NotThereError(DockerError):
    """The engine is there, and has no such container or image."""


class ContainerError(DockerError):
    """A container is not there or does not run; the message names those that do."""


class GoneError(ContainerError):
    """A container is not there, or has ended: nothing runs in it."""


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
                # What is wrong with the way there is told by a plain connection, not by the SDK.
                (await endpoint.connect(limit_s)).close()
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
        if self._version is None:
            with closing(_client(endpoint, MINIMUM_DOCKER_API_VERSION, limit_s)) as api:
                self._version = str(api.version(api_version=False)["ApiVersion"])
        with closing(_client(endpoint, self._version, limit_s)) as api:
            return ask(api)

    async def container(self, name: str) -> Facts:
        """What the engine says of a container; ContainerError when it is not there or does not run."""
        try:
            facts: Facts = await self.call(lambda api: api.inspect_container(name))
        except NotThereError:
            raise GoneError(f"{self.words} has no container {name}: {await self._running()}") from None
        state = facts["State"]["Status"]
        if state != "running":
            kind = ContainerError if state == "paused" else GoneError
            raise kind(f"container {name} is {state}, not running: {await self._running()}")
        return facts

    async def _running(self) -> str:
        """Those that run, in words."""
        found = await self.call(lambda api: api.containers())
        names = sorted(one["Names"][0].removeprefix("/") for one in found)
        return f"{', '.join(names)} {'runs' if len(names) == 1 else 'run'}" if names else "none runs"

    @asynccontextmanager
    async def upgrade(self, path: str, body: Facts) -> AsyncIterator[Line]:
        """A connection that a POST turns into a stream of bytes both ways; cut at the end."""
        async with self._line() as line:
            await wire.post(line, f"/v{self._version}{path}", body)
            yield line

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """A long answer piece by piece; DockerError when it ends before its end. Use with `aclosing`."""
        async with self._line() as line:
            async for piece in wire.get(line, f"/v{self._version}{path}"):
                yield piece

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        """A connection of its own; what goes wrong with it is a DockerError."""
        if self._version is None:
            await self.call(lambda api: api.ping())
        try:
            line = await self.endpoint.connect(CALL_S)
        except OSError as error:
            raise self._not_there(error) from None
        try:
            yield line
        except wire.RefusedError as error:
            raise DockerError(f"{self.words} refused: {_one_line(error)}") from None
        except CutError:
            raise DockerError(f"{self.words} cut the connection: it was ended, or the way to it") from None
        finally:
            line.close()

    def _not_there(self, error: BaseException) -> DockerError:
        """The error in one line, with what to do."""
        words = _one_line(_cause(error))
        return DockerError(f"{self.words} cannot be asked: {words}; start it, or set DOCKER_HOST")


def _client(endpoint: Endpoint, version: str, limit_s: float) -> APIClient:
    client = APIClient(endpoint.url, version, timeout=max(1, round(limit_s)), tls=endpoint.tls or False)
    # Otherwise REQUESTS_CA_BUNDLE would be believed instead of the engine's own authority.
    client.trust_env = False
    return client


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

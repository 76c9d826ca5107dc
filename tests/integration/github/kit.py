"""GitHub over a real socket: the drill's stand-in, held to the published description, and misbehaving."""

import asyncio
import re
import socket
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from console.config.secrets import Secrets
from console.core import events as ev
from console.core.ci import GithubCi
from console.core.clock import Stamp
from console.core.state import Freeze
from console.drill.ci import REPOSITORY, Actions, Api
from console.store.clock import SystemClock
from console.targets.ci import Ci
from console.targets.github.api import Api as Client
from console.targets.github.workflow import Workflow
from tests.integration.actions.kit import NOW, Said
from tests.integration.github import published

TOKEN = "ghs_canary7Q0vN2"  # noqa: S105 - of the stand-in
COMMIT = "61" * 20
_Message = MutableMapping[str, Any]


@dataclass
class Answer:
    """An answer that GitHub gives instead of the one that it would have given."""

    status: int
    message: str = "as the test wants it"
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    """Whether what was asked is done all the same."""
    adds: bool = False
    """Whether it is GitHub's own answer, with these headers beside its own."""
    hangs: bool = False
    """Whether nothing is ever said."""


class GitHub:
    """A server whose every request and answer is judged; `wrong` is what the description had against them."""

    def __init__(self, app: ASGIApp | None = None) -> None:
        self.orders: list[str] = []
        self.actions = Actions(TOKEN, self.orders.append)
        self._app = app or Api(self.actions).app
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.next: list[tuple[str, Answer]] = []
        """What the next requests that match get instead, each once."""
        self.heard: Callable[[str], None] = lambda _: None
        """Told of each request, before it is answered."""
        self.url = ""
        self.judges = True
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> "GitHub":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        async with asyncio.timeout(30):
            while not self._server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        return self

    async def stop(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = self._server.force_exit = True
            await self._serving
            self._server = None

    async def __call__(self, scope: _Message, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        line = f"{scope['method']} {scope['path']}"
        self.asked.append(f"{line}?{scope['query_string'].decode()}".rstrip("?"))
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.wrong += published.wrong_request(
            scope["method"], scope["path"], scope["query_string"].decode(), headers, body
        )
        self.heard(line)
        instead = self._instead(line)
        if instead is not None and instead.hangs:
            await receive()
            return
        status, answered, told = await self._answered(scope, body, instead)
        self.wrong += published.wrong_answer(scope["method"], scope["path"], status, answered)
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(k.encode(), v.encode()) for k, v in told.items()]})
        await send({"type": "http.response.body", "body": answered})

    def _instead(self, line: str) -> Answer | None:
        for number, (pattern, answer) in enumerate(self.next):
            if re.search(pattern, line):
                del self.next[number]
                return answer
        return None

    async def _answered(
        self, scope: _Message, body: bytes, instead: Answer | None
    ) -> tuple[int, bytes, dict[str, str]]:
        if instead is None or instead.after or instead.adds:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self.url) as client:
                answer = await client.request(
                    scope["method"],
                    f"{scope['path']}?{scope['query_string'].decode()}",
                    headers={k.decode(): v.decode() for k, v in scope["headers"] if k != b"content-length"},
                    content=body,
                )
            if instead is None or instead.adds:
                more = instead.headers if instead else {}
                return answer.status_code, answer.content, {**answer.headers, **more}
        refused = httpx.Response(instead.status, json={"message": instead.message})
        return instead.status, refused.content, instead.headers


class Hurried(SystemClock):
    """A clock that is moved on where somebody waits; remembers what was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def now(self) -> Stamp:
        at, moved_us = super().now(), round(sum(self.waits) * 1e6)
        return Stamp(at.utc_us + moved_us, at.boot_id, at.boot_us + moved_us)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await super().sleep(0)


class Remembering(Said):
    """The report of a step under way, with a memory of what is frozen, as the engine's journal has it."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen: dict[str, Freeze] = {}
        self.events: list[ev.Body] = []

    def remember(self, event: ev.Body) -> None:
        self.events.append(event)
        if isinstance(event, ev.CiUnfrozen):
            self.frozen.clear()
            return
        assert isinstance(event, ev.CiFrozen)
        freeze = Freeze(event.repository, event.workflow, event.before, "INC-7QK2", NOW)
        self.frozen.setdefault(f"{event.repository} {event.workflow}", freeze)


def settings(url: str, **changes: Any) -> GithubCi:
    """The block of the strategy."""
    told = {
        "kind": "github",
        "api": url,
        "repository": REPOSITORY,
        "workflow": "Deploy",
        "token": "env:CI_TOKEN",
        "every": "2s",
        "cancel_after": "30s",
    }
    return GithubCi.model_validate({**told, **changes})


class Desk:
    """Everything that asks GitHub, as the engine puts it together."""

    def __init__(self, url: str, client: httpx.AsyncClient, token: str = TOKEN, **changes: Any) -> None:
        self.settings = settings(url, **changes)
        self.clock = Hurried()
        self.secrets = Secrets({"CI_TOKEN": token}, Path())
        api = Client(self.settings, self.secrets.resolve, client, self.clock)
        self.workflow = Workflow(self.settings, api)
        self.said = Remembering()
        self.ci = Ci(self.settings, self.workflow, lambda: self.said.frozen)

"""A real HTTP server on a loopback port, whose answers a test sets while it runs."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]


class LocalWeb:
    """Serves `answers` by path from a thread of its own; it can be stopped and started on the same port."""

    def __init__(self) -> None:
        self.answers: dict[str, Handler] = {}
        self.seen: list[Request] = []
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self._port}{path}"

    def text(self, path: str, body: str | bytes, status: int = 200, **headers: str) -> None:
        """Answer with this, and the headers with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_: Request) -> Response:
            return PlainTextResponse(body, status, named)

        self.answers[path] = answer

    def hang(self, path: str) -> None:
        """Never answer."""

        async def answer(_: Request) -> Response:
            await asyncio.Event().wait()
            raise AssertionError

        self.answers[path] = answer

    def start(self) -> None:
        """Listen, on the same port as before if there was one; nothing when it does already."""
        if self._server:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen()
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=[Route("/{path:path}", self._answer)]),
            log_level="critical",
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more; connections under way are cut."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    async def _answer(self, request: Request) -> Response:
        self.seen.append(request)
        return await self.answers[request.url.path](request)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

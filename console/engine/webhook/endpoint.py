"""The one address of the webhook: who may speak there, how much, and what is answered."""

import asyncio
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from console.core.alerts import MessageError, Told, read
from console.engine.webhook.proof import Proof

PATH = "/alerts"
MOST_BYTES = 1 << 20
"""Of a message: some hundreds of alerts."""
BODY_S = 5.0
"""How long a message may take to come."""


class Endpoint:
    """Takes a message, and hands on what it tells."""

    def __init__(
        self, proof: Proof, hear: Callable[[Sequence[Told]], int], refused: Callable[[str], None]
    ) -> None:
        """`hear` takes what was told and says how much of it was news, `refused` why something was not."""
        self._proof = proof
        self._hear = hear
        self._refused = refused

    def app(self) -> Starlette:
        """One path, one method, and nobody is sent elsewhere."""
        made = Starlette(routes=[Route(PATH, self._receive, methods=["POST"])])
        made.router.redirect_slashes = False
        return made

    async def _receive(self, request: Request) -> Response:
        try:
            body = await self._body(request)
            told = read(body)
        except _RefusedError as error:
            self._refused(error.words)
            return error.answer()
        except MessageError as error:
            self._refused(str(error))
            return PlainTextResponse(f"{error}\n", 400)
        except ClientDisconnect:
            self._refused("cut off in the middle")
            return PlainTextResponse("cut off\n", 400)
        return JSONResponse({"alerts": len(told), "news": self._hear(told)})

    async def _body(self, request: Request) -> bytes:
        """The whole body, once it is known that whoever sent it may; nothing of it is read before."""
        if why := self._proof.of_headers(request.headers):
            raise _RefusedError(401, why)
        _refuse_other_kinds(request)
        try:
            async with asyncio.timeout(BODY_S):
                body = await _read(request)
        except TimeoutError:
            raise _RefusedError(408, f"not whole within {BODY_S:g} s") from None
        if why := self._proof.of_body(request.headers, body):
            raise _RefusedError(401, why)
        return body


class _RefusedError(Exception):
    """A message that is not taken."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words

    def answer(self) -> Response:
        """Who does not know the secret is not told how near they came."""
        if self.status == 401:
            return PlainTextResponse("not authorised\n", 401, {"www-authenticate": "Bearer"})
        return PlainTextResponse(f"{self.words}\n", self.status)


def _refuse_other_kinds(request: Request) -> None:
    """JSON as it is: something small must not become something huge here."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _RefusedError(415, "only application/json is taken")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise _RefusedError(415, "nothing compressed is taken")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise _RefusedError(413, f"more than {MOST_BYTES} bytes")


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _RefusedError(413, f"more than {MOST_BYTES} bytes")
    return bytes(body)

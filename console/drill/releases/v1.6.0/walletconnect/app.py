"""The endpoints: requests in, answers and counts out."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import msgspec
import psycopg
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from walletconnect import metrics
from walletconnect.chain import RefusedError
from walletconnect.database import Database
from walletconnect.gas import read_rules
from walletconnect.health import health
from walletconnect.release import read_release
from walletconnect.sessions import NoSessionError, Sessions
from walletconnect.transactions import SignRequest
from walletconnect.wallet import ConnectRequest, MessageRequest, Wallet

Asked = TypeVar("Asked", bound=Struct)
Endpoint = Callable[[Request], Awaitable[Response]]

# The first kind that fits decides.
STATUS_OF: dict[type[Exception], int] = {
    msgspec.DecodeError: 400,
    ValueError: 400,
    NoSessionError: 401,
    RefusedError: 502,
    psycopg.OperationalError: 503,
    psycopg.Error: 500,
    RedisError: 503,
}


def create_app(root: Path, database_url: str, cache_url: str) -> Starlette:
    """The service of the tree below `root`, on these stores."""
    release = read_release(root)
    database, sessions = Database(database_url), Sessions(cache_url)
    wallet = Wallet(database, sessions, read_rules(root))

    async def healthy(_: Request) -> Response:
        answer = await health(release, database, sessions)
        return JSONResponse(answer, status_code=200 if answer["status"] == "ok" else 503)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await database.close()
        await sessions.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/health", healthy),
            Route("/metrics", scrape),
            Route("/connect", endpoint(ConnectRequest, wallet.connect), methods=["POST"]),
            Route("/estimate", endpoint(SignRequest, wallet.estimate), methods=["POST"]),
            Route("/sign", endpoint(SignRequest, wallet.sign), methods=["POST"]),
            Route("/sign-message", endpoint(MessageRequest, wallet.sign_message), methods=["POST"]),
        ],
    )


async def scrape(_: Request) -> Response:
    """All metrics, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def endpoint(asked: type[Asked], answer: Callable[[Asked], Awaitable[dict[str, object]]]) -> Endpoint:
    """An endpoint for users: decodes, answers, and counts what they see."""

    async def counted(request: Request) -> Response:
        began, status = perf_counter(), 500
        try:
            question = msgspec.json.decode(await request.body(), type=asked)
            status, body = 201, await answer(question)
        except tuple(STATUS_OF) as error:
            status = next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
            body = {"error": " ".join(str(error).split())}
        finally:
            metrics.REQUESTS.inc()
            metrics.DURATION.observe(perf_counter() - began)
            if status >= 400:
                metrics.ERRORS.inc()
        return JSONResponse(body, status_code=status)

    return counted

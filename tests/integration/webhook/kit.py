"""A webhook that really listens, on a book in memory; and messages as Alertmanager sends them."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx

from console.config.secrets import Secrets
from console.core.alerting import Webhook
from console.core.events import Body
from console.core.live import Live
from console.engine.alarms import Alarms
from console.engine.board import Board
from console.engine.book import Book
from console.engine.webhook import Listener
from console.store.clock import SystemClock
from tests.servers import LOOPBACK, free_port
from tests.unit.core.kit import ENV
from tests.unit.engine.kit import Journal, environment

SECRET = "a secret of the tests"  # noqa: S105 - of the tests
LIMIT_S = 20.0
MAPPED = {"HealthGone": "health_check", "KeysOut": "keys_exposed", "Consider": "wallet"}
TRIGGERS = {
    "keys_exposed": {"title": "private keys exposed", "rung": "mandatory"},
    "wallet": {"title": "wallet incompatible", "rung": "consider"},
}


def alert(name: str = "HealthGone", *, status: str = "firing", ago_s: float = 30.0, **changes: Any) -> Any:
    """One alert of a message, which began so many seconds ago."""
    starts = datetime.fromtimestamp(SystemClock().now().utc_us / 1e6 - ago_s, tz=UTC)
    made = {
        "status": status,
        "labels": {"alertname": name, "instance": "wallet-1"},
        "annotations": {"summary": "nobody can sign"},
        "startsAt": starts.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": hashlib.sha256(name.encode()).hexdigest()[:16],
    }
    return {**made, **changes}


def message(*alerts: Any, **changes: Any) -> bytes:
    """A message of Alertmanager's, version 4."""
    of_group = {"receiver": "warroom", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}}
    made = {"version": "4", "groupKey": "{}", "status": "firing", "alerts": alerts, **of_group}
    return json.dumps({**made, "externalURL": "http://alertmanager", **changes}).encode()


class Hut:
    """A book, and who listens at its door."""

    def __init__(self, port: int | None = None, **changes: Any) -> None:
        self.port = port or free_port()
        told = {"listen": f"{LOOPBACK}:{self.port}", "secret": "env:HOOK", "alerts": MAPPED}
        self.webhook = Webhook.model_validate({**told, **changes})
        self.environment = environment(triggers=TRIGGERS, webhook=self.webhook)
        self.clock = SystemClock()
        self.journal = Journal()
        self.book = Book(self.journal, ENV, self.clock, lambda _seq: None)
        self.board: list[Live] = []
        self.secrets = Secrets({"HOOK": SECRET})
        self.fault: BaseException | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/alerts"

    def made(self) -> Listener:
        """The listener, as the engine makes it."""
        alarms = Alarms(self.book, self.environment, self.clock)
        board = Board(Live(1, 1, self.clock.now()), self.clock, self.board.append)
        return Listener(self.webhook, alarms, self.secrets, board, self.clock)

    @asynccontextmanager
    async def open(self, *, listens: bool = True) -> AsyncIterator[Listener]:
        """It keeps listening; or shows that it cannot."""
        listener = self.made()
        task = asyncio.create_task(listener.keep())
        try:
            await until(lambda: listener.now.why_not == "" if listens else listener.now.why_not != "not yet")
            yield listener
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        """Send it with the secret as a bearer token, and other headers where they are given."""
        given = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(timeout=LIMIT_S) as client:
            return await client.post(self.url, content=body, headers={**given, **named})

    def bodies(self) -> list[Body]:
        """Everything that the journal holds."""
        return self.journal.bodies()

    async def raw(self, *pieces: bytes) -> bytes:
        """Everything that is answered to some bytes on a connection, until it is closed."""
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()


def signed(body: bytes, *, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of a message that is signed, now or at another second."""
    stamp = at if at is not None else SystemClock().now().utc_us // 1_000_000
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x_warroom_timestamp": str(stamp), "x_warroom_signature": f"sha256={digest}"}


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110 - of what is waited for some has no event
            await asyncio.sleep(0.01)

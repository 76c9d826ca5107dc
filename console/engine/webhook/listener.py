"""The webhook's server: listens as long as the engine lives, or says why it cannot and tries again."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from msgspec.structs import replace
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from console.config.secrets import SecretError, Secrets
from console.core.alerting import Webhook
from console.core.alerts import Told, cut
from console.core.clock import Clock
from console.core.live import Listening
from console.engine.alarms import Alarms
from console.engine.board import Board
from console.engine.webhook.endpoint import Endpoint
from console.engine.webhook.proof import SHORTEST, proof
from console.targets.together import together

AGAIN_S = 5.0
"""How long to wait before an address that is in use is tried again."""
TELL_S = 1.0
AT_ONCE = 32
"""So many connections there may be; with one more the oldest is cut, which is the likeliest to be idle."""
CONNECTION_S = 10.0
"""So long a connection may last, whatever is done on it."""
HEAD_BYTES = 16 * 1024
"""Of a request's line and headers."""
_CLOSE = [(b"connection", b"close")]
"""Each connection carries one message: who keeps it open would keep others out."""

log = structlog.get_logger()


class Listener:
    """Listens at one address, and shows on the board how that goes."""

    def __init__(
        self, webhook: Webhook, alarms: Alarms, secrets: Secrets, board: Board, clock: Clock
    ) -> None:
        self._webhook = webhook
        self._alarms = alarms
        self._secrets = secrets
        self._board = board
        self._clock = clock
        self.now = Listening(webhook.listen, why_not="not yet")
        """How it goes."""

    @property
    def trouble(self) -> dict[str, str]:
        """Why it does not listen, if so."""
        return {"webhook": f"{self.now.at}: {self.now.why_not}"} if self.now.why_not else {}

    async def keep(self) -> None:
        """Listen until the task is cancelled; without the secret never, and without the address later."""
        await together(self._listen(), self._tell())

    async def _tell(self) -> None:
        """Show how it goes, once a second at most: whoever floods us does not flood the consoles too."""
        shown: Listening | None = None
        while True:
            if shown is not self.now:
                shown = self.now
                self._board.show(webhook=shown)
            await self._clock.sleep(TELL_S)

    async def _listen(self) -> None:
        try:
            secret = self._secret()
        except SecretError as error:
            self._cannot(str(error))
            return
        config = self._config(Endpoint(proof(self._webhook, secret, self._clock), self._hear, self._refused))
        while True:
            try:
                await self._serve(config)
            except OSError as error:
                self._cannot((error.strerror or str(error)).lower())
            await self._clock.sleep(AGAIN_S)

    def _config(self, endpoint: Endpoint) -> Config:
        """How it is spoken there: nothing is told of the server, and nobody waits for ever."""
        config = Config(
            endpoint.app(),
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        config.load()
        return config

    def _secret(self) -> str:
        secret = self._secrets.resolve(self._webhook.secret)
        if len(secret) < SHORTEST or not (secret.isascii() and secret.isprintable()):
            raise SecretError(
                f"{self._webhook.secret}: a secret of the webhook has at least {SHORTEST} printable ASCII"
                " characters: make one with `openssl rand -hex 32`"
            )
        return secret

    async def _serve(self, config: Config) -> None:
        """Answer until cancelled; OSError where the address cannot be had."""
        loop, state = asyncio.get_running_loop(), ServerState()
        state.default_headers = _CLOSE
        server = await loop.create_server(
            lambda: _Connection(config, state, {}),
            self._webhook.host,
            self._webhook.port,
            family=socket.AF_UNSPEC,
            backlog=AT_ONCE,
        )
        async with server:
            self._note(why_not="")
            log.info("webhook.listens", at=self._webhook.listen)
            try:
                await server.serve_forever()
            finally:
                for connection in list(state.connections):
                    connection.transport.abort()

    def _hear(self, told: Sequence[Told]) -> int:
        found = self._alarms.hear(told)
        now = self._clock.now()
        self._note(taken=self.now.taken + 1, last=now, dropped=self._alarms.dropped)
        return found

    def _refused(self, why: str) -> None:
        words = cut(self._secrets.redact(why), 100)
        self._note(refused=self.now.refused + 1, last_refused=words)

    def _cannot(self, why: str) -> None:
        if why != self.now.why_not:
            log.warning("webhook.does_not_listen", at=self._webhook.listen, why=why)
        self._note(why_not=why)

    def _note(self, **changes: Any) -> None:
        self.now = replace(self.now, **changes)


class _Connection(H11Protocol):
    """One connection, which ends when its time is over, however slowly somebody speaks on it."""

    _over: asyncio.TimerHandle
    _began: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """It begins."""
        super().connection_made(transport)
        self._began = self.loop.time()
        others = [one for one in self.connections if isinstance(one, _Connection)]
        if len(others) > AT_ONCE:
            oldest = min(others, key=lambda one: one._began)
            self.connections.discard(oldest)
            oldest.transport.abort()
        self._over = self.loop.call_later(CONNECTION_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._over.cancel()
        super().connection_lost(exc)

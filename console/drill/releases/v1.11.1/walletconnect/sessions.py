"""Redis: who is connected."""

import hashlib
import hmac
import secrets

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from walletconnect.settings import read_settings

LIFETIME_S = 900
LIMIT_S = 2.0


class NoSessionError(Exception):
    """The session has ended, or never was."""


class Sessions:
    """Sessions by name, sealed with JWT_SECRET; each ends when it is not used for SESSION_TTL_S."""

    def __init__(self, url: str) -> None:
        # No retries: a user who waits is told, and asks again.
        self._redis = Redis.from_url(
            url, socket_timeout=LIMIT_S, socket_connect_timeout=LIMIT_S, retry=Retry(NoBackoff(), 0)
        )
        settings = read_settings()
        self._lifetime_s = int(settings.get("SESSION_TTL_S", LIFETIME_S))
        # Where no environment says one, nobody else's seal counts, and none outlives the process.
        self._secret = settings.get("JWT_SECRET", secrets.token_hex(16)).encode()

    async def open(self, user_id: int) -> str:
        """Start a session for the user; returns its name."""
        name = secrets.token_urlsafe(18)
        session = f"{name}.{self._seal(name)}"
        await self._redis.set(f"session:{session}", user_id, ex=self._lifetime_s)
        return session

    async def user(self, session: str) -> int:
        """The id of the user whose session this is; NoSessionError when it is nobody's."""
        name, _, seal = session.partition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(name).encode()):
            raise NoSessionError("the session was not opened here: connect first")
        user_id = await self._redis.getex(f"session:{session}", ex=self._lifetime_s)
        if user_id is None:
            raise NoSessionError("no such session: connect first")
        return int(user_id)

    async def check(self) -> None:
        """A ping, answered by the server; RedisError when it is not."""
        await self._redis.ping()

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    def _seal(self, name: str) -> str:
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()[:32]

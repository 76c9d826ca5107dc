"""Whether the service is healthy, asked of its stores at that moment."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
from redis.exceptions import RedisError

from walletconnect.database import Database
from walletconnect.release import Release
from walletconnect.sessions import Sessions


async def health(release: Release, database: Database, sessions: Sessions) -> dict[str, str]:
    """The answer of /health; `status` is "ok" only when both stores answered."""
    stores = await asyncio.gather(_state(database.check), _state(sessions.check))
    return {
        "status": "ok" if set(stores) == {"ok"} else "unhealthy",
        "version": release.version,
        "commit": release.commit,
        "tree": release.tree,
        "database": stores[0],
        "cache": stores[1],
    }


async def _state(check: Callable[[], Awaitable[None]]) -> str:
    """Either "ok" or the reason, in one line."""
    try:
        await check()
    except (psycopg.Error, RedisError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return "ok"

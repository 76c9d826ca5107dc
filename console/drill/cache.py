"""The drill's Redis: a configuration made for it, and the server as a child of the keeper."""

import secrets
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from console.drill.binaries import redis_program
from console.drill.children import Child, Children
from console.drill.place import Place, one_line, write_atomically
from console.drill.ports import LOOPBACK, on_free_port
from console.drill.world import RedisAt

_START_LIMIT_S = 10

# set-proc-title would overwrite the environment that a sweep reads.
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
daemonize no
save ""
appendonly yes
maxmemory 64mb
maxmemory-policy allkeys-lru
set-proc-title no
"""


async def start_redis(place: Place, children: Children) -> RedisAt:
    """Start a server that keeps an append-only file and asks for a password."""
    place.redis.mkdir(mode=0o700)
    program, password = redis_program(), secrets.token_hex(16)
    child, at = await on_free_port(lambda port: _start(place.redis, program, password, port, children))
    child.port = at.port
    write_atomically(place.secrets / "redis.url", at.url.encode())
    return at


async def _start(
    folder: Path, program: Path, password: str, port: int, children: Children
) -> tuple[Child, RedisAt]:
    configuration = _CONFIGURATION.format(host=LOOPBACK, port=port, password=password)
    write_atomically(folder / "redis.conf", configuration.encode())
    child = await children.start("redis", (str(program), "redis.conf"), cwd=folder)
    at = RedisAt(url=f"redis://:{password}@{LOOPBACK}:{port}/0", host=LOOPBACK, port=port, data=str(folder))
    await child.until_ready(lambda: _lacks(at.url), _START_LIMIT_S)
    return child, at


async def _lacks(url: str) -> str:
    redis = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        await redis.ping()
    except RedisError as error:
        return one_line(error)
    finally:
        await redis.aclose()
    return ""

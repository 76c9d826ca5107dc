"""A cache's server: connections in limited time, what it says of itself, and where its programs reach it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

from msgspec import Struct
from redis import exceptions
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from console.core.errors import StatedError
from console.targets.shell import Shell

ANSWER_S = 5.0
"""Seconds that connecting, and any one answer, may take."""
_PORT = 6379
_LOOK_AGAIN_S = 0.05
_DATABASE = re.compile(r"db\d+")


class CacheError(StatedError):
    """The cache could not be asked, or refused; one line with the place, without the password."""


class CacheState(Struct, frozen=True, kw_only=True):
    """What a server says of itself now, in `INFO`'s words where there is no better one."""

    version: str
    run_id: str
    """Names the process: another one after a restart."""
    role: str
    """`master` or `slave`."""
    master: tuple[str, int] | None
    """Whom it follows; None when nobody."""
    link_up: bool
    """Whether it has all keys of its master, and is connected to it."""
    followers: int
    """Servers that are connected as its replicas."""
    replication_id: str
    offset: int
    """How many bytes of the replication stream it has sent, or taken over."""
    clustered: bool
    port: int
    """As the server knows it, inside its container."""
    keys: dict[str, int]
    """Of each database that has any, `{"0": 1200}`."""
    loading: bool
    saving: bool
    """Whether it is writing a snapshot into its own folder."""
    aof: bool
    aof_rewriting: bool
    aof_healthy: bool
    """Whether the last rewrite, and the last write, of the append-only file succeeded."""
    memory: int
    """Bytes in use."""
    dataset: int
    """Bytes of them that hold the keys: more than a snapshot of them takes, as a rule."""
    maxmemory: int
    """0: no limit."""
    policy: str
    """What happens at the limit, `allkeys-lru`."""
    hits: int
    misses: int
    evicted: int
    """Since the server started, like hits, misses and expired."""
    expired: int

    @property
    def release(self) -> tuple[int, int]:
        """(7, 0): what decides which snapshots it reads."""
        return release_of(self.version)


class CacheServer:
    """One Redis as its URL reaches it; every connection is short, and nothing is ever tried twice."""

    def __init__(self, url: Callable[[], str], shell: Shell, *, limit_s: float = ANSWER_S) -> None:
        """`url` is asked at each use; `shell` runs Redis' own programs beside the server."""
        self._url = url
        self._limit_s = limit_s
        self.shell = shell

    @property
    def place(self) -> str:
        """As errors call it."""
        options = self._options()
        return f"cache on {options.get('path') or f'{self.host}:{self._port}'}"

    @property
    def host(self) -> str:
        """Its address as we reach it; a server on a socket is on this machine."""
        return str(self._options().get("host") or "127.0.0.1")

    @property
    def is_on_loopback(self) -> bool:
        """Whether its address, and its programs, are this machine's own."""
        try:
            loopback = ip_address(self.host).is_loopback
        except ValueError:
            loopback = self.host == "localhost"
        return loopback and self.shell.is_here

    @property
    def database(self) -> int:
        """The one that the URL means."""
        return int(self._options().get("db") or 0)

    @property
    def _port(self) -> int:
        return int(self._options().get("port") or _PORT)

    def _options(self) -> dict[str, Any]:
        try:
            options = dict(parse_url(self._url()))
        except ValueError:
            options = {}
        if not options.keys() & {"host", "path"}:
            # The driver's own words would repeat parts of the URL, and the password may be one.
            raise CacheError("the cache's URL cannot be read: write redis://:password@host:port/0")
        return options

    @asynccontextmanager
    async def connect(self, database: int | None = None) -> AsyncIterator[Redis]:
        """A client, closed at the end; CacheError for whatever goes wrong with it or in it."""
        options = self._options()
        options |= {"socket_timeout": self._limit_s, "socket_connect_timeout": self._limit_s}
        # The driver would try up to ten times by itself, which is wrong for whatever is not idempotent.
        options |= {"retry": Retry(NoBackoff(), 0), "protocol": 2, "decode_responses": False}
        if database is not None:
            options["db"] = database
        client = Redis.from_pool(ConnectionPool(**options))
        try:
            yield client
        except exceptions.RedisError as error:
            raise CacheError(self._in_words(error)) from None
        finally:
            await client.aclose()

    def _in_words(self, error: exceptions.RedisError) -> str:
        said = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, exceptions.AuthenticationError):
            said = f"it does not accept our password ({said})"
        elif isinstance(error, exceptions.TimeoutError):
            said = f"no answer within {self._limit_s:g} s"
        elif isinstance(error, exceptions.ConnectionError):
            said = said.removeprefix("Error ").rstrip(".")
        password = self._options().get("password")
        words = f"{self.place}: {said}"
        return words.replace(str(password), "***") if password else words

    async def ask(self, *words: str | int | bytes, database: int | None = None) -> Any:
        """What one command answers."""
        async with self.connect(database) as client:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call] # the driver's own

    async def info(self) -> dict[str, Any]:
        """All that `INFO` says, by its own names; it does so while the server is loading, too."""
        async with self.connect() as client:
            return dict(await client.info("all"))

    async def state(self) -> CacheState:
        """What the server says of itself now."""
        return _state(await self.info())

    async def config(self, name: str) -> str:
        """The value of a setting; CacheError where CONFIG is renamed or forbidden, or has no such setting."""
        async with self.connect() as client:
            found = await client.config_get(name)
        if name not in found:
            raise CacheError(f"{self.place} has no setting {name}")
        return str(found[name])

    async def refuses(self, *words: str | int) -> str:
        """Why a command that changes nothing there is refused; empty where it is allowed."""
        try:
            await self.ask(*words)
        except CacheError as error:
            return str(error)
        return ""

    async def settled(self, done: Callable[[CacheState], bool], what: str, limit_s: float) -> CacheState:
        """The state once `done` holds for it; CacheError that it did not do `what` in the time given."""
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    if done(state := await self.state()):
                        return state
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            raise CacheError(f"the {self.place} did not {what} within {limit_s:.0f} s") from None

    async def started(self, limit_s: float) -> CacheState:
        """The state of a server that is just being started, once it has loaded its data."""
        last = "no answer"
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    try:
                        return await self.settled(lambda state: not state.loading, "load its data", limit_s)
                    except CacheError as error:
                        last = str(error)
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            raise CacheError(f"the {self.place} did not start within {limit_s:.0f} s: {last}") from None

    async def cli(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """How `redis-cli` reaches it from where its programs run: words, and variables with the password."""
        options = self._options()
        words: list[str] = []
        if not self.shell.is_here:
            # Inside its own container a server answers on its own port, whatever is published outside.
            words += ["-p", str((await self.state()).port)]
        elif "path" in options:
            words += ["-s", str(options["path"])]
        else:
            words += ["-h", self.host, "-p", str(self._port)]
        words += _tls(options) if self._url().startswith("rediss:") else []
        if options.get("username"):
            words += ["--user", str(options["username"])]
        password = options.get("password")
        return tuple(words), {"REDISCLI_AUTH": str(password)} if password else {}


def _tls(options: Mapping[str, Any]) -> list[str]:
    """What the URL says of encryption, for redis-cli."""
    words = ["--tls"]
    for key, word in (("ssl_ca_certs", "--cacert"), ("ssl_certfile", "--cert"), ("ssl_keyfile", "--key")):
        words += [word, str(options[key])] if key in options else []
    return [*words, "--insecure"] if options.get("ssl_cert_reqs") == "none" else words


def release_of(version: str) -> tuple[int, int]:
    """(7, 0) of `7.0.15`."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def keys_of(info: Mapping[str, Any]) -> dict[str, int]:
    """Keys of each database that has any, as `INFO` tells them."""
    return {key[2:]: int(value["keys"]) for key, value in info.items() if _DATABASE.fullmatch(key)}


def _state(info: Mapping[str, Any]) -> CacheState:
    master = info.get("master_host")
    syncing = bool(info.get("master_sync_in_progress"))
    return CacheState(
        version=str(info["redis_version"]),
        run_id=str(info["run_id"]),
        role=str(info["role"]),
        master=None if master is None else (str(master), int(info["master_port"])),
        link_up=info.get("master_link_status") == "up" and not syncing,
        followers=int(info["connected_slaves"]),
        replication_id=str(info["master_replid"]),
        offset=int(info["master_repl_offset"]),
        clustered=bool(info.get("cluster_enabled")),
        port=int(info["tcp_port"]),
        keys=keys_of(info),
        loading=bool(info["loading"]),
        saving=bool(info["rdb_bgsave_in_progress"]),
        aof=bool(info["aof_enabled"]),
        aof_rewriting=bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]),
        aof_healthy=info["aof_last_bgrewrite_status"] == info["aof_last_write_status"] == "ok",
        memory=int(info["used_memory"]),
        dataset=int(info["used_memory_dataset"]),
        maxmemory=int(info["maxmemory"]),
        policy=str(info["maxmemory_policy"]),
        hits=int(info["keyspace_hits"]),
        misses=int(info["keyspace_misses"]),
        evicted=int(info["evicted_keys"]),
        expired=int(info["expired_keys"]),
    )

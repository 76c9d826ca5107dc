"""PostgreSQL and Redis inside containers, for tests: reached at the container's address."""

import secrets

import psycopg
import redis

from tests.docker_engine import Engine
from tests.docker_image import postgres_programs, redis_programs, search_path
from tests.servers import USER, Databases, wait_until

_SECOND_NS = 1_000_000_000


class PostgresContainer(Databases):
    """A PostgreSQL with a password; its data in the container."""

    def __init__(self, engine: Engine, major: int, **settings: object) -> None:
        """`settings` as the SDK's `run` takes them."""
        self.major = major
        self.password = secrets.token_hex(8)
        self.container = engine.run(
            "postgres",
            ("start-postgres",),
            environment={
                "PATH": search_path(postgres_programs(major)),
                "POSTGRES_USER": USER,
                "POSTGRES_PASSWORD": self.password,
            },
            healthcheck={"test": ["CMD", "pg_isready", "-q"], "interval": _SECOND_NS // 2},
            stop_signal="SIGINT",
            **settings,
        )
        self.name = str(self.container.name)
        self.address = engine.address(self.container)
        wait_until(self._answers, f"PostgreSQL in container {self.name} does not start")

    def dsn(self, database: str = "postgres") -> str:
        """How to connect, password and all."""
        return f"postgresql://{USER}:{self.password}@{self.address}:5432/{database}"

    def health(self) -> str:
        """As its check says: `starting`, `healthy` or `unhealthy`."""
        self.container.reload()
        return str(self.container.attrs["State"]["Health"]["Status"])

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class RedisContainer:
    """A Redis with a password and AOF on; its data in a volume of its own, mounted at /data."""

    def __init__(self, engine: Engine, version: str, **settings: object) -> None:
        """`settings` as the SDK's `run` takes them."""
        self._engine = engine
        self.version = version
        self.password = secrets.token_hex(8)
        self.volume = engine.client.volumes.create(engine.name("redis"), labels=engine.labels)
        self.container = engine.run(
            "redis",
            ("start-redis",),
            environment={
                "PATH": search_path(redis_programs(version)),
                "REDIS_PASSWORD": self.password,
            },
            volumes={self.volume.name: {"bind": "/data", "mode": "rw"}},
            **settings,
        )
        self.name = str(self.container.name)
        wait_until(self._answers, f"Redis in container {self.name} does not start")

    @property
    def url(self) -> str:
        """How to connect now, password and all; its address may be another one after a restart."""
        return f"redis://:{self.password}@{self._engine.address(self.container)}:6379/0"

    def client(self) -> "redis.Redis":
        """A client of it; close it."""
        return redis.Redis.from_url(self.url)

    def remove(self) -> None:
        """End it, with its data."""
        self._engine.remove(self.container)
        self.volume.remove(force=True)

    def _answers(self) -> bool:
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

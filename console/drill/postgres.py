"""The drill's PostgreSQL: a cluster made for it, the server as a child of the keeper, and its archive."""

import os
import pwd
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, sql

from console.drill.binaries import postgres_programs
from console.drill.children import Child, Children
from console.drill.place import DrillError, Place, one_line, write_atomically
from console.drill.ports import LOOPBACK, on_free_port
from console.drill.world import ArchiveAt, PostgresAt
from console.targets.postgres.rights import NOBODY, Rights
from console.targets.process import ProgramError, Programs

NAME = "walletconnect"
"""Of the database and of the service's role, which owns it."""
ADMIN = "dba"
"""The role that may do everything."""

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

_ARCHIVING = {
    "archive_mode": "on",
    # So that the archive is never further behind than that, however little is written.
    "archive_timeout": "1s",
}
_SEGMENT_MB = "1"
"""Small, because with archiving a segment is filled up every second."""


async def start_postgres(
    place: Place, programs: Programs, children: Children, *, archives: bool = False
) -> PostgresAt:
    """Make a cluster, start its server, and create the empty database.

    With `archives` it can keep its WAL; from when on is for the caller to say (`archive_from_now`).
    """
    rights = Rights(programs)
    home = await _home(place, rights)
    bin_ = await rights.usable(postgres_programs(), home)
    cluster = _Cluster(bin_, home, rights, _SETTINGS | (_ARCHIVING if archives else {}))
    await cluster.initialise(programs)
    child, port = await on_free_port(lambda port: cluster.start(children, port))
    child.port = port
    at = cluster.at(port, cluster.archive_at() if archives else None)
    await _run_as_admin(cluster.dsn(ADMIN, port, "postgres"), *_first_words(cluster.password_of(NAME)))
    if archives:
        # Until there is something to go back to, WAL is of no use.
        await _run_as_admin(at.admin, *_archive_by("true"))
    write_atomically(place.secrets / "postgres.dsn", at.dsn.encode())
    write_atomically(place.secrets / "postgres-admin.dsn", at.admin.encode())
    return at


async def archive_from_now(at: PostgresAt, command: str) -> None:
    """Have all WAL handed to a command from now on."""
    await _run_as_admin(at.admin, *_archive_by(command))


class _Cluster:
    """Programs, data, who runs them, and with which settings."""

    def __init__(self, bin_: Path, home: Path, rights: Rights, settings: Mapping[str, str]) -> None:
        self._bin = bin_
        self._home = home
        self._data = home / "data"
        self._rights = rights
        self._settings = settings
        self._passwords = {role: secrets.token_hex(16) for role in (NAME, ADMIN)}

    def password_of(self, role: str) -> str:
        """Each role has its own."""
        return self._passwords[role]

    def dsn(self, role: str, port: int, database: str) -> str:
        """How to connect, password and all."""
        return f"postgresql://{role}:{self._passwords[role]}@{LOOPBACK}:{port}/{database}"

    def at(self, port: int, archive: ArchiveAt | None) -> PostgresAt:
        """What others need to know of it."""
        return PostgresAt(
            dsn=self.dsn(NAME, port, NAME),
            admin=self.dsn(ADMIN, port, NAME),
            host=LOOPBACK,
            port=port,
            user=NAME,
            database=NAME,
            bin=str(self._bin),
            data=str(self._data),
            archive=archive,
        )

    def archive_at(self) -> ArchiveAt:
        """Make the folders for WAL and base backups: the server writes the one, we write the other."""
        wal, bases = self._home / "wal", self._home / "bases"
        for folder in (wal, bases):
            folder.mkdir(mode=0o700)
        self._rights.give(wal)
        return ArchiveAt(str(wal), str(bases))

    async def initialise(self, programs: Programs) -> None:
        """Make the data folder; the password goes through a file that is gone afterwards."""
        password = self._data.with_name("password")
        write_atomically(password, self._passwords[ADMIN].encode())
        self._data.mkdir(mode=0o700)
        self._rights.give(password, self._data)
        version = await _run(programs, (*self._rights.words, str(self._bin / "postgres"), "--version"))
        major = int(version.split()[2].split(".")[0])
        builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        await _run(
            programs,
            (
                *(self._rights.words or _name()),
                *(str(self._bin / "initdb"), "-D", str(self._data), "-U", ADMIN, f"--pwfile={password}"),
                *("-A", "scram-sha-256", "--no-sync", "--locale=C", "-E", "UTF8"),
                *("--wal-segsize", _SEGMENT_MB),
                *(builtin if major >= _FIRST_WITH_BUILTIN_LOCALES else ()),
            ),
        )
        password.unlink()

    async def start(self, children: Children, port: int) -> tuple[Child, int]:
        """Start the server there, and wait until it answers."""
        settings = [word for item in self._settings.items() for word in ("-c", "=".join(item))]
        child = await children.start(
            "postgres",
            (
                *(*self._rights.words, str(self._bin / "postgres"), "-D", str(self._data), "-p", str(port)),
                *settings,
            ),
            cwd=Path("/"),  # a folder that it can enter, whoever it runs as
            end="INT",
        )
        await child.until_ready(lambda: _lacks(self.dsn(ADMIN, port, "postgres")), _LIMIT_S)
        return child, port


async def _home(place: Place, rights: Rights) -> Path:
    """The folder for data and programs, which whoever runs the server can enter."""
    if not rights.drops:
        place.postgres.mkdir(mode=0o700)
        return place.postgres
    place.postgres.mkdir(mode=0o711)
    if await rights.reaches(place.postgres):
        return place.postgres
    elsewhere = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108 - the folder in it is ours alone
    base = await rights.first_reached(map(Path, elsewhere))
    if base is None:
        raise DrillError(
            f"PostgreSQL does not run as root, and uid {rights.user} can enter neither {place.root} "
            f"nor {tempfile.gettempdir()}: set TMPDIR to a folder that everyone may enter"
        )
    return place.make_outside(base, mode=0o711)


def _name() -> tuple[str, ...]:
    """The words that give us a name, which initdb asks for: in a container, a user may have none."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
    return ()


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


def _first_words(password: str) -> tuple[sql.SQL | sql.Composed, ...]:
    """What makes the service's role and its database."""
    name = sql.Identifier(NAME)
    return (
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)),
        sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name),
    )


def _archive_by(command: str) -> tuple[sql.SQL | sql.Composed, ...]:
    """What makes the server hand its full WAL files to a command, with `%p` and `%f` in it."""
    return (
        sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(command)),
        sql.SQL("SELECT pg_reload_conf()"),
    )


async def _run_as_admin(dsn: str, *statements: sql.SQL | sql.Composed) -> None:
    try:
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            for statement in statements:
                await connection.execute(statement)
    except psycopg.Error as error:
        raise DrillError(f"database {NAME} could not be set up: {one_line(error)}") from error

"""Continuous archiving on the server's side: how it is set up, whether it works, and waiting for it."""

import asyncio
import shlex
from pathlib import Path

from msgspec import Struct

from console.targets.postgres import wal
from console.targets.postgres.reach import ArchiveError, moment
from console.targets.postgres.server import Server

_POLL_S = 0.1
_FAILURES = 3
"""So often in a row the server tries by itself before it rests for a minute."""

_ASK = """
    SELECT current_setting('wal_level') AS wal_level, current_setting('archive_mode') AS archive_mode,
           current_setting('archive_command') AS archive_command,
           coalesce(current_setting('archive_library', true), '') AS archive_library,
           (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout') AS archive_timeout_s,
           (SELECT bytes_per_wal_segment FROM pg_control_init()) AS segment_bytes,
           (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
           (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
           coalesce(last_archived_wal, '') AS last_archived, failed_count,
           last_failed_wal, (extract(epoch FROM last_failed_time) * 1000000)::bigint AS last_failed_at,
           coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS fails,
           (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))
    FROM pg_stat_archiver
"""


class Archiving(Struct, frozen=True):
    """What a server says of its archiving."""

    wal_level: str
    archive_mode: str
    archive_command: str
    archive_library: str
    archive_timeout_s: int
    segment_bytes: int
    system_identifier: str
    timeline: int
    last_archived: str
    failed_count: int
    last_failed_wal: str | None
    last_failed_at: int | None
    """UTC microseconds."""
    fails: bool
    """Whether it failed after it worked last."""
    tablespaces: int
    """Besides the two that every cluster has."""


class Switched(Struct, frozen=True):
    """A segment that the server was told to end and to archive."""

    now: int
    """UTC microseconds of the server's clock; a commit later than that lies in the segment, or before it."""
    segment: str
    failed_count: int
    """How often archiving had failed until then."""


def archive_command(folder: str | Path) -> str:
    """An `archive_command` that copies into `folder`: never over a file, whole and on disk, or not at all.

    A file that is there with the same content is a success: after a crash, a server archives again.
    """
    place = quoted(folder)
    there, partial = f"{place}/%f", f"{place}/%f.copying"
    return (
        f"if test -f {there}; then cmp -s %p {there}; "
        f"else cp %p {partial} && sync {partial} && mv {partial} {there} && sync {place}; fi"
    )


def quoted(path: str | Path) -> str:
    """A path as a word of a command that the server hands to a shell."""
    return shlex.quote(str(path)).replace("%", "%%")


def configuration(command: str) -> tuple[str, ...]:
    """Lines of postgresql.conf that turn continuous archiving on; the first two need a restart."""
    return (
        "wal_level = replica",
        "archive_mode = on",
        f"archive_command = '{command.replace(chr(39), chr(39) * 2)}'",
        "archive_timeout = 60s",
    )


async def ask(server: Server) -> Archiving:
    """What the server says of its archiving now; ServerError when it cannot be asked."""
    async with server.connect(autocommit=True) as connection:
        row = await (await connection.execute(_ASK)).fetchone()
    assert row is not None  # noqa: S101 - the view has one row
    return Archiving(*row)


def is_on(archiving: Archiving) -> bool:
    """Whether it is set to archive; not, whether that works."""
    return archiving.archive_mode != "off" and bool(archiving.archive_command or archiving.archive_library)


def trouble(archiving: Archiving) -> list[str]:
    """What keeps the server from archiving all its WAL soon, each with what to do."""
    if archiving.wal_level == "minimal":
        return ["wal_level is minimal, so WAL cannot be replayed: set it to replica, and restart the server"]
    if archiving.archive_mode == "off":
        return ["archive_mode is off, so no WAL is kept: set it to on, and restart the server"]
    if not is_on(archiving):
        return ["archive_command is empty, so no WAL is archived: set it, and reload the server"]
    found = []
    if archiving.fails and archiving.last_failed_at is not None:
        found.append(
            f"archive_command fails: WAL file {archiving.last_failed_wal} could not be archived at "
            f"{moment(archiving.last_failed_at)}, nothing was since, and the server's log says why"
        )
    if archiving.archive_timeout_s == 0:
        found.append(
            "archive_timeout is 0, so WAL stays on the server until a file of it is full: set it to 60s"
        )
    return found


async def switch(server: Server) -> Switched:
    """Commit a transaction that changes nothing, and have WAL up to it archived.

    ArchiveError when the server archives nothing.
    """
    archiving = await ask(server)
    if not is_on(archiving):
        raise ArchiveError(trouble(archiving)[0])
    async with server.connect(autocommit=True) as connection:
        clock = await connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        now = await clock.fetchone()
        # A commit of its own: recovery knows by a later commit alone that it has passed a moment.
        await connection.execute("SELECT pg_current_xact_id()")
        ended = await connection.execute(
            "SELECT lsn::text, pg_walfile_name(lsn) FROM pg_switch_wal() AS switched(lsn)"
        )
        end = await ended.fetchone()
    assert now is not None and end is not None  # noqa: S101, PT018 - a SELECT of values has one row
    # The end may be the next segment's beginning, of which versions differ in what the name is.
    last = (wal.position(end[0]) - 1) // archiving.segment_bytes
    segment = wal.name(wal.timeline(end[1]), last, archiving.segment_bytes)
    return Switched(now[0], segment, archiving.failed_count)


async def until_archived(server: Server, switched: Switched, limit_s: float) -> None:
    """Wait until the server says that the segment is archived.

    ArchiveError when it says that it cannot be, or says nothing within `limit_s` seconds.
    """
    try:
        async with asyncio.timeout(limit_s):
            while not _done(archiving := await ask(server), switched.segment):
                if archiving.failed_count >= switched.failed_count + _FAILURES:
                    raise ArchiveError("; ".join(trouble(archiving)) or "archiving fails again and again")
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise ArchiveError(
            f"WAL file {switched.segment} was not archived within {limit_s:g} s: "
            "archive_command takes long, or waits for older files"
        ) from None


def _done(archiving: Archiving, segment: str) -> bool:
    last = archiving.last_archived
    return last[:8] == segment[:8] and last[:24] >= segment

"""Whether there is room for another database beside the live one, which a full disk would end as well."""

import re

from console.core.format import size
from console.targets.postgres.server import Server, ServerError
from console.targets.process import ProgramError
from console.targets.shell import Shell

_SHARE = 1.2
"""How much more room a restore takes than its database: for WAL, until that is written and recycled."""
_LOOK_S = 10.0
_WHERE = """
    SELECT coalesce(nullif(pg_tablespace_location(dattablespace), ''),
                    (SELECT setting FROM pg_settings WHERE name = 'data_directory')),
           coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true)
    FROM pg_database WHERE datname = current_database()
"""
_FREE = re.compile(r"\s(\d+)\s+\d+%\s")
"""The fourth column of POSIX df, before the capacity."""


class RoomError(ServerError):
    """There is no room for another database; one line with what is free and what is needed."""


async def ensure(server: Server, whole: int) -> bool:
    """Raise RoomError when a database of `whole` bytes has no room beside the one that `server` means.

    False when nobody can tell from here: the server is on another machine, or hides where its data is.
    """
    async with server.connect(autocommit=True) as connection:
        row = await (await connection.execute(_WHERE)).fetchone()
    path, loopback = row or (None, False)
    if path is None or (server.shell.is_here and not loopback):
        return False
    free, needed = await _free(server.shell, path), round(whole * _SHARE)
    if free is None:
        return False
    if free < needed:
        raise RoomError(
            f"{path} on {server.shell.words} has {size(free)} free, and a database of {size(whole)} needs "
            f"about {size(needed)} there: make room for {size(needed - free)}"
        )
    return True


async def _free(shell: Shell, path: str) -> int | None:
    """Bytes free at the path; None where there is no df to ask, as in small images, or no such path."""
    try:
        finished = await shell.run(("df", "-Pk", path), limit_s=_LOOK_S)
    except ProgramError:
        return None
    found = _FREE.search(finished.out)
    return int(found[1]) * 1024 if found and not finished.code else None

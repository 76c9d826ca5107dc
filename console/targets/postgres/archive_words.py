"""An archive in the words of `warroom check`: what it reaches, what is wrong with it, and what to set."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from console.core.backups import Window
from console.core.errors import StatedError
from console.core.format import count, size
from console.core.words import age
from console.targets.postgres import archiving
from console.targets.postgres.archive import MAKE_ONE, Archive
from console.targets.postgres.reach import Base, Reach, moment

_ASK_S = 8.0
"""How long a server may take to be reached and to look at its own settings; to be reached, 5 s."""
NEEDED = "for continuous archiving, postgresql.conf needs:"
"""What indented lines follow."""
_SHOWN = 3
"""So many files are named, the others counted."""


class Described(NamedTuple):
    """An archive in words, a line each."""

    reached: list[str]
    """What it reaches, and which bases there are."""
    trouble: list[str]
    """What is wrong, each with what to do; indented lines belong into a file."""


async def describe(archive: Archive, now: int) -> Described:
    """What the archive reaches at `now` (UTC microseconds), which bases there are, and what is wrong.

    Where the archive or the server cannot be asked, that is trouble, and the other's is told all the same.
    """
    try:
        bases, windows = await archive.bases(), await archive.windows()
        told = await trouble(archive)
    except StatedError as error:
        unread = f"what can be restored is not known: {error}"
        return Described([], [unread, *await _of_server(archive, (), Reach((), (), {}))])
    lines = [_window(window, now) for window in windows]
    if bases:
        lines.append(_bases(bases, now))
    if not told:
        lines.append("continuous archiving is set up and works")
    return Described(lines, told)


async def trouble(archive: Archive) -> list[str]:
    """What keeps moments up to now from being reached, each with what to do; empty when nothing does."""
    bases, found = await archive.bases(), await archive.reach()
    told = [*await _of_server(archive, bases, found), *await archive.aside()]
    if not bases:
        return [*told, f"there is no base backup to replay WAL from: {MAKE_ONE}"]
    told += _of_files(archive, found)
    for run in found.runs:
        looked = await archive.look(run.segments[-1], run.bases[-1].major) if run.segments else None
        if looked is not None and looked.trouble:
            told.append(
                f"WAL file {run.segments[-1]} is damaged ({looked.trouble}): what follows the damage is out "
                f"of reach until the next base backup; {MAKE_ONE}"
            )
    if not await archive.windows():
        told.append("no moment can be restored: nothing committed after a base backup is in the archive")
    return told


async def _of_server(archive: Archive, bases: Sequence[Base], found: Reach) -> list[str]:
    """What the server says of its side, and whether these are its own bases and WAL."""
    try:
        async with asyncio.timeout(_ASK_S):
            asked = await archiving.ask(archive.server)
    except TimeoutError:
        return [f"whether archiving works is not known: the server was silent for {_ASK_S:g} s when asked"]
    except StatedError as error:  # the server's own, and those of its secret and its container
        return [f"whether archiving works is not known: {error}"]
    told = archiving.trouble(asked)
    if not archiving.is_on(asked) or (asked.fails and asked.archive_command != archive.command):
        told.append(NEEDED)
        told += [f"    {line}" for line in archiving.configuration(archive.command)]
    if asked.tablespaces and not archive.holds_tablespaces:
        told.append(
            f"the cluster has {count(asked.tablespaces, 'tablespace')} of its own, which base backups of "
            "plain files do not hold: use pgbackrest for `archive`"
        )
    if bases and bases[-1].system_identifier != asked.system_identifier:
        told.append(
            f"the newest base backup is of another cluster: system identifier {bases[-1].system_identifier}, "
            f"the server's is {asked.system_identifier}; {MAKE_ONE}"
        )
    elif found.runs and found.runs[-1].line.timeline != asked.timeline:
        told.append(
            f"the archive leads to timeline {found.runs[-1].line.timeline}, the server writes timeline "
            f"{asked.timeline}: move the other timeline's history file out of {archive.words}"
        )
    return told


def _of_files(archive: Archive, found: Reach) -> list[str]:
    """Which WAL files are missing or not whole."""
    bad = sorted({*found.missing, *found.broken})
    told = [
        f"WAL file {name} {found.broken.get(name, f'is missing from {archive.words}')}: base backups before "
        f"it lead no further; {MAKE_ONE}"
        for name in bad[:_SHOWN]
    ]
    if more := len(bad) - len(told):
        told.append(f"{count(more, 'more WAL file')} missing or not whole, up to {bad[-1]}")
    return told


def _window(window: Window, now: int) -> str:
    span, behind = (window.ends - window.begins) / 1e6, (now - window.ends) / 1e6
    return (
        f"any moment from {moment(window.begins)} to {moment(window.ends)} can be restored: "
        f"{age(span)} long, its end {age(behind)} ago"
    )


def _bases(bases: Sequence[Base], now: int) -> str:
    newest = bases[-1]
    return (
        f"{count(len(bases), 'base backup')}, the newest {newest.id} of {size(newest.bytes)}, "
        f"{age((now - newest.ends) / 1e6)} old"
    )

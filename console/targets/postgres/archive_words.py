"""An archive in the words of `warroom check`: what it reaches, what is wrong with it, and what to set."""

from collections.abc import Sequence

from console.core.backups import Window
from console.core.format import count, size
from console.core.words import duration
from console.targets.postgres import archiving
from console.targets.postgres.archive import MAKE_ONE, Archive
from console.targets.postgres.reach import Base, Reach, moment
from console.targets.postgres.server import ServerError

_SHOWN = 3
"""So many files are named, the others counted."""


async def describe(archive: Archive, now: int) -> list[str]:
    """What the archive reaches at `now` (UTC microseconds), which bases there are, and what is wrong."""
    lines = [_window(window, now) for window in await archive.windows()]
    bases = await archive.bases()
    if bases:
        lines.append(_bases(bases, now))
    return [*lines, *await trouble(archive)]


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
        asked = await archiving.ask(archive.server)
    except ServerError as error:
        return [f"whether archiving works is not known: {error}"]
    told = archiving.trouble(asked)
    if not archiving.is_on(asked):
        told.append("for continuous archiving, postgresql.conf needs:")
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
        f"{duration(span)} long, its end {duration(behind)} ago"
    )


def _bases(bases: Sequence[Base], now: int) -> str:
    newest = bases[-1]
    return (
        f"{count(len(bases), 'base backup')}, the newest {newest.id} of {size(newest.bytes)}, "
        f"{duration((now - newest.ends) / 1e6)} old"
    )

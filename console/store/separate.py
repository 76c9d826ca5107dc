"""The state folder of an engine that has an account of its own: what its group may open, and nothing else."""

import os
import stat
from pathlib import Path

from console.core.errors import StatedError
from console.core.exits import Exit
from console.store.inbox import REFUSED, TMP
from console.store.layout import Layout, Runtime
from console.store.private import GROUP_AND_OTHERS, HOST, PRIVATE

MORE_THAN_LOOKING = 0o027
"""What nobody but the engine's account may do with the state folder itself."""


class SeparateError(StatedError):
    """This account cannot be the engine's, or not here; the message is the one line a user sees."""

    exit = Exit.USAGE


def settle(state: Path) -> None:
    """Make what is missing of the folders in `state`, and give all of it the modes that it must have.

    Raises SeparateError when the folder is another account's, or something in it cannot be changed.
    """
    layout = Layout(state)
    _claim(state)
    try:
        _close_what_no_console_reads(layout)
        for folder in (layout.samples, layout.output):
            _open(folder)
        # Before the group can put anything there, which then could stand for a folder of ours.
        HOST.make_folder(layout.inbox / REFUSED)
        for box in (layout.inbox / TMP, layout.inbox):
            HOST.make_box(box)
        HOST.make_folder(layout.sockets)
        HOST.make_box(Runtime(layout.sockets).bells)
        HOST.make_folder(state)
    except OSError as error:
        where = error.filename or state
        raise SeparateError(f"{where}: cannot be made ready for consoles: {error.strerror}") from error


def refuse_other_hands(*paths: Path) -> None:
    """SeparateError where somebody but root and this account could change one of the files, or replace it.

    Whoever writes the strategy has the engine run what they like.
    """
    for path in paths:
        resolved = path.resolve()
        for place in (resolved, *resolved.parents):
            if why := _other_hands(place):
                raise SeparateError(
                    f"{place}: {why}: only root and the engine's account may change {path.name}"
                )


def _other_hands(place: Path) -> str | None:
    """Who else may change what is there, in words; in a sticky folder nobody replaces what is another's."""
    try:
        found = place.stat()
    except FileNotFoundError:
        return None  # whoever needs it says so; who could make it is asked of the folder
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if found.st_uid not in (0, os.geteuid()):
        return f"belongs to user {found.st_uid}"
    if found.st_mode & stat.S_IWOTH and not sticky:
        return "everybody may write there"
    if found.st_mode & stat.S_IWGRP and found.st_gid == os.getegid() and not sticky:
        return "the engine's group may write there"
    return None


def _claim(state: Path) -> None:
    """See that the folder is there and ours: whoever owns it can replace everything in it."""
    try:
        state.mkdir(mode=PRIVATE.folder, parents=True, exist_ok=True)
    except OSError as error:
        raise SeparateError(
            f"{state}: cannot be made: {error.strerror}: make it, and give it to the engine's account"
        ) from error
    found, ours = state.stat(), os.geteuid()
    if found.st_uid != ours:
        raise SeparateError(
            f"{state}: belongs to user {found.st_uid}, this is user {ours}: "
            "its service runs the engine, under the account that owns it"
        )
    if found.st_mode & MORE_THAN_LOOKING:
        state.chmod(stat.S_IMODE(found.st_mode) & ~MORE_THAN_LOOKING)


def _close_what_no_console_reads(layout: Layout) -> None:
    """Of all that lies there, known or not. What git makes is closed by the folder that it is made in."""
    for folder in (layout.clone, layout.worktrees, layout.evidence):
        PRIVATE.make_folder(folder)
    opened = {layout.journal, layout.live, layout.samples, layout.output, layout.inbox, layout.sockets}
    opened |= {layout.journal.with_name(f"{layout.journal.name}{end}") for end in ("-wal", "-shm")}
    for path in layout.state.iterdir():
        mode = path.lstat().st_mode
        if path not in opened and not stat.S_ISLNK(mode) and mode & GROUP_AND_OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~GROUP_AND_OTHERS)


def _open(folder: Path) -> None:
    """What was written while the engine's account was the only one; follows no link."""
    HOST.make_folder(folder)
    for root, folders, files in os.walk(folder):
        for name in folders:
            HOST.make_folder(Path(root, name))
        for name in files:
            os.close(HOST.open(Path(root, name), os.O_RDONLY | os.O_NOFOLLOW))

"""Commits that are undone one by one, by commits of our own: which, on what, and in what words. Pure."""

import re
from collections.abc import Iterable

from msgspec import Struct

from console.core.clock import Stamp
from console.core.format import count, short
from console.core.plan import Revert

_PICK = re.compile(r"([A-Za-z0-9][A-Za-z0-9._/+-]*)(?:\^([1-9]))?")
_SKIPS = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
"""Words in a commit's message for which GitHub starts nothing: a revert that quotes them must be deployed."""
_NAMED = 3
"""Commits that are named in a sentence; the plan's steps name all."""
HOW = "a commit is named by its id or tag, a merge with the parent that stays: 1a2b3c4d, 1a2b3c4d^1"


class Pick(Struct, frozen=True):
    """A commit to be undone."""

    commit: str
    """Its id, a beginning of that, or a tag; the full id once it is resolved."""
    mainline: int | None = None
    """Of a merge, which of its parents is the line that stays, from 1; None for any other commit."""


class Reverting(Struct, frozen=True):
    """All that the ids of the commits follow from: made again, they are the same."""

    onto: str
    """Full id of the commit that the first of them is made on."""
    picks: tuple[Pick, ...]
    """By full ids, in the order in which they are undone."""
    author: str
    at: Stamp
    note: str
    """What stands at the end of each message."""


def picked(words: str) -> Pick:
    """The commit that somebody named; ValueError says how one is named."""
    match = _PICK.fullmatch(words)
    if match is None:
        raise ValueError(f"{words!r} names no commit: {HOW}")
    name, mainline = match.groups()
    return Pick(name, int(mainline) if mainline else None)


def message(summary: str, pick: Pick, parent: str, note: str) -> str:
    """What the commit says that undoes another, as git itself words it; `parent`: what stays of a merge."""
    merge = f", reversing\nchanges made to {parent}" if pick.mainline is not None else ""
    quoted = _SKIPS.sub(r"(\1)", summary)
    return f'Revert "{quoted}"\n\nThis reverts commit {pick.commit}{merge}.\n\n{note}'


def reverts_words(reverts: Iterable[Revert]) -> str:
    """Which commits are undone, newest first: `Release v1.5.3 (1a2b3c4d, eng-1), ... and 2 more`."""
    undone = [one for one in reverts if one.made is not None]
    named = [f"{one.summary} ({short(one.commit)}, {one.author})" for one in undone[:_NAMED]]
    more = f" and {len(undone) - _NAMED} more" if len(undone) > _NAMED else ""
    return f"{count(len(undone), 'commit')}, newest first: {', '.join(named)}{more}"


def idle_words(reverts: Iterable[Revert]) -> str:
    """Which commits there is nothing of to undo; empty when there are none."""
    idle = [short(one.commit) for one in reverts if one.made is None]
    return f"nothing of {', '.join(idle)} is left to undo" if idle else ""


def revert_line(one: Revert) -> str:
    """A line of the plan: which commit, and by which it is undone."""
    kept = f", a merge: its parent {one.mainline} stays" if one.mainline is not None else ""
    made = f"undone by {short(one.made)}" if one.made else "undone already, or it never changed a file"
    return f"{short(one.commit)} {one.summary}, by {one.author}{kept}: {made}"

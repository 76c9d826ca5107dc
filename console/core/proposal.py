"""Which release is proposed to go back to, and what speaks for or against each other one. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from console.core.plan import Release
from console.core.releases import Known, OnRecord, ReleaseError, Verdict, place

_CONTRACTED = "today's schema has contracted beyond it, as a plan of this incident found"
_NAMED = 8
"""Tags that a refusal names, the newest."""


class Weighed(Struct, frozen=True):
    """A release on record, and what speaks for or against going back to it."""

    tag: str
    commit: str
    verdict: Verdict
    said_by: str
    deployed: str
    """ISO 8601 in UTC."""
    proposed: bool
    """Whether it is the one that a plan goes back to where nobody names another."""
    may_be_chosen: bool
    """Whether a plan can go back to it when somebody names it."""
    why: str
    """`the newest good one before what runs, says eng-1`; `bad, says ops-1: signing fails`."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a plan goes back to."""

    release: Known
    why: str
    """Why it is this one, for whoever says yes to it."""


def weigh(record: OnRecord, running: str | None) -> tuple[Weighed, ...]:
    """Every release on record, newest first; `running` is the commit to get away from, None: not known."""
    now = None if running is None else place(record.known, running)
    against = [_against(record, index, now) for index in range(len(record.known))]
    best = _best(against)
    return tuple(
        Weighed(
            tag=known.tag,
            commit=known.commit,
            verdict=known.verdict,
            said_by=known.said_by,
            deployed=known.deployed,
            proposed=index == best,
            may_be_chosen=index != now and not _never(record, known),
            why=_why(known, against[index], best=index == best),
        )
        for index, known in reversed(list(enumerate(record.known)))
    )


def _best(against: Sequence[str]) -> int | None:
    """The newest that nothing speaks against; where no schema fits, the newest good one, its gate closed."""
    for tolerated in ("", _CONTRACTED):
        fit = [index for index, words in enumerate(against) if words == tolerated]
        if fit:
            return fit[-1]
    return None


def propose(record: OnRecord, running: Release, wanted: str | None) -> Chosen:
    """The release to go back to: the one wanted, or the newest good one before what runs whose schema fits.

    Where none fits it is the newest good one all the same: its plan says what else can be done. What was
    judged bad is never gone back to. Raises ReleaseError where there is none.
    """
    weighed = weigh(record, running.commit)
    if wanted is not None:
        return _wanted(record, weighed, wanted)
    best = next((index for index, one in enumerate(weighed) if one.proposed), None)
    if best is None:
        raise ReleaseError(_none(record, weighed, running))
    passed = [one for one in weighed[:best] if one.verdict == "good" and _is_older(record, one, running)]
    instead = "".join(f"; not {one.tag}, {one.why}" for one in passed)
    return Chosen(_of(record, weighed[best]), f"{weighed[best].why}, by {record.words}{instead}")


def good_before(record: OnRecord, running: Release) -> tuple[Known, ...]:
    """Every candidate before what runs that was judged good, newest first, whatever its schema."""
    before = record.known[: place(record.known, running.commit)]
    return tuple(one for one in reversed(before) if one.verdict == "good" and not _never(record, one))


def _wanted(record: OnRecord, weighed: Sequence[Weighed], tag: str) -> Chosen:
    """The one that somebody named."""
    found = next((one for one in weighed if one.tag == tag), None)
    if found is None:
        raise ReleaseError(f"no release {tag} is recorded; there are {_tags(weighed)}")
    known = _of(record, found)
    if known.verdict == "bad":
        raise ReleaseError(f"{tag} was judged bad by {known.said_by}: choose another")
    if _never(record, known):
        raise ReleaseError(f"{tag} is no candidate: {found.why}")
    return Chosen(known, f"asked for by name; {found.why}, by {record.words}")


def _none(record: OnRecord, weighed: Sequence[Weighed], running: Release) -> str:
    """Why nothing can be proposed; where nobody has judged any, what can be named all the same."""
    named = [one for one in weighed if one.may_be_chosen] if record.source == "git" else ()
    there_are = f", {record.words}: {_tags(named)}" if named else ""
    return f"no release before {running.tag} was judged good: name one to go back to{there_are}"


def _is_older(record: OnRecord, weighed: Weighed, running: Release) -> bool:
    """Whether it came before what runs; what nobody recorded comes after all that was."""
    now = place(record.known, running.commit)
    return now is None or record.known.index(_of(record, weighed)) < now


def _tags(weighed: Sequence[Weighed]) -> str:
    tags = [one.tag for one in weighed[:_NAMED]]
    more = len(weighed) - len(tags)
    return ", ".join([*reversed(tags), *([f"{more} older"] if more else [])]) or "none"


def _of(record: OnRecord, weighed: Weighed) -> Known:
    return next(known for known in reversed(record.known) if known.tag == weighed.tag)


# -- one release ------------------------------------------------------------------------------------


def _against(record: OnRecord, index: int, now: int | None) -> str:
    """What speaks against proposing it; empty where nothing does."""
    known = record.known[index]
    if index == now:
        return "runs now"
    if never := _never(record, known):
        return never
    if now is not None and index > now:
        return "newer than what runs"
    if known.verdict == "unproven":
        return "unproven: nobody has judged it"
    if known.commit in record.contracted:
        return _CONTRACTED
    return ""


def _never(record: OnRecord, known: Known) -> str:
    """Why it is not gone back to even when somebody names it; empty where it can be."""
    if known.verdict == "bad":
        return f"bad, says {known.said_by}{_because(known)}"
    if record.matching and not re.search(record.matching, known.tag):
        return f"left out: its tag does not match `{record.matching}`"
    return ""


def _why(known: Known, against: str, *, best: bool) -> str:
    if against:
        return f"the newest good one, but {against}" if best else against
    words = "the newest good one that can be gone back to" if best else "good, and older"
    return f"{words}, says {known.said_by}{_because(known)}"


def _because(known: Known) -> str:
    return f": {known.reason}" if known.reason else ""

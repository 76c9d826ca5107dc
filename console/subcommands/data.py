"""The data: backups taken, listed and verified; plans that take it back; the onset; the cache."""

import asyncio
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.format import plain
from console.core.moments import moment_of
from console.core.next_step import next_step
from console.core.plan import POINT_IN_TIME, Wish
from console.core.protocols import Snapshot
from console.core.requests import Errand, MoveOnset, Replan
from console.core.verbs import UNFREEZE
from console.core.wishes import SWAP_BACK, of_rows, with_data, with_verb
from console.store.room import LocalRoom
from console.subcommands.act import do
from console.subcommands.follow import make_plan, run_errand
from console.subcommands.room import enter, until
from console.subcommands.shelf import is_current, look_through, shelf_lines
from console.subcommands.tell import document, plan_lines
from console.subcommands.where import Place, Where, find

HERE = Where()
_CURRENT_WITHIN_S = 5.0
"""So long a list waits for the engine to have looked; then it is told as it was."""
Json = Annotated[bool, Parameter(help="One document on stdout.")]


class UnclearError(StatedError):
    """What was typed does not say what is meant."""

    exit = Exit.USAGE


def backup(
    what: Literal["now", "list"] = "now", *, base: bool = False, json: Json = False, where: Where = HERE
) -> int:
    """Take a backup now, beside whatever runs, and wait for its end; or list what there is.

    Parameters
    ----------
    what
        `list`: what the data can go back to, newest first, with proof and age; nothing is asked of anybody.
    base
        A base backup, so that points in time can be reached from its end on.
    """
    place = find(where)
    if what == "list":
        return _list(place, json=json)
    return _run(place, Errand("base-backup" if base else "backup"), json=json)


def verify_backup(backup: str, *, json: Json = False, where: Where = HERE) -> int:
    """Restore a backup into a scratch place, compare all of it with its manifest, and wait for the verdict.

    Parameters
    ----------
    backup
        Its id, as `warroom backup list` shows it; `latest` for the newest.
    """
    return _run(find(where), Errand("verify-backup", {"backup": backup}), json=json)


def unfreeze(*, json: Json = False, where: Where = HERE) -> int:
    """Bring the CI back to what it was before an incident froze it, where its plan did not."""
    return _run(find(where), Errand(UNFREEZE), json=json)


def restore(
    candidate: str = POINT_IN_TIME,
    *,
    at: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    loss: int | None = None,
    code: Annotated[bool | None, Parameter(name="--code", negative="--keep-code")] = None,
    json: Json = False,
    where: Where = HERE,
) -> int:
    """Plan to take the data back, in the open incident; nothing is swapped before the gate.

    Parameters
    ----------
    candidate
        Id of a backup, as `warroom backup list` shows it; a point in time, if none is named.
    at
        The instant of a point in time; as long before the onset as the strategy says, if none is named.
    loss
        Rows that may go at most; as many as the strategy says, if nothing is said.
    code
        Whether the release goes back too; as in the present plan, if nothing is said.
    """
    place = find(where)
    room = enter(place)
    snapshot = room.snapshot()
    incident = snapshot.state.open_incident
    point = _instant(at, candidate, snapshot)
    goes = (incident is None or incident.wish.code) if code is None else code
    wish = with_data(incident, candidate, code=goes, loss_at_most=loss, recovery_point=point)
    return _plan(place, room, wish, json=json)


def rows(
    table: str,
    *keys: str,
    from_: Annotated[str, Parameter(name="--from")] = POINT_IN_TIME,
    at: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    json: Json = False,
    where: Where = HERE,
) -> int:
    """Plan to put single rows back, by key, in the open incident; no database is swapped.

    A plan by itself: whatever damages the rows should have gone back before. The gate shows what each row is
    and was; what the rows are until then is kept in a file.

    Parameters
    ----------
    table
        Its name, with its schema where that is not on the search path; quoted where SQL needs quotes.
    keys
        The primary key of each row; '["7", "ETH"]' where that has several columns.
    from_
        Id of a backup, as `warroom backup list` shows it; a point in time, if none is named.
    at
        The instant of a point in time; as long before the onset as the strategy says, if none is named.
    """
    place = find(where)
    room = enter(place)
    point = _instant(at, from_, room.snapshot())
    try:
        wish = of_rows(table, keys, from_, point)
    except ValueError as error:
        raise UnclearError(str(error)) from error
    return _plan(place, room, wish, json=json)


def _instant(at: str | None, candidate: str, snapshot: Snapshot) -> int | None:
    """The instant that was named, if one was: only a point in time has any to choose from."""
    if at is None:
        return None
    if candidate != POINT_IN_TIME:
        raise UnclearError(f"{candidate} shows one moment alone: --at belongs to a point in time")
    incident = snapshot.state.open_incident
    return _moment(at, now=snapshot.at.utc_us, known=incident.onset.utc_us if incident else None)


def _plan(place: Place, room: LocalRoom, wish: Wish, *, json: bool) -> int:
    planned = asyncio.run(make_plan(room, Replan(wish)))
    assert planned.plan is not None  # noqa: S101 - that is what was waited for
    if json:
        print(document(planned.plan))
    else:
        print("\n".join(plan_lines(planned.plan, planned.plan_hash or "")))
        print(f"NEXT {next_step(room.snapshot(), place.environment).sentence}")
    return Exit.DONE


def onset(
    time: Annotated[str, Parameter(allow_leading_hyphen=True)], *, reason: str, where: Where = HERE
) -> None:
    """Say when it really began; a plan that takes the data back is then made anew.

    Parameters
    ----------
    time
        14:05:30, a date such as 2026-11-23T14:05:30Z, or -30s for so much before the present onset.
    reason
        How you know.
    """
    place = find(where)
    snapshot = enter(place).snapshot()
    incident = snapshot.state.open_incident
    known = incident.onset.utc_us if incident else None
    do(place, MoveOnset(_moment(time, now=snapshot.at.utc_us, known=known), reason))


def cache(
    what: Literal["invalidate", "flush", "restore"],
    which: str = "",
    *,
    json: Json = False,
    where: Where = HERE,
) -> int:
    """Plan what becomes of the cache: as part of the way back while its gate is closed, else by itself.

    Parameters
    ----------
    what
        `invalidate` keys by their beginning, `flush` all of them, or `restore` them from a backup.
    which
        The beginning of the keys, or the backup's id.
    """
    place = find(where)
    options = _CACHE_OPTIONS[what]
    if bool(which) is not bool(options):
        needs = f"say which: `warroom cache {what} {options.upper()}`" if options else "it takes all keys"
        raise UnclearError(f"{what}: {needs}")
    told = {options: which} if options else {}
    room = enter(place)
    incident = room.snapshot().state.open_incident
    return _plan(place, room, with_verb(incident, f"{what}-cache", told), json=json)


_CACHE_OPTIONS = {"invalidate": "prefix", "flush": "", "restore": "backup"}
"""What each is told, by the name of the verb's option."""


def swap_back(*, where: Where = HERE) -> None:
    """Plan to swap the database back that was there before this incident's swap."""
    do(find(where), Replan(SWAP_BACK))


def _list(place: Place, *, json: bool) -> int:
    room = enter(place)
    current = asyncio.run(until(room, is_current, _CURRENT_WITHIN_S))
    shelf = look_through(place, current or room.snapshot())
    if shelf.trouble:
        print(plain(shelf.trouble), file=sys.stderr)
    print(document(shelf) if json else "\n".join(shelf_lines(shelf)))
    return Exit.DONE


def _run(place: Place, what: Errand, *, json: bool) -> int:
    ended = asyncio.run(run_errand(enter(place), what, what.verb))
    print(document(ended) if json else f"{ended.id} {ended.outcome}: {plain(ended.words)}")
    return ended.exit


def _moment(words: str, *, now: int, known: int | None) -> int:
    try:
        return moment_of(words, now=now, known=now if known is None else known)
    except ValueError as error:
        raise UnclearError(str(error)) from error

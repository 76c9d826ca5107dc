"""What another plan is asked for, starting from the present one: what is not spoken of stays as it is.

Without an incident there is nothing to start from, and the engine refuses what is asked for.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from console.core.mitigating import MITIGATIONS
from console.core.plan import Way, Wish
from console.core.reverting import picked
from console.core.state import Incident
from console.core.verbs import RESTORE_ROWS

SWAP_BACK = Wish(code=False, verb="swap-back")
"""The database that was there before the swap; always by itself, because nothing else may come with it."""

MOST_ROWS = 100
"""So many rows go back by key; for more there is the whole restore."""
LONGEST_KEY = 200
MOST_COMMITS = 50
"""So many commits are undone by name; for more there is a release to go back to."""


def of_rows(table: str, keys: Sequence[str], candidate: str, recovery_point: int | None = None) -> Wish:
    """Those rows out of that candidate; by itself, so that they go back when nothing damages them any more.

    ValueError says what it lacks.
    """
    options = {"table": table, "keys": msgspec.json.encode(list(keys)).decode(), "from": candidate}
    wish = Wish(code=False, verb=RESTORE_ROWS, recovery_point=recovery_point, options=options)
    rows_of(wish)
    return wish


def rows_of(wish: Wish) -> tuple[str, tuple[str, ...]]:
    """The table and the keys that a wish of rows names; ValueError where it names none, or too many."""
    table = wish.options.get("table", "")
    try:
        asked = msgspec.json.decode(wish.options.get("keys", ""), type=tuple[str, ...])
    except msgspec.DecodeError:
        asked = ()
    keys = tuple(dict.fromkeys(key for key in asked if key))
    if not table or not keys:
        raise ValueError("rows go back by a table and at least one key: name both")
    if any(len(key) > LONGEST_KEY for key in keys):
        raise ValueError(f"a key has at most {LONGEST_KEY} characters")
    if len(keys) > MOST_ROWS:
        raise ValueError(
            f"{len(keys)} rows are too many to go back by key, at most {MOST_ROWS} do: "
            "ask in parts, or for the whole restore"
        )
    return table, keys


def back_to(
    incident: Incident | None, target: str | None, *, way: Way | None = None, commits: Sequence[str] = ()
) -> Wish:
    """The release goes back to `target`, or to the one that is proposed; the data as before.

    With `commits` to what runs now without them. ValueError says what cannot be had together, or read.
    """
    wish = replace(_way_back(incident), code=True, target=target, way=way, commits=tuple(commits))
    if why := contradiction(wish):
        raise ValueError(why)
    return wish


def contradiction(wish: Wish) -> str:
    """What is said of the way in git that cannot be; empty when nothing is."""
    if wish.commits and wish.target is not None:
        return "name a release to go back to, or commits to undo, not both"
    if wish.commits and wish.way == "restore tree":
        return "a tree is restored whole: commits are named to undo them"
    if len(wish.commits) > MOST_COMMITS:
        return f"{len(wish.commits)} commits are too many to undo one by one, at most {MOST_COMMITS} are"
    try:
        for words in wish.commits:
            picked(words)
    except ValueError as error:
        return str(error)
    return ""


def with_data(
    incident: Incident | None,
    candidate: str,
    *,
    code: bool,
    loss_at_most: int | None = None,
    recovery_point: int | None = None,
) -> Wish:
    """The data goes back to that candidate; `code`: whether the release goes back too."""
    return replace(
        _way_back(incident),
        code=code,
        data=candidate,
        loss_at_most=loss_at_most,
        recovery_point=recovery_point,
    )


def keeping(wish: Wish) -> Wish:
    """The same, with the data left as it is."""
    return replace(wish, data=None, loss_at_most=None, recovery_point=None)


def with_verb(incident: Incident | None, verb: str, options: dict[str, str]) -> Wish:
    """The verb as part of the way back; as a plan of its own where that has begun, or there is none."""
    if incident is None or incident.plan is None or incident.gate_opened is not None or alone(incident.wish):
        return Wish(code=False, verb=verb, options=options)
    return replace(incident.wish, verb=verb, options=options, break_glass=False)


def alone(wish: Wish) -> bool:
    """Whether it is of a verb and nothing else."""
    return not wish.code and wish.data is None


def way_back_is_over(incident: Incident) -> bool:
    """Whether no other can be planned: rows that went back by key, and mitigations, leave it to come."""
    plan = incident.plan
    leaves = plan is not None and (plan.rows is not None or plan.verb in MITIGATIONS)
    return incident.finished and not leaves


def _way_back(incident: Incident | None) -> Wish:
    """What the present plan was asked for; as if nothing had been, where that was no more than a verb."""
    return replace(incident.wish, break_glass=False) if incident and not alone(incident.wish) else Wish()

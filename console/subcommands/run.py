"""The run by command: the next step or a phase, a decision about a step, the pace, and the way back."""

from typing import Annotated

from cyclopts import Parameter

from console.core import requests as rq
from console.core import undoing
from console.core.format import plain
from console.core.plan import Pace
from console.core.requests import Choice
from console.core.whereabouts import whereabouts
from console.subcommands.act import do, typed_name
from console.subcommands.room import RefusedError, enter
from console.subcommands.where import Where, find

HERE = Where()


def run(what: str = "", choice: Choice | None = None, *, reason: str = "", where: Where = HERE) -> None:
    """Start what waits for its key; or decide about a step that failed or whose end is unknown.

    Parameters
    ----------
    what
        A step's id as `warroom steps` lists it, or a phase, up to its gate or a failure; the next step
        otherwise.
    choice
        What becomes of a step that failed or is unclear: continue, retry, redeploy, skip or abort.
    """
    place = find(where)
    do(place, rq.Run(what) if choice is None else rq.Decide(what, choice, reason))


def pace(pace: Pace, *, where: Where = HERE) -> None:
    """Say how far one key goes from here on: through a whole phase, or a single step."""
    do(find(where), rq.SetPace(pace))


def undo(
    step: str = "",
    *,
    reason: str = "",
    type_: Annotated[
        str | None, Parameter(name="--type", help="The environment's name, typed; asked for otherwise.")
    ] = None,
    where: Where = HERE,
) -> None:
    """Take back what was done, the newest step first: all that stands behind the gate, or down to a step.

    Parameters
    ----------
    step
        The last step to take back, as `warroom steps` lists it.
    """
    place = find(where)
    snapshot = enter(place).snapshot()
    incident = snapshot.state.open_incident
    if incident is None:
        raise RefusedError(f"no incident is open in {place.name}")
    if why := undoing.refused(incident):
        raise RefusedError(why)
    if found := whereabouts(snapshot, place.environment):
        print(plain(found.sentence))
    for one in (*undoing.order(incident, step), *undoing.by_hand(incident)):
        print(plain(f"{one.id:14} {undoing.back_words(one)}"))
    typed = type_ if type_ is not None else typed_name("Type the environment's name to take it back: ")
    do(place, rq.Undo(incident.plan_hash or "", typed, step, reason))

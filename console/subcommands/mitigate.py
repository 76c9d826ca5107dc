"""Mitigations by command: what there is and what became of it, doing one, taking it back."""

import asyncio
from typing import Annotated, Literal

from cyclopts import Parameter
from msgspec import Struct

from console.core.exits import Exit
from console.core.format import clock, plain
from console.core.mitigating import MITIGATE, UNDO, covers, firing
from console.core.protocols import Snapshot
from console.core.recommendation import grounds
from console.core.requests import Mitigate
from console.core.state import Mitigated
from console.core.strategy import Environment
from console.subcommands.act import do
from console.subcommands.follow import run_errand
from console.subcommands.room import enter
from console.subcommands.tell import document
from console.subcommands.where import Where, find

HERE = Where()


class Known(Struct, frozen=True, kw_only=True):
    """A mitigation as `--json` lists it."""

    name: str
    title: str
    kind: str
    covers: tuple[str, ...]
    covers_all_that_fires: bool
    authority: str
    cost: int
    state: Mitigated | None
    """What became of it; None where nobody has asked for it."""


class Listed(Struct, frozen=True, kw_only=True):
    """All of them."""

    schema: Literal["warroom.mitigations/1"] = "warroom.mitigations/1"
    fires: tuple[str, ...]
    mitigations: tuple[Known, ...]


def mitigate(
    name: str | None = None,
    *,
    undo: bool = False,
    json: Annotated[bool, Parameter(help="One document on stdout.")] = False,
    where: Where = HERE,
) -> int:
    """Do a mitigation, or take it back, and wait for its end; without a name, list what there is.

    Parameters
    ----------
    name
        As the strategy calls it; one that needs the matrix becomes the incident's plan, at the gate.
    undo
        Take it back.
    """
    place = find(where)
    if name is None:
        listed = _listed(enter(place).snapshot(), place.environment)
        print(document(listed) if json else "\n".join(_lines(listed)))
        return Exit.DONE
    what = Mitigate(name, undo)
    known = place.environment.mitigations.get(name)
    if known is None or known.authority == "matrix":
        do(place, what)
        return Exit.DONE
    ended = asyncio.run(run_errand(enter(place), what, UNDO if undo else MITIGATE))
    print(document(ended) if json else f"{ended.id} {ended.outcome}: {plain(ended.words)}")
    return ended.exit


def _listed(snapshot: Snapshot, environment: Environment) -> Listed:
    known = grounds(snapshot, environment)
    fires = firing(environment, known.rungs, known.declared)
    entries = (
        Known(
            name=name,
            title=one.title,
            kind=one.kind,
            covers=tuple(one.covers),
            covers_all_that_fires=covers(one, fires),
            authority=one.authority,
            cost=one.cost,
            state=snapshot.state.mitigations.get(name),
        )
        for name, one in environment.mitigations.items()
    )
    return Listed(fires=fires, mitigations=tuple(entries))


def _lines(listed: Listed) -> list[str]:
    fires = f"fires: {', '.join(listed.fires)}" if listed.fires else "nothing fires"
    none = ["the strategy names no `mitigations` of this environment"]
    return [fires, *([_line(one) for one in listed.mitigations] or none)]


def _line(one: Known) -> str:
    state = f"{one.state.status} since {clock(one.state.since)}" if one.state else "not tried"
    all_of_it = "all that fires" if one.covers_all_that_fires else ", ".join(one.covers)
    return f"{one.name:20} {state:24} cost {one.cost}, {one.authority}: {one.title}; covers {all_of_it}"

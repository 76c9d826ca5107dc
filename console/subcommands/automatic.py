"""Automatic rollback on the command line: how it stands, and its kill switch."""

from typing import Any

from cyclopts import App

from console.core.automatic_run import AutomaticRun
from console.core.automatic_words import stage_lines, told_now
from console.core.format import plain
from console.core.protocols import Snapshot
from console.core.requests import SwitchAutomatic
from console.subcommands.act import do
from console.subcommands.room import enter
from console.subcommands.tell import document
from console.subcommands.where import Place, Where, find

HERE = Where()
automatic = App(name="automatic", help="Automatic rollback: whether it is on, and its kill switch.")


@automatic.default
@automatic.command
def status(*, json: bool = False, where: Where = HERE) -> None:
    """Whether it is on, armed, off or held, and why; of one that has begun, every stage on its clock."""
    place = find(where)
    snapshot = enter(place).snapshot()
    if json:
        print(document(_document(place, snapshot)))
        return
    told = told_now(snapshot, place.environment)
    print(plain(f"{place.name}: automatic rollback {told.word}: {told.words}"))
    run = _run(snapshot)
    for one in stage_lines(run, snapshot.at) if run else ():
        late = ", OVER" if one.late else ""
        print(plain(f"  {one.stage:13} {one.state:6} {one.spent}{late}  {one.words}".rstrip()))


@automatic.command
def off(*, reason: str, where: Where = HERE) -> None:
    """Switch it off, in everybody's name who is in the roster; it stays off until somebody switches it on.

    Without a Warroom at hand: make the file `automatic.off` in the state folder of the environment.
    """
    do(find(where), SwitchAutomatic(on=False, reason=reason))


@automatic.command
def on(*, reason: str, where: Where = HERE) -> None:
    """Switch it on again: whoever would have to say yes to a plan may."""
    do(find(where), SwitchAutomatic(on=True, reason=reason))


def _run(snapshot: Snapshot) -> AutomaticRun | None:
    return snapshot.state.incident.automatic if snapshot.state.incident else None


def _document(place: Place, snapshot: Snapshot) -> dict[str, Any]:
    told, state = told_now(snapshot, place.environment), snapshot.state
    return {
        "schema": "warroom.automatic/1",
        "environment": place.name,
        "state": told.word,
        "words": told.words,
        "off": state.automatic_off,
        "incident": state.incident.id if state.incident else None,
        "run": _run(snapshot),
        "last": state.rolled_back,
    }

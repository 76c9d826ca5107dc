"""The people of an incident by command: its roles, who has which task, and handing the command over."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from console.core import requests as rq
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.fields import seconds_of
from console.core.format import clock, plain
from console.core.moments import written
from console.core.protocols import Snapshot
from console.core.roles import COMMANDER, held, shown, vacant
from console.core.staff import IncidentRole, Task
from console.core.state import Incident
from console.core.tasks import is_late, left_s, open_tasks, owner, time_words, whose
from console.subcommands.act import do
from console.subcommands.room import RefusedError, enter
from console.subcommands.tell import document
from console.subcommands.where import Place, Where, find

HERE = Where()
role = App(name="role", help="Roles of the incident: commander, operations, communications, scribe.")
task = App(name="task", help="Tasks of the incident: who has what, and how long they may take yet.")


class TimeBoxError(StatedError):
    """What was given as a time box is none."""

    exit = Exit.USAGE


# -- roles ------------------------------------------------------------------------------------------


@role.default
def roles(*, json: bool = False, where: Where = HERE) -> None:
    """Who has which role, who was asked, and which nobody has."""
    place = find(where)
    _, incident = _open(place)
    wanted = _wanted(place)
    told = [_role(incident, name) for name in shown(incident, wanted)]
    if json:
        of = {"schema": "warroom.roles/1", "environment": place.name, "incident": incident.id}
        print(document(of | {"roles": told, "vacant": vacant(incident, wanted)}))
        return
    for one in told:
        has = held(incident, one["role"])
        who = f"{has.person}, since {clock(has.since)}Z" if has else "nobody"
        asked = f"; {one['offered_to']} is asked" if one["offered_to"] else ""
        print(plain(f"{one['role']:15} {who}{asked}"))


@role.command
def take(role: IncidentRole, *, reason: str = "", where: Where = HERE) -> None:
    """Take a role that nobody has; or take it over from somebody, with the reason."""
    do(find(where), rq.TakeRole(role, reason))


@role.command
def offer(role: IncidentRole, who: str, *, where: Where = HERE) -> None:
    """Ask somebody to take a role: its holder may, and the commander."""
    do(find(where), rq.OfferRole(role, who))


@role.command
def accept(role: IncidentRole, *, where: Where = HERE) -> None:
    """Take the role that you were asked to take."""
    do(find(where), rq.AcceptRole(role))


@role.command
def decline(role: IncidentRole, *, where: Where = HERE) -> None:
    """Do not take it; or, where you asked, ask no more."""
    do(find(where), rq.DeclineRole(role))


def handover(who: str, *, where: Where = HERE) -> None:
    """Ask somebody to take the command; it is theirs when they accept: `warroom role accept commander`."""
    do(find(where), rq.OfferRole(COMMANDER, who))


# -- tasks ------------------------------------------------------------------------------------------


def assign(
    who: str,
    what: str,
    *,
    within: Annotated[str | None, Parameter(help="How long it may take, such as 5m.")] = None,
    where: Where = HERE,
) -> None:
    """Give somebody a task, perhaps with a time box.

    Parameters
    ----------
    who
        A handle of the roster; or a role of the incident, then it is for whoever has that.
    what
        What is to be done, in a few words.
    """
    do(find(where), rq.AssignTask(who, what, _seconds(within)))


@task.default
@task.command(name="list")
def tasks(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="", help="Also those that have ended.")] = False,
    json: bool = False,
    where: Where = HERE,
) -> None:
    """Who has what, and how long: the most urgent first."""
    place = find(where)
    snapshot, incident = _open(place)
    rows = list(open_tasks(incident, snapshot.at))
    if all_:
        rows += [(name, one) for name, one in incident.tasks.items() if one.status != "open"]
    if json:
        told = [_task(snapshot, incident, name, one) for name, one in rows]
        of = {"schema": "warroom.tasks/1", "environment": place.name, "incident": incident.id}
        print(document(of | {"tasks": told}))
        return
    for name, one in rows:
        print(plain(f"{name:4} {whose(incident, one):15} {_state(snapshot, one):15} {one.what}"))
    if not rows:
        print("nobody is waited for: no task is open")


@task.command
def done(task: str, *, note: str = "", where: Where = HERE) -> None:
    """Say that a task is done: whose it is may, who gave it, the commander and the scribe.

    Parameters
    ----------
    task
        Its id, as `warroom task list` shows it.
    note
        What came of it.
    """
    do(find(where), rq.EndTask(task, done=True, words=note))


@task.command
def drop(task: str, reason: str, *, where: Where = HERE) -> None:
    """Drop a task, with the reason: who gave it may, and the commander."""
    do(find(where), rq.EndTask(task, done=False, words=reason))


# -- in words, and as documents ---------------------------------------------------------------------


def _open(place: Place) -> tuple[Snapshot, Incident]:
    snapshot = enter(place).snapshot()
    if snapshot.state.open_incident is None:
        raise RefusedError(f"no incident is open in {place.name}")
    return snapshot, snapshot.state.open_incident


def _wanted(place: Place) -> list[IncidentRole]:
    rule = place.environment.war_room
    return rule.roles if rule else []


def _role(incident: Incident, name: str) -> dict[str, Any]:
    has, asked = held(incident, name), incident.offers.get(name)
    return {
        "role": name,
        "person": has.person if has else None,
        "since": written(has.since.utc_us) if has else None,
        "offered_to": asked.to if asked else None,
        "offered_by": asked.by if asked else None,
    }


def _task(snapshot: Snapshot, incident: Incident, name: str, one: Task) -> dict[str, Any]:
    """Moments are in UTC; `left_s` is below zero when overdue, null without a time box and when ended."""
    return {
        "id": name,
        "to": one.to,
        "person": owner(incident, one),
        "what": one.what,
        "by": one.by,
        "since": written(one.since.utc_us),
        "within_s": one.within_s,
        "left_s": left_s(one, snapshot.at) if one.status == "open" else None,
        "overdue": is_late(one, snapshot.at),
        "status": one.status,
        "ended": written(one.ended.utc_us) if one.ended else None,
        "words": one.words,
    }


def _state(snapshot: Snapshot, one: Task) -> str:
    return time_words(one, snapshot.at) if one.status == "open" else one.status


def _seconds(text: str | None) -> float | None:
    try:
        return seconds_of(text) if text is not None else None
    except ValueError:
        raise TimeBoxError(f"--within {text}: a time box is a duration such as 30s, 5m or 1h") from None

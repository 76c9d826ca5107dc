"""Looking: what is going on, without asking anybody for anything."""

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from console.config.roster import people_of
from console.core import plan as pl
from console.core.automatic_words import gate_words, told_now
from console.core.commands import key_table
from console.core.exits import Exit
from console.core.first_minute import first_minute
from console.core.format import plain
from console.core.next_step import Viewer, next_step
from console.core.protocols import Snapshot
from console.core.recommendation import of_snapshot
from console.core.status_line import status_line
from console.core.tasks import open_tasks, time_words, whose
from console.core.whereabouts import whereabouts
from console.store.room import LocalRoom
from console.subcommands.page import page
from console.subcommands.room import enter
from console.subcommands.standing_list import authorised
from console.subcommands.tell import document, line, names_of, plan_lines
from console.subcommands.where import Place, Where, find

HERE = Where()


async def status(*, json: bool = False, line: bool = False, follow: bool = False, where: Where = HERE) -> int:
    """What is going on: incident, plan, steps, engine, and what is next; 1 if not all of it can be read.

    Parameters
    ----------
    line
        One line for a status bar instead; with --follow, again as time goes on.
    """
    place = find(where)
    if line:
        return await _bar(place, follow=follow)
    snapshot = enter(place).snapshot()
    said = next_step(snapshot, place.environment, Viewer(place.actor, people_of(place.roster)))
    if snapshot.trouble:
        print(plain(snapshot.trouble), file=sys.stderr)
    code = Exit.FAILED if snapshot.trouble else Exit.DONE
    if json:
        print(document(_status(place, snapshot, said.sentence)))
        return code
    incident = snapshot.state.incident
    print(f"{place.name}  engine {_engine(snapshot)}  {snapshot.state.seq} events")
    if incident:
        print(f"{incident.id} {incident.status} {incident.severity or ''}")
        print(f"commander {incident.commander or 'nobody yet'}")
        for trigger in incident.triggers:
            print(f"  {trigger}")
    for name, rung in snapshot.state.rungs.items():
        print(f"  {name:28} {rung.rung}")
    for name, why in snapshot.live.trouble.items() if snapshot.live else ():
        print(f"  {name}: {plain(why)}")
    for words in first_minute(snapshot):
        print(plain(words))
    print(f"automatic {plain(told_now(snapshot, place.environment).words)}")
    _tell_tasks(snapshot)
    _tell_frozen(snapshot)
    print(f"standing {plain(authorised(place, snapshot).words)}")
    advised = of_snapshot(snapshot, place.environment)
    print(f"rollback {advised.level}: {plain(advised.words)}")
    for reason in advised.reasons:
        print(f"  {plain(reason)}")
    print(f"NEXT {said.sentence}")
    return code


def _tell_tasks(snapshot: Snapshot) -> None:
    incident = snapshot.state.open_incident
    if incident is None:
        return
    for _, task in open_tasks(incident, snapshot.at):
        print(plain(f"waits for {whose(incident, task)}, {time_words(task, snapshot.at)}: {task.what}"))


def _tell_frozen(snapshot: Snapshot) -> None:
    for held in snapshot.state.frozen.values():
        print(plain(f"frozen {held.workflow} of {held.repository}, {held.before} before"))


async def _bar(place: Place, *, follow: bool) -> int:
    room = enter(place)
    while True:
        print(plain(status_line(room.snapshot(), place.name, place.environment)), flush=True)
        if not follow:
            return Exit.DONE
        await room.changed(1.0)


async def timeline(*, follow: bool = False, json: bool = False, where: Where = HERE) -> None:
    """Everything that has happened, a line an event; with --follow, goes on as it happens."""
    place = find(where)
    room, names = enter(place), names_of(place.environment)
    seen = 0
    while True:
        seen = _tell_from(room, seen, lambda event: document(event) if json else line(event, names))
        if not follow:
            return
        await room.changed(1.0)


def plan(
    *,
    json: bool = False,
    print_: Annotated[bool, Parameter(name="--print", negative="")] = False,
    where: Where = HERE,
) -> int:
    """The plan: what will run, exactly, and what the gate demands.

    Parameters
    ----------
    print_
        One page for paper instead: also what is at stake, what is proven since when, and who has said yes.
    """
    place = find(where)
    snapshot = enter(place).snapshot()
    incident = snapshot.state.open_incident
    if incident is None or incident.plan is None:
        print(f"there is no plan in {place.name}", file=sys.stderr)
        return Exit.FAILED
    if json:
        print(pl.frozen(incident.plan).decode())
    elif print_:
        print("\n".join(page(snapshot, incident, incident.plan)))
    else:
        print("\n".join(plan_lines(incident.plan, incident.plan_hash or "")))
        if how := gate_words(incident):
            print(f"gate     {how}")
    return Exit.DONE


def steps(*, json: bool = False, where: Where = HERE) -> int:
    """The steps of the plan, and what became of each."""
    place = find(where)
    incident = enter(place).snapshot().state.incident
    if incident is None or incident.plan is None:
        print(f"there is no plan in {place.name}", file=sys.stderr)
        return Exit.FAILED
    for step in incident.plan.steps:
        state = incident.step(step.id)
        if json:
            print(document({"id": step.id, "phase": step.phase, "state": state}))
        else:
            print(f"{step.phase:8} {step.id:14} {state.status:8} {state.words}")
    return Exit.DONE


def keys() -> None:
    """The keys of the console, as the table in the docs."""
    print(key_table())


def _tell_from(room: LocalRoom, seen: int, say: Any) -> int:
    """Print the events after number `seen`; returns the number of the last one."""
    head = room.snapshot().state.seq
    while seen < head:
        for event in room.timeline(min(seen + _PAGE, head) + 1, min(_PAGE, head - seen)):
            print(say(event))
            seen = event.seq
    sys.stdout.flush()
    return seen


_PAGE = 500


def _status(place: Place, snapshot: Snapshot, sentence: str) -> dict[str, Any]:
    return {
        "schema": "warroom.status/1",
        "environment": place.name,
        "engine_silent_s": snapshot.engine_silent_s,
        "events": snapshot.state.seq,
        "head": snapshot.head,
        "rungs": snapshot.state.rungs,
        "incident": snapshot.state.incident,
        "impact": snapshot.live.impact if snapshot.live else None,
        "trouble": snapshot.live.trouble if snapshot.live else {},
        "frozen": snapshot.state.frozen,
        "pending": snapshot.pending,
        "on_call": snapshot.live.on_call if snapshot.live else None,
        "webhook": snapshot.live.webhook if snapshot.live else None,
        "standing": authorised(place, snapshot),
        "recommendation": of_snapshot(snapshot, place.environment),
        "mitigations": snapshot.state.mitigations,
        "automatic": told_now(snapshot, place.environment),
        "users": whereabouts(snapshot, place.environment),
        "next": sentence,
    }


def _engine(snapshot: Snapshot) -> str:
    if snapshot.engine_silent_s is None:
        return "has never run"
    return f"heard {snapshot.engine_silent_s:.1f} s ago"

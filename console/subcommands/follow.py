"""Following what was asked for to its end: a verb that runs by itself, or a plan that is being made."""

import sys
from typing import Literal

from msgspec import Struct

from console.core import events as ev
from console.core.errands import how_far, progress_of
from console.core.exits import Exit
from console.core.format import clock, plain
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.requests import Errand, Mitigate, Replan
from console.core.state import Incident
from console.store.room import LocalRoom
from console.subcommands.room import QueuedError, RefusedError, asked

TOLD_EVERY_S = 1.0
"""Progress is told no more often than this."""


class Ended(Struct, frozen=True, kw_only=True):
    """How a verb by itself ended; with `--json`, printed as it stands here."""

    schema: Literal["warroom.errand/1"] = "warroom.errand/1"
    id: str
    verb: str
    outcome: Literal["done", "failed"]
    words: str
    facts: dict[str, str]
    """What was measured, by name."""

    @property
    def exit(self) -> Exit:
        """For a pipeline."""
        return Exit.DONE if self.outcome == "done" else Exit.FAILED


async def run_errand(room: LocalRoom, what: Errand | Mitigate, verb: str) -> Ended:
    """Ask for what runs by itself, `verb`; tell on stderr how far it is, and return how it ended.

    Raises RefusedError, or QueuedError when no engine takes it or its engine goes away.
    """
    (begun,) = await asked(room, what)
    run, told = begun.incident or "", ""
    while (ended := _ended(room.snapshot(), run, verb)) is None:
        snapshot = room.snapshot()
        _insist(snapshot, run)
        if (words := _progress(snapshot, run)) != told:
            _tell(snapshot, f"{run} {words}")
            told = words
        await room.changed(TOLD_EVERY_S)
    return ended


async def make_plan(room: LocalRoom, what: Replan) -> Incident:
    """Ask for the plan, tell on stderr what is looked at, and return the incident with its plan.

    Raises RefusedError, also when no plan can be made; QueuedError as `run_errand` does.
    """
    await asked(room, what)
    told = ""
    while (incident := room.snapshot().state.open_incident) is not None and incident.planning:
        snapshot = room.snapshot()
        _insist(snapshot, "the plan")
        doing = snapshot.live.planning.words if snapshot.live and snapshot.live.planning else "begins"
        if doing != told:
            _tell(snapshot, f"planning: {doing}")
            told = doing
        await room.changed(TOLD_EVERY_S)
    if incident is None:
        raise RefusedError("the incident was resolved while the plan was made")
    if incident.planning_failed is not None:
        raise RefusedError(f"no plan: {incident.planning_failed}")
    return incident


def _ended(snapshot: Snapshot, run: str, verb: str) -> Ended | None:
    """From the events: by the time that one looks, another verb may have begun."""
    facts: dict[str, str] = {}
    for event in snapshot.events:
        if event.incident != run:
            continue
        if isinstance(event.body, ev.StepOutcome):
            facts |= event.body.facts
        if isinstance(event.body, ev.ErrandEnded):
            return Ended(id=run, verb=verb, outcome=event.body.outcome, words=event.body.words, facts=facts)
    return None


def _progress(snapshot: Snapshot, run: str) -> str:
    errand = snapshot.state.open_errand
    step = progress_of(snapshot, errand) if errand and errand.id == run else None
    return how_far(step, snapshot.at) if step else "begins"


def _insist(snapshot: Snapshot, what: str) -> None:
    """Nobody waits for an engine that is not there."""
    if presence(snapshot) in (Presence.GONE, Presence.STOPPED):
        raise QueuedError(f"the engine is gone: the next one looks what became of {what}; `warroom status`")


def _tell(snapshot: Snapshot, words: str) -> None:
    print(f"{clock(snapshot.at)} {plain(words)}", file=sys.stderr, flush=True)

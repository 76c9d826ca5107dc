"""The room as the command line enters it: one environment's projection, and a way to ask and be answered."""

import asyncio
from collections.abc import Callable

from console.core import events as ev
from console.core.errors import StatedError
from console.core.events import Event
from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.core.requests import AnyAsk
from console.engine.spawn import EngineWanted, SpawnError, spawn_detached
from console.store.clock import SystemClock
from console.store.room import LocalRoom
from console.subcommands.where import Place

ANSWER_S = 15.0
"""How long a command waits for the engine's answer, before it says that the request is queued."""
_OF_AUTHORITY = (
    "go",
    "allow",
    "approve",
    "waive",
    "signstanding",
    "revokestanding",
    "signreview",
    "switchautomatic",
    "undo",
    "takerole",
    "offerrole",
    "acceptrole",
    "declinerole",
)
"""Requests whose refusal says that whoever asks lacks authority."""


class RefusedError(StatedError):
    """The engine refused."""


class UnauthorisedError(StatedError):
    """The engine refused a yes, or to let something go."""

    exit = Exit.UNAUTHORISED


class QueuedError(StatedError):
    """Nobody has answered yet."""

    exit = Exit.INCOMPLETE


def enter(place: Place) -> LocalRoom:
    """The room of that place; it may have no journal yet."""
    wanted = EngineWanted(place.strategy, place.roster, place.name, place.state)

    def start_engine() -> None:
        if place.separated:
            raise SpawnError("the engine has an account of its own: its service manager starts it")
        spawn_detached(wanted)

    return LocalRoom(
        place.environment,
        place.name,
        place.actor,
        state=place.state,
        runtime=place.runtime(),
        clock=SystemClock(),
        start_engine=start_engine,
        sharing=place.sharing,
    )


def ask(room: LocalRoom, what: AnyAsk) -> tuple[Event, ...]:
    """Put the request in, wait for the engine's answer, and return the events that it led to.

    Raises RefusedError, UnauthorisedError, or QueuedError when no engine takes it.
    """
    return asyncio.run(asked(room, what))


async def asked(room: LocalRoom, what: AnyAsk) -> tuple[Event, ...]:
    """See `ask`; for a command that goes on looking afterwards."""
    request = room.submit(what)
    answered = lambda snapshot: request in snapshot.state.answered  # noqa: E731 - one use, one line
    snapshot = await until(room, answered, ANSWER_S)
    if snapshot is None:
        raise QueuedError(
            f"queued, but no engine has answered within {ANSWER_S:g} s: is one running? `warroom status`"
        )
    events = tuple(event for event in snapshot.events if event.request == request)
    for event in events:
        if isinstance(event.body, ev.RequestRefused):
            refused = UnauthorisedError if event.body.ask in _OF_AUTHORITY else RefusedError
            raise refused(f"refused: {event.body.reason}")
    return events


async def until(
    room: LocalRoom, condition: Callable[[Snapshot], bool], limit_s: float | None
) -> Snapshot | None:
    """The first snapshot for which `condition` holds; None when none did within `limit_s`."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition(snapshot := room.snapshot()):
                await room.changed(1.0)
            return snapshot
    except TimeoutError:
        return None

"""`warroom` by itself: the console on an environment."""

from console.config.roster import people_of
from console.core.presence import Presence, presence
from console.subcommands.room import enter
from console.subcommands.where import Look, Where, find


def console(*, look: Look = "dark", where: Where = Where()) -> None:  # noqa: B008 - frozen
    """Open the console; starts the engine if none runs and the strategy leaves that to consoles."""
    from console.app import run_console

    place = find(where)
    room = enter(place)
    if place.environment.engine == "cooperative" and presence(room.snapshot()) is not Presence.ALIVE:
        room.start_engine()
    run_console(room, look=look, roster=people_of(place.roster))

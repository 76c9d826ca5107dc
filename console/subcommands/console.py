"""`warroom` by itself: the console on an environment."""

from console.subcommands.room import enter, has_engine
from console.subcommands.where import Where, find


def console(*, where: Where = Where()) -> None:  # noqa: B008 - frozen
    """Open the console; starts the engine if none runs and the strategy leaves that to consoles."""
    from console.app import run_console

    place = find(where)
    room = enter(place)
    if place.environment.engine == "cooperative" and not has_engine(room.snapshot()):
        room.start_engine()
    run_console(room)

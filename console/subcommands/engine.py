"""`warroom engine` and `warroom watch`: the headless process, until it is told to stop.

They are one engine. Consoles start the first, which keeps quiet; a service manager starts the second, which
tells it that it is ready, how it stands and that it still looks, and logs that for people or programs.
"""

import asyncio
import os
from dataclasses import replace

import structlog

from console.config.roster import load_roster
from console.core.errors import StatedError
from console.engine.build import Wanted, run
from console.engine.log import Form, configure
from console.store.private import HOST
from console.store.separate import refuse_other_hands, settle
from console.subcommands.where import Where, find

HERE = Where()


def engine(*, with_pid: int | None = None, where: Where = HERE) -> None:
    """Run the engine of an environment as consoles start it: samples, judges, and runs what it is asked to.

    Parameters
    ----------
    with_pid
        Ends when that process ends: the keeper of a drill.
    """
    asyncio.run(run(_wanted(where, with_pid=with_pid), os.environ))


def watch(*, log: Form = "plain", where: Where = HERE) -> int | None:
    """Run the engine of an environment in the foreground, without a terminal: made for a service manager.

    The same engine as a console starts: it samples, judges, and runs what it is asked to. It also tells
    systemd (Type=notify, WatchdogSec) that it is ready, how it stands, and that it has not stopped looking.
    Where an engine runs already, it says so and ends with 1.

    Parameters
    ----------
    log
        What goes to stderr: lines for people, or one JSON object a line.
    """
    try:
        asyncio.run(run(_wanted(where, managed=True, log=log), os.environ))
    except StatedError as error:
        if log == "plain":
            raise
        if not structlog.is_configured():
            configure(str, log)  # no secret was resolved yet
        structlog.get_logger().error("service.refused", why=str(error))
        return error.exit
    return None


def _wanted(
    where: Where, *, with_pid: int | None = None, managed: bool = False, log: Form = "json"
) -> Wanted:
    """The engine of the environment, once it is sure that nobody else could have it run what they like."""
    place = find(where)
    roster = load_roster(place.roster)
    if place.separated:
        # No link on the way: whoever may change one could lead us elsewhere later.
        place = replace(place, state=place.state.resolve())
        settle(place.state)
        revoked = roster.roster.revoked
        files = [place.strategy, place.roster, *([place.roster.parent / revoked] if revoked else [])]
        refuse_other_hands(*files, place.state)
    return Wanted(
        loaded=place.loaded,
        roster=roster,
        name=place.name,
        environment=place.environment,
        state=place.state,
        runtime=place.runtime(),
        with_pid=with_pid,
        sharing=HOST if place.separated else place.sharing,
        managed=managed,
        log=log,
    )

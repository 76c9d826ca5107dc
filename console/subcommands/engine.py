"""`warroom engine`: the headless process, until it is told to stop."""

import asyncio
import os

from console.config.paths import runtime_dir
from console.config.roster import load_roster
from console.engine.build import Wanted, run
from console.subcommands.where import Where, find


def engine(*, with_pid: int | None = None, where: Where = Where()) -> None:  # noqa: B008 - frozen
    """Run the engine of an environment: samples, judges, and runs what it is asked to.

    Parameters
    ----------
    with_pid
        Ends when that process ends: the keeper of a drill.
    """
    place = find(where)
    wanted = Wanted(
        loaded=place.loaded,
        roster=load_roster(place.roster),
        name=place.name,
        environment=place.environment,
        state=place.state,
        runtime=runtime_dir(str(place.state)),
        with_pid=with_pid,
    )
    asyncio.run(run(wanted, os.environ))

"""`warroom engine`: the headless process, until it is told to stop."""

import asyncio
import os
from dataclasses import replace

from console.config.roster import load_roster
from console.engine.build import Wanted, run
from console.store.private import HOST
from console.store.separate import refuse_other_hands, settle
from console.subcommands.where import Where, find


def engine(*, with_pid: int | None = None, where: Where = Where()) -> None:  # noqa: B008 - frozen
    """Run the engine of an environment: samples, judges, and runs what it is asked to.

    Parameters
    ----------
    with_pid
        Ends when that process ends: the keeper of a drill.
    """
    place = find(where)
    roster = load_roster(place.roster)
    if place.separated:
        # No link on the way: whoever may change one could lead us elsewhere later.
        place = replace(place, state=place.state.resolve())
        settle(place.state)
        revoked = roster.roster.revoked
        files = [place.strategy, place.roster, *([place.roster.parent / revoked] if revoked else [])]
        refuse_other_hands(*files, place.state)
    wanted = Wanted(
        loaded=place.loaded,
        roster=roster,
        name=place.name,
        environment=place.environment,
        state=place.state,
        runtime=place.runtime(),
        with_pid=with_pid,
        sharing=HOST if place.separated else place.sharing,
    )
    asyncio.run(run(wanted, os.environ))

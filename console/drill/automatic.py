"""Automatic rollback in a drill: switched off, unless it is what is rehearsed, with windows of seconds."""

import sys
from typing import Any

from console.drill.world import World

AUTOMATIC_IN = "testnet"
"""The environment where it can be rehearsed: with nobody's signature."""
_STAGES = {"detection": "10s", "alert": "10s", "validation": "20s", "execution": "40s", "verification": "40s"}
"""More than a minute a second would give: it is real work, on a machine that does other things too."""
_COOL_DOWN = "1m"
_AWAY = "health_check_failures > 0 for 10s"
_PROBE = {"every": "1s", "limit": "5s"}


def rehearse_automatic(environment: Any, world: World) -> None:
    """Have the environment of a drill's strategy roll back without being asked, or not at all."""
    rule = environment["automatic"]
    if not world.wanted.automatic:
        rule["enabled"] = False
        return
    rule |= {"cool_down": _COOL_DOWN, "stages": _STAGES}
    # A deployment takes the service away for a while, on a busy machine for some seconds.
    environment["metrics"]["health_check_failures"]["rungs"]["mandatory"] = _AWAY
    # The bad release fails its users while its health endpoint says ok: only somebody who signs can tell.
    argv = [sys.executable, "-m", "console.drill.synthetic", world.service_url]
    environment["sources"]["synthetic"] = {"kind": "command", "argv": argv, **_PROBE}
    environment["metrics"]["synthetic_failures"] = {
        "title": "synthetic",
        "unit": "count",
        "measure": {"kind": "failures in a row", "source": "synthetic"},
        "rungs": {},
    }
    rule["second_path"]["error_rate"] = "synthetic_failures > 0"

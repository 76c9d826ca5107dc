"""The cache: whether it answers as a Redis that can be kept, emptied or restored."""

from console.core.checked import Remark, good, lack, note, warn
from console.core.errors import StatedError
from console.core.format import count, size
from console.engine.checks.case import Case

TARGET = "cache"


async def cache(case: Case) -> list[Remark]:
    """What it says of itself; nothing where the strategy names none."""
    rules = case.environment.cache
    if rules is None:
        return []
    if missing := case.lacking(rules):
        return [note(TARGET, f"waits for {', '.join(missing)}")]
    server = case.maker().cache(rules, case.docker if rules.container else None)
    try:
        state = await server.state()
    except StatedError as error:
        return [lack(TARGET, str(error), "look whether it runs and takes the password in `cache.url`")]
    limit = size(state.maxmemory) if state.maxmemory else "no limit"
    keys = count(sum(state.keys.values()), "key")
    remarks = [
        good(TARGET, f"Redis {state.version}, {keys}, {size(state.memory)} of {limit}, {state.policy}")
    ]
    if state.loading:
        remarks.append(warn(TARGET, "it is loading its data, and serves nobody yet", "wait until it has"))
    if state.role != "master":
        remarks.append(lack(TARGET, "it is a replica, so nothing can be emptied there", "name its master"))
    if state.aof and not state.aof_healthy:
        remarks.append(
            warn(TARGET, "the last write of its append-only file failed", "look at its disk and log")
        )
    return remarks

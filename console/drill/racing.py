"""Somebody's deploy that races the rollback: the workflow enabled again, a fix pushed, and a run of it."""

import httpx

from console.drill.ci import PUSHED, REPOSITORY, WORKFLOW_FILE
from console.drill.ci_world import TOKEN
from console.drill.history import add_commit
from console.drill.moment import now
from console.drill.place import DrillError, Place, one_line
from console.drill.story import Change
from console.targets.process import Programs

WHO = "eng-4"
FIX = Change(WHO, 0, "Raise the ceiling a little", "v1.5.2", ("config/gas.toml",), branch="main")
"""A fix that mends nothing, by somebody who has not heard of the incident."""


async def race(place: Place, programs: Programs, ci: str | None) -> str:
    """Do all of it; full id of the commit that the branch is at now."""
    if ci is None:
        raise DrillError("no CI deploys this world: nobody can race the rollback through one")
    token = (place.secrets / TOKEN).read_text(encoding="utf-8")
    headers = {"authorization": f"Bearer {token}"}
    workflow = f"/repos/{REPOSITORY}/actions/workflows/{WORKFLOW_FILE}"
    try:
        async with httpx.AsyncClient(base_url=ci, trust_env=False, timeout=5, headers=headers) as http:
            (await http.put(f"{workflow}/enable")).raise_for_status()
            commit = await add_commit(place, programs, FIX, now().utc_us // 1_000_000)
            told = {"commit": commit, "title": FIX.message, "actor": WHO}
            (await http.post(PUSHED, json=told)).raise_for_status()
    except httpx.HTTPError as error:
        raise DrillError(f"the CI of this world did not hear of the push: {one_line(error)}") from error
    return commit

"""All targets of environments, asked at once: each in limited time, and what goes wrong is a remark."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from console.core.checked import Remark, good, lack, worst_first
from console.core.errors import StatedError
from console.core.format import plain
from console.engine.checks import (
    archive,
    cache,
    database,
    deployment,
    env_file,
    programs,
    repository,
    sources,
    storage,
)
from console.engine.checks.case import Case
from console.targets.together import together

LIMIT_S = 14.0
"""So long one target may take to be asked about everything."""

Probe = Callable[[Case], Coroutine[Any, Any, Sequence[Remark]]]


async def _secrets(case: Case) -> list[Remark]:
    """Every secret that the environment refers to."""
    told = dict(case.secrets_trouble())
    missing = [lack("secrets", *words.split("; ", 1)) for words in told.values() if words]
    there = [reference for reference, words in told.items() if not words]
    return [*missing, *([good("secrets", ", ".join(there))] if there else [])]


PROBES: Mapping[str, Probe] = {
    "secrets": _secrets,
    "repository": repository.repository,
    "releases": repository.releases,
    "deploy": deployment.deploy,
    "sources": sources.sources,
    "metrics": sources.unmeasured,
    "environment file": env_file.env_file,
    "database": database.database,
    "cache": cache.cache,
    "backups": storage.backups,
    "archive": archive.archive,
    "containers": programs.containers,
    "commands": programs.commands,
    "programs": programs.needed,
}
"""What is asked, in the order in which it is told: what comes first may be the reason of what comes later."""
OFFLINE = {name: PROBES[name] for name in ("secrets", "metrics", "commands", "programs")}
"""Those of them that ask nobody but this machine."""


async def check(
    cases: Sequence[Case], redact: Callable[[str], str], probes: Mapping[str, Probe] = PROBES
) -> dict[str, list[Remark]]:
    """The remarks about each environment by its name; nothing is changed anywhere.

    It takes little longer than LIMIT_S, whatever hangs.
    """
    asked = [(case, target, probe) for case in cases for target, probe in probes.items()]
    told = await together(*(_within(case, target, probe) for case, target, probe in asked))
    remarks: dict[str, list[Remark]] = {case.name: [] for case in cases}
    for (case, _, _), found in zip(asked, told, strict=True):
        remarks[case.name] += [_safe(each, redact) for each in found]
    return {name: worst_first(found) for name, found in remarks.items()}


async def _within(case: Case, target: str, probe: Probe) -> Sequence[Remark]:
    """What a probe finds; where it does not end in time, or cannot ask, that is the finding."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return await probe(case)
    except TimeoutError:
        return [
            lack(target, f"no answer within {LIMIT_S:g} s", "look whether it is well, and reached from here")
        ]
    except StatedError as error:
        return [lack(target, str(error))]


def _safe(remark: Remark, redact: Callable[[str], str]) -> Remark:
    """On one line, and without a secret."""
    to_do = "\n".join(map(plain, redact(remark.to_do).splitlines()))
    return replace(remark, words=plain(redact(remark.words)), to_do=to_do)

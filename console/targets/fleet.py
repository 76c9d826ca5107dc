"""A service that runs as several instances: all are asked at the same time, and judged together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import httpx
from msgspec.structs import replace

from console.core.clock import Clock
from console.core.health_verdict import HealthRule
from console.core.instances import prevailing, together
from console.targets.health import Asking, Health, HealthProbe

_Told = TypeVar("_Told")


def asking(rule: HealthRule, client: httpx.AsyncClient, clock: Clock) -> Asking:
    """Whoever asks all that a rule names: each instance, or where it names none, the one address."""
    if not rule.instances:
        return HealthProbe.by(rule, client, clock)
    return Fleet(
        {name: HealthProbe.by(replace(rule, url=url), client, clock) for name, url in rule.instances.items()}
    )


class Fleet:
    """Every instance of a service."""

    def __init__(self, probes: Mapping[str, Asking]) -> None:
        """`probes` ask one instance each, by its name; at least one."""
        self._probes = probes

    async def ask(self) -> Health:
        """Ask all of them at once; the answer is there when the last one has answered, or was given up."""
        answers = await asyncio.gather(*(probe.ask() for probe in self._probes.values()))
        return together_of(dict(zip(self._probes, answers, strict=True)))


def wrong_with(
    health: Health,
    version: str,
    *,
    named: Sequence[str] = (),
    also: Callable[[Health], str] = lambda _: "",
) -> str:
    """Why a service is not healthy in that version, on every instance; empty where it is.

    `version`: empty for whichever, but the same everywhere. `named`: instances that must have been asked.
    `also` says what else is wrong with a good answer.
    """
    if not named and not health.each:
        if not health.ok:
            return health.words
        return (health.other_than(version) if version else None) or also(health)
    versions = {name: one.version or "" for name, one in health.each.items()}
    right = version or (prevailing(versions) if versions else "")
    wrong = {name: _wrong_there(one, right) or also(one) for name, one in health.each.items()}
    wrong |= {name: "not asked: the strategy names it no more" for name in named if name not in wrong}
    return together(wrong, f"on {right}" if right else "healthy")


def _wrong_there(health: Health, version: str) -> str:
    """What is wrong with one of several instances, to go on a sentence that began with its name."""
    told = [] if health.ok else [health.words]
    if (health.version or "") != version:
        told.insert(0, f"on {health.version}" if health.version else "tells no version")
    return ", ".join(told)


def together_of(each: Mapping[str, Health]) -> Health:
    """Healthy only if all are; of a version or commit only if all tell that one."""
    answers = list(each.values())
    bad = [one for one in answers if not one.ok]
    sick = together({name: "" if one.ok else one.words for name, one in each.items()}, "healthy")
    whole = Health(
        ok=not bad,
        words="",
        version=_one_of({one.version for one in answers}),
        commit=_one_of({one.commit for one in answers}),
        at=max((one.at for one in answers), key=lambda at: at.boot_us),
        status=_one_of({one.status for one in answers}),
        took_s=max((one.took_s for one in answers if one.took_s is not None), default=None),
        certified_until=min((one.certified_until for one in answers if one.certified_until), default=None),
        reached=any(one.reached for one in bad) if bad else True,
        each=each,
    )
    return replace(whole, words=sick or whole.mixed or f"all {len(each)}: {answers[0].words}")


def _one_of(told: set[_Told]) -> _Told | None:
    """What all tell; None where they do not agree."""
    return told.pop() if len(told) == 1 else None

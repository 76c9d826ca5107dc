"""`warroom health`: the exit code for a pipeline, from the health endpoint alone. Needs no engine."""

import os
import sys
from typing import Annotated, Any

import httpx
from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import replace

from console.config.paths import BUNDLED, strategy_path
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.fields import seconds_of
from console.core.format import clock, count, plain
from console.core.health_verdict import Answer, HealthRule, Verdict, rule_of, verdict
from console.core.moments import written
from console.store.clock import SystemClock
from console.subcommands.tell import document
from console.subcommands.where import Where, choose
from console.targets import web
from console.targets.fleet import asking, wrong_with
from console.targets.health import Asking, Health

EXITS = {Verdict.HEALTHY: Exit.DONE, Verdict.SICK: Exit.UNHEALTHY, Verdict.UNKNOWN: Exit.INCOMPLETE}
SCHEMES = ("http", "https")


class HealthUsageError(StatedError):
    """Options that mean nothing."""

    exit = Exit.USAGE


class Asked(Struct, frozen=True):
    """One probe and what it brought."""

    health: Health
    answer: Answer
    words: str
    latency_s: float


async def health(
    *,
    url: str | None = None,
    release: str | None = None,
    probes: int | None = None,
    every: Annotated[str | None, Parameter(help="Between two probes, such as 2s.")] = None,
    json: bool = False,
    where: Where = Where(),  # noqa: B008 - frozen
) -> int:
    """Say whether the service is healthy, for a pipeline: 0 healthy, 4 sick, 5 unknown.

    Asks the health endpoint again and again, as the strategy says. Healthy: so many good answers in a row.
    Sick: all probes are used up, and the last ones brought a bad answer, none in time, or a refusal. Unknown:
    the last ones do not agree, or did not get there (name, route, certificate): look yourself.
    Where the strategy names several instances all are asked, and a good answer is one of every instance, of
    one release. Changes nothing, and needs no engine.

    Parameters
    ----------
    url
        Another address to ask, by the same rule. Where there is no strategy file, this alone will do: status
        200, whatever the body, 3 good answers in a row within 5 probes, 2s apart, 4s for an answer.
    release
        The version that must answer; without a strategy file, field `version` of the JSON body tells it.
    probes
        How many at most.
    """
    name, rule = _rule(where, url)
    rule = _adjusted(rule, probes, every)
    asked: list[Asked] = []
    async with web.new_client() as client:
        time = SystemClock()
        probe = asking(rule, client, time)
        while (found := _verdict(asked, rule)) is None:
            if asked:
                await time.sleep(rule.every_s)
            asked.append(await _ask(probe, time, release))
            print(_line(asked, rule), file=sys.stderr, flush=True)
    said = _document(name, rule, release, found, asked)
    print(document(said) if json else f"{found}: {_why(found, asked, rule)}")
    return EXITS[found]


def _rule(where: Where, url: str | None) -> tuple[str | None, HealthRule]:
    """The environment whose rule it is, and the rule; without a strategy file, of no environment."""
    if url is not None:
        _check_address(url)
        if not _has_strategy(where):
            return None, HealthRule(url)
    chosen = choose(where)
    rule = rule_of(chosen.environment)
    _check_address(rule.url)
    return chosen.name, rule if url is None else replace(rule, url=url, instances={})


def _check_address(url: str) -> None:
    """HealthUsageError for what is no address at all; whether one leads anywhere, the probes tell."""
    try:
        scheme = httpx.URL(url).scheme
    except httpx.InvalidURL as error:
        raise HealthUsageError(f"not an address to ask: {plain(str(error))}") from None
    if scheme not in SCHEMES:
        raise HealthUsageError(
            f"{plain(url)}: not an address: write one that begins with http:// or https://"
        )


def _has_strategy(where: Where) -> bool:
    """Whether anybody has named a strategy file, or an environment in the one that comes with the program."""
    named = where.env or os.environ.get("WARROOM_ENV")
    return bool(named) or strategy_path(where.strategy) != BUNDLED / "strategy.yaml"


def _adjusted(rule: HealthRule, probes: int | None, every: str | None) -> HealthRule:
    """The rule with what the options say instead."""
    tries = rule.tries if probes is None else probes
    if tries < rule.in_a_row:
        raise HealthUsageError(
            f"{count(tries, 'probe')} cannot bring {rule.in_a_row} good answers in a row: ask for more probes"
        )
    try:
        every_s = rule.every_s if every is None else seconds_of(every)
    except ValueError:
        raise HealthUsageError(
            f"--every {plain(every or '')}: no length of time: write 2s or 500ms"
        ) from None
    return replace(rule, tries=tries, every_s=every_s)


async def _ask(probe: Asking, time: SystemClock, release: str | None) -> Asked:
    began = time.now()
    health = await probe.ask()
    wrong = wrong_with(health, release or "")
    answer = Answer.BAD if wrong else Answer.GOOD
    answer = answer if health.reached else Answer.UNREACHED
    return Asked(health, answer, plain(wrong or health.words), health.at.seconds_since(began))


def _verdict(asked: list[Asked], rule: HealthRule) -> Verdict | None:
    return verdict([one.answer for one in asked], in_a_row=rule.in_a_row, tries=rule.tries)


def _line(asked: list[Asked], rule: HealthRule) -> str:
    """`14:09:17 2/30 bad: answers 503, not 200, v1.5.3, 12 ms`."""
    last = asked[-1]
    version = f", {last.health.version}" if last.health.version else ""
    took = f"{last.latency_s * 1000:.0f} ms"
    return f"{clock(last.health.at)} {len(asked)}/{rule.tries} {last.answer}: {last.words}{version}, {took}"


def _why(found: Verdict, asked: list[Asked], rule: HealthRule) -> str:
    """What the verdict rests on, in a sentence."""
    last = asked[-1]
    if found is Verdict.HEALTHY:
        version = f", {last.health.version}" if last.health.version else ""
        return f"{count(rule.in_a_row, 'good answer')} in a row{version}"
    drew = [one.answer for one in asked[-rule.in_a_row :]]
    if found is Verdict.SICK:
        what = "brought no good answer"
    else:
        unreached = set(drew) == {Answer.UNREACHED}
        what = "did not get there" if unreached else f"do not agree ({', '.join(drew)})"
    return f"the last {len(drew)} of {count(len(asked), 'probe')} {what}; the last one: {last.words}"


def _document(
    name: str | None, rule: HealthRule, release: str | None, found: Verdict, asked: list[Asked]
) -> dict[str, Any]:
    """What --json prints: `at` is when the answer was there or was given up, `status` is HTTP's."""
    return {
        "schema": "warroom.health/1",
        "verdict": found,
        "environment": name,
        "url": web.place(httpx.URL(rule.url)),
        "wanted": release,
        "in_a_row": rule.in_a_row,
        "tries": rule.tries,
        "probes": [
            {
                "at": written(one.health.at.utc_us),
                "answer": one.answer,
                "status": one.health.status,
                "words": one.words,
                "latency_s": round(one.latency_s, 6),
                "release": one.health.version,
                "instances": {name: _instance(told) for name, told in one.health.each.items()},
            }
            for one in asked
        ],
    }


def _instance(told: Health) -> dict[str, Any]:
    return {"ok": told.ok, "status": told.status, "words": plain(told.words), "release": told.version}

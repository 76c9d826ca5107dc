"""Sources and metrics: each source is asked by the very watcher of the engine, and the ladder judges once."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from functools import partial

from msgspec import Struct

from console.core.checked import Remark, good, lack, note, warn
from console.core.errors import StatedError
from console.core.format import count
from console.core.format import value as shown
from console.core.freshness import gaps
from console.core.instances import spread
from console.core.measures import NOTHING, Measured
from console.core.metrics import Rung
from console.core.naming import listed
from console.core.rules import Ladder, Standing
from console.core.stats import STATS, count_of
from console.core.strategy import Environment
from console.core.watched import (
    AnySource,
    Cached,
    Connect,
    Containers,
    Host,
    Metric,
    Probe,
    Program,
    Prometheus,
    Scrape,
    Stat,
)
from console.engine.checks import page, prometheus
from console.engine.checks.case import Case
from console.engine.watchers import ProbeWatcher, Watcher, watcher
from console.engine.watchers.readings import Named, key
from console.targets.together import together

ASK_S = 8.0
"""So long any source may take, whatever its own limit."""
AGAIN_S = 1.0
"""After so long it is asked again, where a number needs two looks."""
_SLOW = 0.7
"""Share of its limit that an answer may take without a word."""
_TWO_LOOKS = (Scrape, Cached, Containers, Host)


class Look(Struct, frozen=True):
    """A source that was asked."""

    name: str
    source: AnySource
    metrics: Mapping[str, Metric]
    """Those that are taken from it."""
    watcher: Watcher
    took_s: float
    measured: Mapping[str, Measured]
    details: tuple[Remark, ...] = ()
    """What else there is to say of it."""
    known: Mapping[str, Remark] = {}
    """What there is to say of a metric, where its number alone does not say it."""

    @property
    def target(self) -> str:
        """As remarks call it."""
        return target_of(self.name)


def target_of(source: str) -> str:
    """How remarks call a source."""
    return f"source {source}"


async def sources(case: Case) -> list[Remark]:
    """Each source, and what is taken from it."""
    environment = case.environment
    told = await together(*(_asked(case, name) for name in environment.sources))
    looks = [each for each in told if isinstance(each, Look)]
    measured = {name: value for look in looks for name, value in look.measured.items()}
    ladder = Ladder(environment.metrics, gaps(environment), environment.settle)
    standings = ladder.observe(measured, frozenset(), case.means.clock.now())
    remarks: list[Remark] = []
    for each in told:
        remarks += _told(each, standings) if isinstance(each, Look) else each
    return [*remarks, *_unasked(environment)]


async def _asked(case: Case, name: str) -> Look | list[Remark]:
    """A source that was asked, or why it was not."""
    source, target = case.environment.sources[name], target_of(name)
    metrics = {
        key: each
        for key, each in case.environment.metrics.items()
        if each.measure and each.measure.source == name
    }
    waiting = f"; {listed(metrics)} with it" if metrics else ""
    if missing := case.lacking(source):
        return [note(target, f"waits for {', '.join(missing)}{waiting}")]
    if isinstance(source, Program) and source.limit > ASK_S:
        return [note(target, f"may take {source.limit:g} s, so it was not run: see `programs`{waiting}")]
    measures = [metric.measure for metric in metrics.values() if metric.measure]
    try:
        each = watcher(source, case.environment.service, measures, case.means)
        async with asyncio.timeout(ASK_S):
            return await _look(case, name, each, metrics)
    except StatedError as error:
        return [lack(target, str(error))]
    except TimeoutError:
        return [lack(target, f"no answer within {ASK_S:g} s{waiting}", _look_at(name, source))]


async def _look(case: Case, name: str, each: Watcher, metrics: Mapping[str, Metric]) -> Look:
    """Ask it, again where a number needs that, and about itself where it can tell more."""
    source = case.environment.sources[name]
    began = time.monotonic()
    await each.ask()
    took_s = time.monotonic() - began
    details: list[Remark] = []
    known: dict[str, Remark] = {}
    remark = partial(Remark, target_of(name))
    if _is_dead(each, source):
        return Look(name, source, metrics, each, took_s, {})
    if isinstance(source, _TWO_LOOKS) and metrics and not each.troubles:  # what hangs would hang again
        await case.means.clock.sleep(AGAIN_S)
        await each.ask()
    match source:
        case Scrape():
            known = await page.examine(case, source, metrics, remark)
        case Prometheus():
            details, known = await prometheus.examine(case, source, metrics, each.troubles, remark)
    readers = {name: each.reader(metric.measure) for name, metric in metrics.items() if metric.measure}
    measured = {name: reader() for name, reader in readers.items()}
    return Look(name, source, metrics, each, took_s, measured, tuple(details), known)


def _is_dead(each: Watcher, source: AnySource) -> bool:
    """Whether it brought nothing at all: one that answers some questions is alive."""
    return bool(each.trouble) and not each.troubles and not isinstance(source, Probe | Program)


def _told(look: Look, standings: Mapping[str, Standing]) -> Iterator[Remark]:
    yield from _answer(look)
    yield from look.details
    failed = look.watcher.trouble and not look.watcher.troubles  # which has been said
    if look.measured and not failed:
        for name, metric in look.metrics.items():
            yield _metric(look, name, metric, standings[name])


def _answer(look: Look) -> Iterator[Remark]:
    """Whether it answers, and in what time."""
    limit_s = min(look.source.limit, ASK_S)
    trouble = look.watcher.trouble
    if trouble and not look.watcher.troubles:
        waiting = f"; {listed(look.metrics)} with it" if look.metrics and not look.measured else ""
        yield lack(look.target, f"{trouble}{waiting}", _look_at(look.name, look.source))
        return
    took = f"answers in {look.took_s:.2f} s, of {limit_s:g} s that it has"
    if look.took_s > _SLOW * limit_s:
        yield warn(
            look.target, took, f"make it faster, or give it more time: `limit` of `sources.{look.name}`"
        )
    else:
        yield good(look.target, took)
    if isinstance(look.watcher, ProbeWatcher) and look.watcher.tells:
        yield _release(look.target, look.watcher)


def _release(target: str, probe: ProbeWatcher) -> Remark:
    """Whether the service says what it runs."""
    told = probe.told
    if told is None:
        return lack(
            target,
            f"its answer has no field `{probe.fields[0]}`, so nobody can say which release runs",
            "name the field in `service.version`, or have the service tell it",
        )
    if mixed := spread(told.instances):
        return warn(target, f"it is mixed: {mixed}", "look which release each of them is to run")
    if told.commit is None and probe.fields[1] is not None:
        return warn(
            target,
            f"it runs {told.release}; its answer has no field `{probe.fields[1]}`",
            "name the field in `service.commit`, or leave that out",
        )
    everywhere = f" on all {count(len(told.instances), 'instance')}" if told.instances else ""
    return good(target, f"it runs {told.release}{everywhere}")


def _metric(look: Look, name: str, metric: Metric, standing: Standing) -> Remark:
    """A metric: its number and rung, or why there is none."""
    if name in look.known:
        return look.known[name]
    measured = look.measured.get(name, NOTHING)
    if measured.value is None:
        return _without(look, name, metric, measured)
    words = f"{name}: {shown(measured.value, metric.unit)}, {standing.rung.value}"
    if standing.rung.is_trouble:
        what = "would call for a rollback" if standing.rung.says_roll_back else "would be shown"
        return warn(
            look.target, f"{words}: `{standing.rule}`", f"an engine that watched now {what}: look at it"
        )
    if standing.rung is Rung.WAITING and measured.count is not None and measured.count < metric.at_least:
        words = f"{name}: {shown(measured.value, metric.unit)}, of {measured.count} so far"
    return good(look.target, words)


def _without(look: Look, name: str, metric: Metric, measured: Measured) -> Remark:
    """A metric without a number."""
    measure = metric.measure
    keys = [key(measure)] if isinstance(measure, Named) else []
    if measure and (count := count_of(measure, look.source.kind)):
        keys.append(count)
    for asked in keys:
        if asked in look.watcher.troubles and measured.count != 0:
            why = look.watcher.troubles[asked]
            return lack(look.target, f"{name}: {why}", f"put the measure of `{name}` right, or its source")
    if measured.count == 0:
        return good(look.target, f"{name}: there, and nothing was counted while we looked")
    if isinstance(measure, Stat):
        words = STATS[look.source.kind][measure.stat].words
        return note(look.target, f"{name}: no number yet ({measure.stat}: {words})")
    return good(look.target, f"{name}: there; its number comes with time")


def _look_at(name: str, source: AnySource) -> str:
    """What to do about a source that does not answer well."""
    where = f"`sources.{name}`"
    match source:
        case Connect() | Cached():
            return f"look whether it runs and takes our credentials, or put {where} right"
        case Program():
            return f"run it by hand, or put {where} right"
        case Containers():
            return f"look whether the containers are on this machine's Docker, or put {where} right"
        case _:
            return f"look whether it runs and is reached from here, or put {where} right"


def _unasked(environment: Environment) -> Iterator[Remark]:
    """The health endpoint must be somebody's business."""
    sources = environment.sources.values()
    if not any(isinstance(each, Probe) and each.url == environment.service.health for each in sources):
        yield lack(
            "service",
            f"no http source asks {environment.service.health}, so nobody says what healthy means",
            "add a source of kind `http` with that `url`",
        )


async def unmeasured(case: Case) -> list[Remark]:
    """The metrics that nobody measures; nothing is asked for that."""
    blind = [name for name, metric in case.environment.metrics.items() if metric.measure is None]
    if not blind:
        return []
    words = f"NO SOURCE for {', '.join(blind)}"
    return [note("metrics", words, "give each a `measure` of a source, or take it out of the file")]

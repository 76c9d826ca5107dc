"""Measures, sources and rules in words: the same on the detail screen and on the command line. Pure."""

import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from console.core.format import clock
from console.core.grammar import SECONDS
from console.core.measures import Scraped
from console.core.metrics import Rung
from console.core.readout import Readout, Rule
from console.core.stats import STATS, count_of
from console.core.strategy import Environment
from console.core.watched import (
    Alert,
    AnySource,
    Cached,
    Connect,
    Containers,
    FailureRatio,
    FailuresInARow,
    Gauge,
    Host,
    Measure,
    Probe,
    Program,
    Prometheus,
    Quantile,
    Query,
    Scrape,
    Stat,
    SuccessRatio,
    Unavailable,
)
from console.core.words import duration

_KIND = {
    "scrape": "page of metrics",
    "http": "health endpoint",
    "postgres": "PostgreSQL",
    "prometheus": "Prometheus",
    "redis": "Redis",
    "docker": "Docker",
    "host": "this machine",
    "command": "command",
}
NO_MEASURE = "the strategy names none: NO SOURCE"


def length(seconds: float) -> str:
    """A duration as a strategy has it, `5m`, `1.5s`."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % float(SECONDS[unit]) == 0:
            return f"{seconds / float(SECONDS[unit]):g}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def measure_words(measure: Measure, source: AnySource) -> str:
    """What is asked, exactly; what is counted from a page, as PromQL would put it. May have several lines."""
    match measure:
        case FailureRatio() | SuccessRatio() | Quantile() | Gauge():
            return _counted(measure)
        case Stat():
            known = STATS[source.kind].get(measure.stat)
            return f"{measure.stat}: {known.words}" if known else measure.stat
        case Query():
            return measure.query
        case Alert():
            return f"whether the alert {measure.alert} fires, by the source's own rules"
        case FailuresInARow():
            return "how many of the last answers in a row were bad"
        case Unavailable():
            return "whether it does not answer"


def _counted(measure: Scraped) -> str:
    match measure:
        case FailureRatio():
            return f"100 * {_share(measure.failed, measure.total, measure.over)}"
        case SuccessRatio(succeeded=str(succeeded)):
            return f"100 * {_share(succeeded, measure.total, measure.over)}"
        case SuccessRatio():
            return f"100 * (1 - {_share(measure.failed or '?', measure.total, measure.over)})"
        case Quantile():
            buckets = _increase(f"{measure.histogram}_bucket", measure.over)
            return f"histogram_quantile({measure.q:g}, {buckets})"
        case Gauge():
            return f"100 * {measure.gauge} / {measure.of}" if measure.of else measure.gauge


def count_words(measure: Measure, source: AnySource) -> str:
    """The question or the stat that tells how much a value rests on; empty where there is none."""
    return count_of(measure, source.kind) or ""


def _share(part: str, total: str, over_s: float) -> str:
    return f"{_increase(part, over_s)} / {_increase(total, over_s)}"


def _increase(name: str, over_s: float) -> str:
    return f"increase({name}[{length(over_s)}])"


def source_words(name: str, source: AnySource) -> str:
    """Which source, where it is, and in which rhythm; secrets as references."""
    rhythm = f"every {length(source.every)}, at most {length(source.limit)}"
    return ", ".join(filter(None, (f"{name}: {_KIND[source.kind]} {_where(source)}".rstrip(), rhythm)))


def _where(source: AnySource) -> str:
    match source:
        case Scrape() | Prometheus():
            return _address(source.url)
        case Probe():
            body = "".join(f" and {path}={words}" for path, words in source.body.items())
            return f"{_address(source.url)}, good is {source.status}{body}"
        case Connect():
            return source.dsn
        case Cached():
            return source.url
        case Containers():
            return " ".join(source.names)
        case Host():
            return source.disk
        case Program():
            return shlex.join(source.argv)


def _address(url: str) -> str:
    """Without what may be secret in it: no user, no password, no query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def rule_words(readout: Readout, rule: Rule, now_utc_us: int) -> str:
    """How one rung's rule stands now."""
    if rule.left_s is not None:
        return f"its window is under way: {duration(rule.left_s)} left"
    if rule.holds is None:
        return f"not known: {readout.rung}"
    if rule.rung is readout.rung:
        if readout.since is None:
            return "holds"
        held_s = max(0, now_utc_us - readout.since.utc_us) / 1e6
        return f"holds since {clock(readout.since)}, {duration(held_s)}"
    return "holds too" if rule.holds else "does not hold"


def standing_words(readout: Readout, environment: Environment) -> Iterator[str]:
    """What else decides: how much the value rests on, and what keeps it from coming down."""
    if readout.count is not None or readout.at_least > 1:
        yield _rests(readout)
    if readout.settling:
        yield f"better now: comes down when it has been for {length(environment.settle)}"
    critical = environment.metrics[readout.name].critical
    if critical is not None:
        blocks = f", and blocks {critical.blocks}" if critical.blocks else ""
        yield f"critical is {critical.when.text}{blocks}"


def _rests(readout: Readout) -> str:
    """`rests on 240`; with what is needed, where that is more than one."""
    if readout.count is None:
        return f"how many it rests on is not known; {readout.at_least} are needed"
    rests = f"rests on {readout.count:,}"
    if readout.at_least == 1:
        return rests
    few = "too few: " if readout.count < readout.at_least else ""
    return f"{rests}, {few}at least {readout.at_least} are needed"


def taken_words(readout: Readout) -> str:
    """When the value was taken at its source."""
    if readout.rung is Rung.NO_SOURCE:
        return "never: it has no source"
    if readout.measured is None or readout.age_s is None:
        return "never yet"
    return f"{clock(readout.measured)}, {duration(readout.age_s)} ago"

"""A Prometheus server: which series it has, and whether its version, rhythm, clock and memory will do."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from console.core.checked import Remark, Sign
from console.core.naming import listed, nearest, quoted
from console.core.promql import names_of, seconds_of, windows_of
from console.core.watched import Alert, Metric, Prometheus, Query
from console.core.words import age
from console.engine.checks.case import Case
from console.targets.source import SourceError
from console.targets.watch.prometheus import PrometheusServer

Make = Callable[[Sign, str, str], Remark]
T = TypeVar("T")

EXPECTED = (
    "walletconnect_errors_total",
    "walletconnect_requests_total",
    "walletconnect_request_duration_seconds_bucket",
    "walletconnect_connection_failures_total",
    "walletconnect_transaction_signing_failures",
    "walletconnect_gas_estimation_errors",
    "walletconnect_security_audit_status",
    "walletconnect_deployment_health_check",
    "walletconnect_config_validation_status",
    "pg_up",
    "redis_up",
    "node_filesystem_*",
    "node_memory_*",
)
"""Series that the deployment's alert rules expect (STRATEGY 1); `*` stands for any ending."""
LOOKBACK_SINCE = (2, 43)
"""The first version that heeds `lookback_delta`: an older one shows a series for minutes after its end."""
SKEW_S = 5.0
"""So far two clocks may be apart without a word."""
SCRAPES = 4
"""A rate over fewer intervals than this has holes as soon as one scrape is late."""
PAST_S = 900.0
"""How far back a course goes: the trend of the last 15 minutes."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


class _Build(Struct, frozen=True):
    version: str


class _Runtime(Struct, frozen=True):
    retention: str = msgspec.field(name="storageRetention", default="")


class _Target(Struct, frozen=True):
    labels: dict[str, str] = {}
    every: str = msgspec.field(name="scrapeInterval", default="")


class _Targets(Struct, frozen=True):
    active: list[_Target] = msgspec.field(name="activeTargets", default_factory=list)


class _About(Struct, frozen=True):
    """What a server says of itself; None where it does not say (others answer its API, too)."""

    build: _Build | None
    runtime: _Runtime | None
    targets: _Targets | None
    names: frozenset[str] | None
    skew_s: float | None
    """How far its clock is ahead of ours."""


async def examine(
    case: Case, source: Prometheus, metrics: Mapping[str, Metric], troubles: Mapping[str, str], make: Make
) -> tuple[list[Remark], dict[str, Remark]]:
    """What there is to say of the server, and of each metric whose number is not all that there is to it."""
    server = PrometheusServer(source, (), case.means.secret, case.means.client)
    about = await _ask(case, server)
    questions = {
        name: tuple(q for q in (metric.measure.query, metric.measure.count) if q)
        for name, metric in metrics.items()
        if isinstance(metric.measure, Query)
    }
    jobs = await _jobs(server, sorted({n for qs in questions.values() for q in qs for n in names_of(q)}))
    details = [*_of_itself(about, questions, make), *_expected(about, make)]
    known: dict[str, Remark] = {}
    for name, asked in questions.items():
        every_s = _every(about, {job for q in asked for n in names_of(q) for job in jobs.get(n, ())})
        for remark in _of_question(name, asked, source, about, troubles, every_s, make):
            known.setdefault(name, remark)
    for name, metric in metrics.items():
        if isinstance(metric.measure, Alert) and (why := troubles.get(f"alert {metric.measure.alert}")):
            words = f"{name}: alert {quoted(metric.measure.alert)}: {why}"
            known[name] = make(Sign.LACK, words, "put the rule into Prometheus, or name another alert")
    return details, known


async def _ask(case: Case, server: PrometheusServer) -> _About:
    names = await _or_none(server, "label/__name__/values", list[str])
    return _About(
        build=await _or_none(server, "status/buildinfo", _Build),
        runtime=await _or_none(server, "status/runtimeinfo", _Runtime),
        targets=await _or_none(server, "targets", _Targets, state="active"),
        names=None if names is None else frozenset(names),
        skew_s=await _skew(case, server),
    )


async def _or_none(server: PrometheusServer, path: str, kind: type[T], **words: str | list[str]) -> T | None:
    """What that part of the API says; None from a server that has no such part."""
    try:
        return await server.about(path, kind, **words)
    except SourceError:
        return None


async def _skew(case: Case, server: PrometheusServer) -> float | None:
    began, before = case.means.clock.now().utc_us / 1e6, time.monotonic()
    try:
        told = await server.time()
    except SourceError:
        return None
    return told - (began + (time.monotonic() - before) / 2)


async def _jobs(server: PrometheusServer, names: Sequence[str]) -> dict[str, set[str]]:
    """The jobs that the series of each name come from; empty where that cannot be told."""
    if not names:
        return {}
    found = await _or_none(server, "series", list[dict[str, str]], **{"match[]": list(names)})
    jobs: dict[str, set[str]] = {}
    for labels in found or ():
        if "job" in labels:
            jobs.setdefault(labels.get("__name__", ""), set()).add(labels["job"])
    return jobs


def _every(about: _About, jobs: set[str]) -> float | None:
    """The longest interval at which the targets of those jobs are scraped; None where nobody says."""
    told = about.targets.active if about.targets else ()
    found = [seconds_of(each.every) for each in told if each.labels.get("job") in jobs]
    return max((every for every in found if every is not None), default=None)


def _of_itself(about: _About, questions: Mapping[str, Sequence[str]], make: Make) -> Iterator[Remark]:
    """Version, clock and memory."""
    version = _VERSION.match(about.build.version) if about.build else None
    if about.build is None or version is None:
        yield make(Sign.NOTE, "does not say which version of Prometheus it is", "")
    elif (int(version[1]), int(version[2])) < LOOKBACK_SINCE:
        yield make(
            Sign.WARN,
            f"Prometheus {about.build.version} shows a series up to 5 minutes after its end as if it went on",
            "use version 2.43 or newer, so that silence is seen in time",
        )
    else:
        yield make(Sign.GOOD, f"Prometheus {about.build.version}", "")
    if about.skew_s is not None and abs(about.skew_s) > SKEW_S:
        way = "ahead of" if about.skew_s > 0 else "behind"
        yield make(
            Sign.WARN,
            f"its clock is {age(abs(about.skew_s))} {way} ours",
            "set both by NTP: what is said of a moment is off by so much",
        )
    needed = max((w for qs in questions.values() for q in qs for w in windows_of(q)), default=0.0)
    yield from _memory(about, max(needed, PAST_S), make)


def _memory(about: _About, needed_s: float, make: Make) -> Iterator[Remark]:
    told = about.runtime.retention.split(" or ")[0] if about.runtime else ""
    kept_s = seconds_of(told)
    if kept_s is not None and kept_s < needed_s:
        yield make(
            Sign.LACK,
            f"keeps what it scraped for {age(kept_s)}, and {age(needed_s)} are asked for",
            f"start it with --storage.tsdb.retention.time of {age(needed_s)} at least",
        )


def _expected(about: _About, make: Make) -> Iterator[Remark]:
    """Which series of the deployment's alert rules are there: nothing guarantees that one is."""
    if about.names is None:
        yield make(Sign.NOTE, "does not list its series, so none can be looked for by name", "")
        return
    there = [name for name in EXPECTED if _has(about.names, name)]
    gone = [name for name in EXPECTED if name not in there]
    if there:
        yield make(Sign.NOTE, f"of the series that the alert rules expect it has {', '.join(there)}", "")
    if gone:
        yield make(
            Sign.NOTE,
            f"of the series that the alert rules expect it lacks {', '.join(gone)}",
            "alerts on those never fire: have somebody export them, or expect none",
        )


def _has(names: frozenset[str], wanted: str) -> bool:
    if wanted.endswith("*"):
        return any(name.startswith(wanted[:-1]) for name in names)
    return wanted in names


def _of_question(
    name: str,
    asked: Sequence[str],
    source: Prometheus,
    about: _About,
    troubles: Mapping[str, str],
    every_s: float | None,
    make: Make,
) -> Iterator[Remark]:
    """What is wrong with the questions of a metric, the worst first, of which alone is told."""
    advice = f"put the question of `{name}` right, or have the series exported"
    spoken = [series for question in asked for series in names_of(question)]
    gone = [n for n in dict.fromkeys(spoken) if about.names is not None and n not in about.names]
    for series in gone:
        close = nearest(series, about.names or ())
        near = f": did you mean {quoted(close)}?" if close else ""
        yield make(Sign.LACK, f"{name}: no series {quoted(series)}{near}", advice)
    windows = list(_short_windows(name, asked, every_s, make)) if every_s else []
    # It is why the question brings nothing at one moment, and a number at another.
    yield from (each for each in windows if each.sign is Sign.LACK)
    for question in asked:
        if question in troubles and not (question == asked[0] and len(asked) > 1):
            yield make(Sign.LACK, f"{name}: {quoted(question)}: {troubles[question]}", advice)
    yield from windows
    if every_s and source.every < every_s:
        yield make(
            Sign.NOTE,
            f"{name}: asked every {source.every:g} s, and scraped every {every_s:g} s: half of it is old",
            f"`every` of its source may be {every_s:g} s",
        )


def _short_windows(name: str, asked: Sequence[str], every_s: float, make: Make) -> Iterator[Remark]:
    """That a window holds too few scrapes: below two intervals there is never a rate to rely on."""
    short = [w for question in asked for w in windows_of(question) if w < SCRAPES * every_s]
    if short:
        series = listed({series for question in asked for series in names_of(question)})
        yield make(
            Sign.LACK if min(short) < 2 * every_s else Sign.WARN,
            f"{name}: a window of {min(short):g} s is short where {series} is scraped every {every_s:g} s",
            f"make it {SCRAPES * every_s:g} s at least, or scrape more often",
        )

"""What must be true of how an environment measures: sources, units, and who is held against what."""

from collections.abc import Iterator, Sequence
from typing import get_args

from console.core.fields import seconds_of
from console.core.naming import listed, quoted, unknown
from console.core.parts import Finding, Part, Rule
from console.core.stats import DOCKER_LIMIT_S, STATS
from console.core.watched import Unit

SOURCE_KINDS: dict[str, tuple[str, ...]] = {
    "failures": ("scrape",),
    "successes": ("scrape",),
    "quantile": ("scrape",),
    "gauge": ("scrape",),
    "stat": tuple(STATS),
    "query": ("prometheus", "postgres"),
    "alert": ("prometheus",),
    "failures in a row": ("http", "command"),
    "unavailable": ("postgres", "redis", "command"),
}
"""Of which kinds of source each kind of measure takes its numbers."""
ALL_KINDS = frozenset(kind for kinds in SOURCE_KINDS.values() for kind in kinds)

MEASURED_IN = {
    "failures": "%",
    "successes": "%",
    "quantile": "s",
    "alert": "flag",
    "failures in a row": "count",
    "unavailable": "flag",
}
"""The unit of what a measure yields, where its kind decides that."""

UNITS: tuple[str, ...] = get_args(Unit)
RATIOS = ("failures", "successes")
"""Kinds of measure that count tries, so that an impact can be told from them."""


def sources(environment: Part) -> Iterator[Finding]:
    """A measure names a source, of a kind that it can be taken from."""
    kinds = {name: source["kind"].text for name, source in environment["sources"].items()}
    for metric in environment["metrics"].values():
        kind, source = metric["measure"]["kind"].text, metric["measure"]["source"]
        wanted = SOURCE_KINDS.get(kind or "")
        if source.text is None or wanted is None or environment["sources"].names is None:
            continue
        if source.text not in kinds:
            fit = [name for name, found in kinds.items() if found in wanted]
            yield source.wrong(unknown("source", source.text, fit or kinds))
        elif kinds[source.text] in ALL_KINDS and kinds[source.text] not in wanted:
            yield source.wrong(
                f"`{kind}` is measured at a source of kind {_either(wanted)}, {quoted(source.text)} is of"
                f" kind `{kinds[source.text]}`"
            )


def stats(environment: Part) -> Iterator[Finding]:
    """A stat is one that a source of that kind knows."""
    kinds = {name: source["kind"].text for name, source in environment["sources"].items()}
    for metric in environment["metrics"].values():
        stat, source = metric["measure"]["stat"], metric["measure"]["source"].text
        known = STATS.get(kinds.get(source or "") or "", {})
        if stat.text is not None and known and stat.text not in known:
            yield stat.wrong(unknown("stat", stat.text, known))


def patience(environment: Part) -> Iterator[Finding]:
    """A docker source is given the time that Docker takes: with less, one that works seems to hang."""
    for source in environment["sources"].values():
        if source["kind"].text == "docker" and _is_shorter(source["limit"], DOCKER_LIMIT_S):
            yield source["limit"].wrong(
                f"Docker takes its samples once a second, so that it would seem to hang: write at least `"
                f"{DOCKER_LIMIT_S:g}s`"
            )


def _is_shorter(span: Part, seconds: float) -> bool:
    """Whether it is a duration below that; what is no duration above zero is complained of elsewhere."""
    try:
        return 0 < seconds_of(span.text) < seconds
    except ValueError:
        return False


def _either(kinds: Sequence[str]) -> str:
    return " or ".join(f"`{kind}`" for kind in kinds)


def _measured_in(metric: Part, sources: Part) -> str | None:
    """The unit of what a metric's measure yields, where that is decided by the measure."""
    measure = metric["measure"]
    if measure["kind"].text == "stat":
        kinds = {name: source["kind"].text for name, source in sources.items()}
        known = STATS.get(kinds.get(measure["source"].text or "") or "", {}).get(measure["stat"].text or "")
        return known.unit if known else None
    ratio = measure["kind"].text == "gauge" and measure["of"].text
    return "%" if ratio else MEASURED_IN.get(measure["kind"].text or "")


def true_unit(metric: Part, sources: Part) -> str | None:
    """The unit of a metric: what its measure yields, or else what the file says; None where that is none."""
    said = metric["unit"].text
    return _measured_in(metric, sources) or (said if said in UNITS else None)


def measured_units(environment: Part) -> Iterator[Finding]:
    """The unit of a metric is the one that its measure yields."""
    for name, metric in environment["metrics"].items():
        unit, measured = metric["unit"], _measured_in(metric, environment["sources"])
        if measured and unit.text in UNITS and unit.text != measured:
            how = quoted(metric["measure"]["kind"].text or "")
            yield unit.wrong(
                f"{quoted(name)} is measured as {how}, which is in `{measured}`: write `{measured}`"
            )


def one_counter(environment: Part) -> Iterator[Finding]:
    """A success ratio counts either the failures or the successes."""
    for metric in environment["metrics"].values():
        measure = metric["measure"]
        if measure["kind"].text != "successes":
            continue
        failed, succeeded = measure["failed"].value, measure["succeeded"].value
        if failed is None and succeeded is None:
            yield measure.wrong("`failed` or `succeeded` is missing: expected one of the two", on_key=True)
        elif failed is not None and succeeded is not None:
            yield measure["failed"].wrong(
                "`failed` and `succeeded` exclude each other: leave one out", on_key=True
            )


def impact(environment: Part) -> Iterator[Finding]:
    """The impact is told from a metric that counts tries and failures; one without a source says nothing."""
    metric = environment["impact"]["metric"]
    known = environment["metrics"].names
    if metric.text is None or known is None:
        return
    kinds = {name: found["measure"]["kind"].text for name, found in environment["metrics"].items()}
    fit = [name for name, kind in kinds.items() if kind in RATIOS]
    if metric.text not in known:
        yield metric.wrong(unknown("metric", metric.text, fit or known))
    elif metric.text not in fit and environment["metrics"][metric.text]["measure"].value is not None:
        yield metric.wrong(
            f"the impact needs a metric measured as `failures` or `successes`, {quoted(metric.text)} is not:"
            f" {'choose ' + listed(fit) if fit else 'there is none'}"
        )


def suffering(environment: Part) -> Iterator[Finding]:
    """Users who suffer are told from a metric that is a number, or a share of them."""
    users, known = environment["impact"]["users"], environment["metrics"].names
    if users.text is None or known is None:
        return
    if users.text not in known:
        yield users.wrong(unknown("metric", users.text, known))
        return
    metric = environment["metrics"][users.text]
    if metric["unit"].text not in ("%", "count") or metric["measure"]["kind"].text == "successes":
        yield users.wrong(
            f"{quoted(users.text)} is no number (`count`) and no share (`%`) of users who suffer"
        )


def watched(environment: Part) -> Iterator[Finding]:
    """The watch holds metrics against their recovered rung, so they must have one."""
    metrics = environment["metrics"]
    for target in environment["watch"]["targets"].each():
        if target.text is None or metrics.names is None:
            continue
        if target.text not in metrics.names:
            yield target.wrong(unknown("metric", target.text, metrics.names))
        elif metrics[target.text]["rungs"]["recovered"].value is None:
            yield target.wrong(f"{quoted(target.text)} has no `recovered` rung to be held against")


RULES: tuple[Rule, ...] = (
    sources,
    stats,
    patience,
    measured_units,
    one_counter,
    impact,
    suffering,
    watched,
)

"""What must be true of how an environment measures: sources, units, and who is held against what."""

from collections.abc import Iterator
from typing import get_args

from console.core.naming import listed, quoted, unknown
from console.core.parts import Finding, Part, Rule
from console.core.watched import Unit

SOURCE_KIND = {
    "failures": "scrape",
    "successes": "scrape",
    "quantile": "scrape",
    "gauge": "scrape",
    "failures in a row": "http",
    "unavailable": "postgres",
}
"""Which kind of source each kind of measure takes its numbers from."""

MEASURED_IN = {
    "failures": "%",
    "successes": "%",
    "quantile": "s",
    "failures in a row": "count",
    "unavailable": "flag",
}
"""The unit of what a measure yields, where its kind decides that."""

UNITS: tuple[str, ...] = get_args(Unit)
RATIOS = ("failures", "successes")
"""Kinds of measure that count tries, so that an impact can be told from them."""


def sources(environment: Part) -> Iterator[Finding]:
    """A measure names a source, of the kind that it needs."""
    kinds = {name: source["kind"].text for name, source in environment["sources"].items()}
    for metric in environment["metrics"].values():
        kind, source = metric["measure"]["kind"].text, metric["measure"]["source"]
        wanted = SOURCE_KIND.get(kind or "")
        if source.text is None or wanted is None or environment["sources"].names is None:
            continue
        if source.text not in kinds:
            fit = [name for name, found in kinds.items() if found == wanted]
            yield source.wrong(unknown("source", source.text, fit or kinds))
        elif kinds[source.text] in SOURCE_KIND.values() and kinds[source.text] != wanted:
            yield source.wrong(
                f"`{kind}` is measured at a source of kind `{wanted}`, {quoted(source.text)} is of kind"
                f" `{kinds[source.text]}`"
            )


def _measured_in(metric: Part) -> str | None:
    """The unit of what a metric's measure yields, where that is decided by the measure."""
    measure = metric["measure"]
    ratio = measure["kind"].text == "gauge" and measure["of"].text
    return "%" if ratio else MEASURED_IN.get(measure["kind"].text or "")


def true_unit(metric: Part) -> str | None:
    """The unit of a metric: what its measure yields, or else what the file says; None where that is none."""
    said = metric["unit"].text
    return _measured_in(metric) or (said if said in UNITS else None)


def measured_units(environment: Part) -> Iterator[Finding]:
    """The unit of a metric is the one that its measure yields."""
    for name, metric in environment["metrics"].items():
        unit, measured = metric["unit"], _measured_in(metric)
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
    """The impact is told from a metric that counts tries and failures."""
    metric = environment["impact"]["metric"]
    known = environment["metrics"].names
    if metric.text is None or known is None:
        return
    kinds = {name: found["measure"]["kind"].text for name, found in environment["metrics"].items()}
    fit = [name for name, kind in kinds.items() if kind in RATIOS]
    if metric.text not in known:
        yield metric.wrong(unknown("metric", metric.text, fit or known))
    elif metric.text not in fit:
        yield metric.wrong(
            f"the impact needs a metric measured as `failures` or `successes`, {quoted(metric.text)} is not:"
            f" {'choose ' + listed(fit) if fit else 'there is none'}"
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


RULES: tuple[Rule, ...] = (sources, measured_units, one_counter, impact, watched)

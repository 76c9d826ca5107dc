"""The impact in words: how many suffer, how much has failed, how fast, and whether it gets better."""

from console.core.live import Impact
from console.core.strategy import Environment

NO_SOURCE = "not measured: NO SOURCE"


def impact_words(impact: Impact | None, environment: Environment) -> str:
    """`15 % of users cannot sign, 212 failed signings, 31 a minute, WORSE`; what is not known is said so."""
    if unmeasured(environment):
        return NO_SOURCE
    if impact is None:
        return "not known yet"
    return ", ".join([*impact_parts(impact, environment), impact.trend.upper()])


def unmeasured(environment: Environment) -> bool:
    """Whether the metric that says it has no source: then nobody can know."""
    metric = environment.metrics.get(environment.impact.metric)
    return metric is None or metric.measure is None


def impact_parts(impact: Impact, environment: Environment) -> list[str]:
    """Who suffers, what has failed, and how fast; each with its words from the strategy."""
    words = environment.impact
    minute = [] if impact.per_minute is None else [f"{impact.per_minute:.0f} a minute"]
    return [_who(impact, words.words), f"{impact.failures} {words.failures}", *minute]


def _who(impact: Impact, cannot: str) -> str:
    """Users where the strategy measures those; else the share of tries."""
    if impact.users is not None:
        whole = f"{impact.users:,.0f}"
        return (
            f"{whole} % of users cannot {cannot}"
            if impact.users_in == "%"
            else f"{whole} users cannot {cannot}"
        )
    return "how many is not known" if impact.percent is None else f"{impact.percent:.0f} % cannot {cannot}"

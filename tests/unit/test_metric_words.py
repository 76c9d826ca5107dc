"""What a metric is made of, in words: exactly what is asked, and nothing that may be secret."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from console.core.metric_words import count_words, length, measure_words, source_words
from console.core.stats import STATS
from console.core.watched import AnySource, Measure

MEASURES: TypeAdapter[Measure] = TypeAdapter(Measure)
SOURCES: TypeAdapter[AnySource] = TypeAdapter(AnySource)
RHYTHM = {"every": "5s", "limit": "500ms"}
SCRAPE = {"kind": "scrape", "url": "http://h/metrics"}
PROM = {"kind": "prometheus", "url": "https://me:hunter2@prom.example:9090/base?token=hunter2"}


def source(**fields: Any) -> AnySource:
    return SOURCES.validate_python({**fields, **RHYTHM})


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (
            {"kind": "failures", "failed": "e", "total": "r", "over": "5m"},
            "100 * increase(e[5m]) / increase(r[5m])",
        ),
        (
            {"kind": "successes", "failed": "f", "total": "t", "over": "90s"},
            "100 * (1 - increase(f[90s]) / increase(t[90s]))",
        ),
        (
            {"kind": "successes", "succeeded": "s", "total": "t", "over": "2h"},
            "100 * increase(s[2h]) / increase(t[2h])",
        ),
        (
            {"kind": "quantile", "histogram": "d", "q": 0.99, "over": "5m"},
            "histogram_quantile(0.99, increase(d_bucket[5m]))",
        ),
        ({"kind": "gauge", "gauge": "g"}, "g"),
        ({"kind": "gauge", "gauge": "g", "of": "all"}, "100 * g / all"),
        ({"kind": "query", "query": "sum(x)\n/ 2"}, "sum(x)\n/ 2"),
        ({"kind": "alert", "alert": "High"}, "whether the alert High fires, by the source's own rules"),
        ({"kind": "failures in a row"}, "how many of the last answers in a row were bad"),
        ({"kind": "unavailable"}, "whether it does not answer"),
    ],
)
def test_each_measure_is_told_as_it_is_asked(measure: dict[str, Any], words: str) -> None:
    made = MEASURES.validate_python({**measure, "source": "s"})
    assert measure_words(made, source(**SCRAPE)) == words


@pytest.mark.parametrize("kind", sorted(STATS))
def test_each_stat_says_what_it_is(kind: str) -> None:
    needs = {
        "http": {"url": "http://h/health"},
        "postgres": {"dsn": "env:DSN"},
        "redis": {"url": "env:CACHE"},
        "docker": {"names": ["web"]},
        "command": {"argv": ["check"]},
    }
    asked = source(kind=kind, **needs.get(kind, {}))
    for stat, known in STATS[kind].items():
        measure = MEASURES.validate_python({"kind": "stat", "source": "s", "stat": stat})
        assert measure_words(measure, asked) == f"{stat}: {known.words}"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (SCRAPE, "s: page of metrics http://h/metrics"),
        (PROM, "s: Prometheus https://prom.example:9090/base"),
        (
            {"kind": "http", "url": "http://h/health", "body": {"status": "ok"}},
            "s: health endpoint http://h/health, good is 200 and status=ok",
        ),
        ({"kind": "postgres", "dsn": "env:DSN"}, "s: PostgreSQL env:DSN"),
        ({"kind": "redis", "url": "file:cache"}, "s: Redis file:cache"),
        ({"kind": "docker", "names": ["web", "db"]}, "s: Docker web db"),
        ({"kind": "host", "disk": "/srv"}, "s: this machine /srv"),
        ({"kind": "command", "argv": ["npm", "run", "a b"]}, "s: command npm run 'a b'"),
    ],
)
def test_each_source_says_where_it_is_and_no_secret(fields: dict[str, Any], words: str) -> None:
    told = source_words("s", source(**fields))
    assert told == f"{words}, every 5s, at most 500ms"
    assert "hunter2" not in told


def test_the_question_for_a_count_is_told_where_there_is_one() -> None:
    query = {"kind": "query", "source": "s", "query": "x"}
    assert count_words(MEASURES.validate_python({**query, "count": "sum(y)"}), source(**PROM)) == "sum(y)"
    assert count_words(MEASURES.validate_python(query), source(**PROM)) == ""


def test_the_stat_that_counts_is_told_where_there_is_one() -> None:
    """It is one of the same source."""
    for kind, stats in STATS.items():
        assert {known.of for known in stats.values() if known.of} <= stats.keys(), kind
    cache = source(kind="redis", url="env:CACHE")
    stat = {"kind": "stat", "source": "s"}
    assert count_words(MEASURES.validate_python({**stat, "stat": "hit_rate"}), cache) == "lookups"
    assert count_words(MEASURES.validate_python({**stat, "stat": "memory"}), cache) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.25, "250ms"), (1, "1s"), (1.5, "1.5s"), (90, "90s"), (300, "5m"), (172800, "2d")],
)
def test_lengths_are_written_as_a_strategy_has_them(seconds: float, words: str) -> None:
    assert length(seconds) == words

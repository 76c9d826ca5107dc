"""The numbers that sources know of themselves, by kind of source: names, units, and what they mean."""

from typing import NamedTuple

from console.core.watched import Measure, Query, Stat, Unit


class Known(NamedTuple):
    """One of them."""

    unit: Unit | None
    """None: what the strategy says."""
    words: str
    of: str | None = None
    """Another number of the same source, where it is a share: of how many tries."""


STATS: dict[str, dict[str, Known]] = {
    "http": {
        "latency": Known("s", "how long the last answer took"),
        "tls_days": Known("count", "days until the certificate expires"),
    },
    "postgres": {
        "replication_lag": Known("s", "how far the slowest standby is behind; 0 where there is none"),
        "checksum_failures": Known("count", "pages of any database whose checksum was wrong, ever"),
        "connections": Known("%", "connections, of as many as there may be"),
    },
    "redis": {
        "memory": Known("%", "memory used, of maxmemory; unknown where there is none"),
        "evictions": Known("count", "keys evicted a minute, since the question before"),
        "hit_rate": Known(
            "%",
            "keys found, of those asked for since the question before; unknown when there were none",
            of="lookups",
        ),
        "lookups": Known("count", "keys asked for since the question before"),
    },
    "docker": {
        "not_running": Known("count", "of the containers, those that do not run or are not there"),
        "unhealthy": Known(
            "count", "of the containers, those that run and that their own health check calls unhealthy"
        ),
        "restarts": Known("count", "restarts of the containers since the engine began to watch, by whomever"),
        "cpu": Known("%", "of the busiest of the containers: of the processors that it may use"),
        "memory": Known(
            "%", "of the fullest of the containers: of the memory that it may use, without cached files"
        ),
    },
    "host": {
        "cpu": Known("%", "of all processors, since the question before"),
        "memory": Known("%", "memory that is not available"),
        "disk": Known("%", "of the disk, as an ordinary user sees it"),
    },
    "command": {
        "exit": Known("flag", "1 when it ended with another code than 0"),
        "number": Known(None, "the number that is the last line it printed"),
    },
}

DOCKER_LIMIT_S = 2.0
"""A source of kind `docker` needs as long to answer: the engine takes its samples once a second."""


def count_of(measure: Measure, kind: str) -> str | None:
    """The number, of a source of that kind, that says how many tries a measure rests on; None without one."""
    match measure:
        case Query():
            return measure.count
        case Stat():
            return STATS[kind][measure.stat].of
        case _:
            return None

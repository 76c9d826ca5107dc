"""`warroom check` against a real Prometheus: which series are there, and whether its rhythm will do."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from console.core.checked import Sign
from tests.integration.cli.checking import SMALL, Said, about, said
from tests.integration.targets.local_web import LocalWeb
from tests.integration.watch.prometheus_kit import Monitor, show

TARGET = "source prom"
RATIO = "100 * sum(rate(walletconnect_errors_total[1m])) / sum(rate(walletconnect_requests_total[1m]))"


def remarks(folder: Path, url: str, *, every: str = "1s", **measures: Any) -> list[Said]:
    """What is said of a strategy with a Prometheus and these metrics of it, by question or whole measure."""
    yaml = YAML()
    whole = yaml.load(SMALL)
    environment = whole["environments"]["testnet"]
    environment["sources"] = {"prom": {"kind": "prometheus", "url": url, "every": every, "limit": "5s"}}
    kept = environment["metrics"]["error_rate"]
    environment["sources"]["metrics"] = {
        "kind": "scrape",
        "url": url + "/metrics",
        "every": "5s",
        "limit": "4s",
    }
    environment["metrics"] = {"error_rate": kept}
    for name, measure in measures.items():
        asked = {"kind": "query", "query": measure} if isinstance(measure, str) else measure
        environment["metrics"][name] = {
            "title": "it",
            "unit": "flag" if asked["kind"] == "alert" else "count",
            "measure": {"source": "prom", **asked},
            "rungs": {},
        }
    path = folder / "strategy.yaml"
    with path.open("w") as file:
        yaml.dump(whole, file)
    return [each for each in said(path) if each.target == TARGET]


@pytest.fixture
def shown(page: LocalWeb, monitor: Monitor) -> None:
    """Some of the series that the deployment's alert rules expect."""
    names = (
        "walletconnect_errors_total",
        "walletconnect_requests_total",
        "pg_up",
        "node_memory_MemFree_bytes",
    )
    show(page, **dict.fromkeys(names, 1.0), load=3)
    asyncio.run(monitor.shows("load", 3))


def test_what_is_there_and_what_is_not(shown: None, monitor: Monitor, tmp_path: Path) -> None:
    """Series, questions and alert rules, each with its number or with what is wrong."""
    told = remarks(
        tmp_path,
        monitor.url,
        there="load",
        lost="lode",
        wrong="load +",
        alarm={"kind": "alert", "alert": "LoadHight"},
        calm={"kind": "alert", "alert": "LoadHigh"},
    )
    good = about(told, TARGET, Sign.GOOD)
    assert {"there: 3, ok", "calm: clear, ok"} <= set(good)
    lacks = about(told, TARGET, Sign.LACK)
    assert "lost: no series `lode`: did you mean `load`?" in lacks
    assert any(words.startswith("wrong: `load +`: bad_data: ") for words in lacks)
    assert "alarm: alert `LoadHight`: there is no alert rule of that name" in lacks
    assert len(lacks) == 3


def test_the_series_that_alert_rules_expect(shown: None, monitor: Monitor, tmp_path: Path) -> None:
    """Which are there, and which are not; nothing of that is a fault."""
    there, gone = about(remarks(tmp_path, monitor.url, there="load"), TARGET, Sign.NOTE)
    assert there == (
        "of the series that the alert rules expect it has walletconnect_errors_total,"
        " walletconnect_requests_total, pg_up, node_memory_*"
    )
    assert gone.startswith(
        "of the series that the alert rules expect it lacks walletconnect_request_duration_seconds_bucket, "
    )
    assert "node_filesystem_*" in gone


def test_a_version_that_looks_back_too_far(shown: None, monitor: Monitor, tmp_path: Path) -> None:
    """Before 2.43 a series seems to go on for minutes after its end."""
    told = remarks(tmp_path, monitor.url, there="load")
    words = "shows a series up to 5 minutes after its end as if it went on"
    old = [each for each in told if each.words.endswith(words)]
    assert bool(old) == (monitor.version < (2, 43))
    for each in old:
        assert (each.sign, each.to_do) == (
            Sign.WARN,
            "use version 2.43 or newer, so that silence is seen in time",
        )


def test_a_window_that_is_too_short_for_its_scrapes(shown: None, monitor: Monitor, tmp_path: Path) -> None:
    """Below two intervals there is never a rate, below four there are holes; the test's is 100 ms."""
    told = remarks(
        tmp_path, monitor.url, short="rate(load[300ms])", long="rate(load[5s])", none="rate(load[150ms])"
    )
    by_sign = {each.words.split(":")[0]: each for each in told if "a window of" in each.words}
    assert by_sign["short"].sign == Sign.WARN
    assert by_sign["short"].words == "short: a window of 0.3 s is short where `load` is scraped every 0.1 s"
    assert by_sign["short"].to_do == "make it 0.4 s at least, or scrape more often"
    assert by_sign["none"].sign == Sign.LACK
    assert "long" not in by_sign


def test_what_is_asked_more_often_than_it_is_scraped(shown: None, monitor: Monitor, tmp_path: Path) -> None:
    """It brings nothing new."""
    told = remarks(tmp_path, monitor.url, there="load", every="20ms")
    assert "there: asked every 0.02 s, and scraped every 0.1 s: half of it is old" in about(told, TARGET)


@pytest.fixture
def elsewhere() -> Iterator[LocalWeb]:
    """A stand-in that answers as Prometheus does, of another version, with another clock and memory."""
    with LocalWeb() as web:
        yield web


def test_a_clock_a_memory_and_a_version(elsewhere: LocalWeb, tmp_path: Path) -> None:
    """Ten minutes behind, an hour of memory where a day is asked for, and a version that will do."""
    api = "/api/v1/"
    number = {
        "resultType": "scalar",
        "result": [0, str(time.time_ns() / 1e9 - 600)],
    }  # the server's own clock
    for path, data in {
        "query": number,
        "status/buildinfo": {"version": "3.1.0"},
        "status/runtimeinfo": {"storageRetention": "1h"},
        "label/__name__/values": ["load"],
        "targets": {"activeTargets": []},
        "series": [],
    }.items():
        elsewhere.text(api + path, json.dumps({"status": "success", "data": data}))
    told = remarks(tmp_path, elsewhere.url("").rstrip("/"), day="max_over_time(load[1d])")
    assert "Prometheus 3.1.0" in about(told, TARGET, Sign.GOOD)
    (clock,) = about(told, TARGET, Sign.WARN)
    assert re.fullmatch(r"its clock is (09|10):\d\d behind ours", clock)
    (memory,) = about(told, TARGET, Sign.LACK)
    assert memory == "keeps what it scraped for 1:00:00, and 1 d 0 h are asked for"

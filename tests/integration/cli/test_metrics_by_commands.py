"""`warroom metrics`: where each stands, by which rule and since when, and what it was; needs no engine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from ruamel.yaml import YAML

from console.core import events as ev
from console.core.events import Draft
from console.core.exits import Exit
from console.core.live import Live
from console.core.metrics import Reading, Row, Rung
from console.core.moments import written
from console.store.clock import SystemClock
from console.store.journal import SqliteWriter
from console.store.layout import Layout
from console.store.live import LiveFile
from console.store.samples import SampleWriter

BUNDLED = Path("console/config/bundled/strategy.yaml")
ERRORS = "error_rate"


class Watch:
    """A testnet whose engine has written samples: two hours ago for a minute, and the last minute."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.layout = folder, Layout(folder / "state")
        self.now = SystemClock().now()
        yaml = YAML()
        document = yaml.load(BUNDLED)
        environment = document["environments"]["testnet"]
        environment["state"] = str(self.layout.state)
        for source in environment["sources"].values():
            source["every"] = "60s"  # on a busy machine a program may take its time to start
        with (folder / "strategy.yaml").open("w") as file:
            yaml.dump(document, file)
        self._samples()
        self._journal()

    def _samples(self) -> None:
        writer = SampleWriter(self.layout.samples)
        for ago, value, rung in ((7200, 0.5, Rung.OK), (60, 12.0, Rung.MANDATORY)):
            for second in range(60):
                at = self.now.before(ago - second)
                peak = 40.0 if (ago, second) == (7200, 30) else value
                reading = Reading(ERRORS, peak, 240, at, rung, arms=Rung.AUTOMATIC, arms_in_s=42.0)
                writer.append(Row(at, (reading,)))
        writer.close()

    def _journal(self) -> None:
        """By this process, which is alive."""
        writer = SqliteWriter(self.layout, "testnet")
        at = self.now.before(55)
        rule = "error_rate > 5%"
        bodies = (
            ev.EngineStarted(os.getpid(), 1, "0", "", "", "cooperative"),
            ev.RungChanged(ERRORS, "errors", Rung.OK, Rung.MANDATORY, 12.0, 240, "%", rule),
        )
        writer.append([Draft(body, at) for body in bodies])
        writer.close()
        # A heartbeat ahead of the clock outlives the start of a program on a busy machine.
        beat = replace(self.now, boot_us=self.now.boot_us + 60_000_000)
        trouble = {"metrics": "refused\n[red]"}
        LiveFile(self.layout.live).write(Live(os.getpid(), 1, beat, trouble=trouble))

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        home = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
        where = ("--strategy", str(self.folder / "strategy.yaml"), "--env", "testnet")
        argv = [sys.executable, "-m", "console", "metrics", *words, *where]
        return subprocess.run(argv, env=home, capture_output=True, text=True, check=False, timeout=60)

    def json(self, *words: str) -> Any:
        done = self(*words, "--json")
        assert done.returncode == Exit.DONE, done.stderr
        return msgspec.json.decode(done.stdout)


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """One for this test alone."""
    return Watch(tmp_path)


def test_a_line_for_each_the_most_urgent_first(watch: Watch) -> None:
    done = watch()
    assert done.returncode == Exit.DONE, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 14
    assert lines[0][:4] == ["errors", "12.0", "%", ">5"]
    assert (lines[0][5], lines[0][-1]) == ("mandatory", ERRORS)
    assert set(lines[0][4]) == {"█"}
    assert lines[-1] == ["disk", "-", ">80", "no", "source", "disk_usage"]


def test_of_one_everything_is_told(watch: Watch) -> None:
    done = watch(ERRORS)
    assert done.returncode == Exit.DONE, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("errors        12.0 % >5")
    assert "  automatic  error_rate > 10% for 5m, its window is under way: 00:42 left" in rest
    assert "  warn       error_rate > 1%, holds too" in rest
    assert any(line.startswith("  mandatory  error_rate > 5%, holds since ") for line in rest)
    assert "  rests on 240, at least 20 are needed" in rest
    assert any("increase(walletconnect_errors_total[5m])" in line for line in rest)
    assert r"  trouble    refused\n[red]" in rest


def test_the_course_is_told_from_a_moment_on(watch: Watch) -> None:
    """No extreme is lost, and where nobody looked there is nothing."""
    last = watch(ERRORS, "--since", "-3h").stdout.splitlines()[-2:]
    assert last[0].endswith("  ok         0.5 % to 40.0 %")
    assert last[1].endswith("  mandatory  12.0 %")
    since_then = watch(ERRORS, "--since", "-1h").stdout
    assert "40.0 %" not in since_then


def test_as_a_document(watch: Watch) -> None:
    told = watch.json(ERRORS, "--since", "-3h")
    assert (told["schema"], told["environment"]) == ("warroom.metrics/1", "testnet")
    (errors,) = told["metrics"]
    assert (errors["name"], errors["title"], errors["unit"]) == (ERRORS, "errors", "%")
    assert (errors["value"], errors["rung"], errors["rule"]) == (12.0, "mandatory", "error_rate > 5%")
    assert errors["threshold"] == {"operator": ">", "number": 5.0, "unit": "%"}
    assert errors["since"] == written(watch.now.before(55).utc_us)
    assert errors["rules"][-1] == {
        "rung": "automatic",
        "words": "error_rate > 10% for 5m",
        "holds": False,
        "left_s": 42.0,
    }
    assert (errors["count"], errors["at_least"]) == (240, 20)
    assert errors["measured"] == written(watch.now.before(1).utc_us)
    assert errors["age_s"] > 0
    assert errors["source"]["name"] == "metrics"
    assert errors["source"]["trouble"] == "refused\n[red]"
    assert set(errors["trend"]) == {12.0}
    assert 50 < told["trend_s"] < 900
    assert max(piece["high"] for piece in errors["course"]) == 40.0
    assert errors["course"][0]["rung"] == "ok"


def test_without_a_moment_there_is_no_course_and_without_a_source_none_is_told(watch: Watch) -> None:
    told = watch.json()
    assert len(told["metrics"]) == 14
    assert {one["course"] for one in told["metrics"]} == {None}
    disk = told["metrics"][-1]
    assert (disk["rung"], disk["value"], disk["source"]) == ("no source", None, None)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("error_rat",), "unknown metric `error_rat`: did you mean `error_rate`?"),
        (("--since", "soon"), "--since: 'soon' is no moment: write 14:05:30"),
        (("--since", "+5m"), "--since: `+5m` is not in the past"),
    ],
)
def test_what_cannot_be_told_is_one_line(watch: Watch, words: tuple[str, ...], why: str) -> None:
    done = watch(*words)
    assert done.returncode == Exit.USAGE
    assert done.stdout == ""
    assert done.stderr.startswith(why)
    assert done.stderr.count("\n") == 1

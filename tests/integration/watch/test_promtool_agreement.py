"""Rules that PromQL can express: our evaluator and Prometheus' own, step by step on the same samples.

`promtool test rules` evaluates rules on given series, offline and exactly. Both sides get a sample a second
and judge once a second, and must say the same at every step at which there is a sample.

What is compared, and how far it goes:

- Thresholds, `and`, `or` and `for` on gauges, also with one or two samples missing: until the next one comes,
  Prometheus goes on with the last value (five minutes long) and lets a window end; we stay on the rung, and
  our windows end at samples alone. So the steps without a sample are left out.
- Shares and quantiles of increases, with restarts. Prometheus stretches an increase where samples do not
  reach the edges of its window; here they do, so that both are exact. In the field an increase may differ by
  that stretch, at most one interval's part of the window; in a share it cancels.
- Not compared is what PromQL has no words for: unknown, stale, and ladders.
"""

import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from console.core.clock import Stamp
from console.core.counters import Page
from console.core.measures import NOTHING, Measured, Scraped, from_page, new_history
from console.core.rules import Ladder
from console.core.watched import FailureRatio, Gauge, Metric, Quantile, Rungs, SuccessRatio
from tests.conftest import require_program

Course = tuple[float | None, ...]
"""A value a second; None where there is no sample."""
STEPS = 24
OVER_S = 5
"""The window of increases. Before a course begins, counters have been there for as long."""
GAP_S = 3.0
BOUNDS = (0.1, 0.5, 1.0, 5.0, math.inf)
SIGNS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "==", "!=": "!="}


class Case(Struct, frozen=True):
    """One rule in both languages, and the series that it is about."""

    measures: dict[str, Scraped]
    """What our rule calls a metric, and how that is measured."""
    rule: str
    expr: str
    held_s: int
    series: dict[str, Course]

    def metrics(self) -> dict[str, Metric]:
        """Ours: the first metric has the rule."""
        held = f"({self.rule}) for {self.held_s}s" if self.held_s else self.rule
        first, *others = self.measures
        rungs = {first: {"mandatory": held}} | {name: {} for name in others}
        return {
            name: Metric(title="m", unit="count", measure=measure, rungs=Rungs.model_validate(rungs[name]))
            for name, measure in self.measures.items()
        }

    def alert(self, name: str) -> dict[str, str]:
        """Theirs."""
        return {"alert": name, "expr": self.expr, "for": f"{self.held_s}s"}

    def sampled(self, step: int) -> bool:
        """Whether all samples of that step are there."""
        return all(course[step] is not None for course in self.series.values())


# -- rules and courses ----------------------------------------------------------------------------------

held = st.sampled_from([0, 0, 1, 2, 3, 5])


def with_gaps(values: Sequence[int | None]) -> Course:
    """At most two samples missing in a row, and none at the beginning, which is no gap."""
    course: list[float | None] = [float(values[0] or 0)]
    for value in values[1:]:
        missing = value is None and course[-2:] != [None, None]
        course.append(None if missing else float(value or 0))
    return tuple(course)


courses = st.lists(st.sampled_from([0, 1, 2, 2, 3, 3, 3, None]), min_size=STEPS, max_size=STEPS).map(
    with_gaps
)
full_courses = st.lists(st.integers(0, 3), min_size=STEPS, max_size=STEPS).map(with_gaps)


@st.composite
def thresholds(draw: st.DrawFn, name: str) -> Case:
    sign, bound, series = draw(st.sampled_from(sorted(SIGNS))), draw(st.integers(0, 3)), f"{name}_level"
    return Case(
        measures={name: Gauge(kind="gauge", source="page", gauge=series)},
        rule=f"{name} {sign} {bound}",
        expr=f"{series} {SIGNS[sign]} {bound}",
        held_s=draw(held),
        series={series: draw(courses)},
    )


@st.composite
def pairs(draw: st.DrawFn, name: str) -> Case:
    word, bound = draw(st.sampled_from(["and", "or"])), draw(st.integers(0, 2))
    one, other = f"{name}_one", f"{name}_other"
    gauges = {each: Gauge(kind="gauge", source="page", gauge=f"{each}_level") for each in (one, other)}
    return Case(
        measures=dict(gauges),
        rule=f"{one} > {bound} {word} {other} < 2",
        expr=f"{one}_level > {bound} {word} on() {other}_level < 2",
        held_s=draw(held),
        series={f"{each}_level": draw(full_courses) for each in gauges},
    )


def counter(grows: Sequence[int], restarts: frozenset[int]) -> Course:
    """A counter that has long been there, and begins again at some steps."""
    counted, course = 10_000.0, []
    for step, grown in enumerate(grows):
        counted = (0.0 if step in restarts else counted) + grown
        course.append(counted)
    return tuple(course)


traffic = st.lists(st.sampled_from([0, 0, 1, 2, 5]), min_size=STEPS, max_size=STEPS)
restarting = st.frozensets(st.integers(OVER_S, STEPS - 1), max_size=2)


@st.composite
def shares(draw: st.DrawFn, name: str) -> Case:
    """Failures among all, or successes."""
    bad, good, restarts = draw(traffic), draw(traffic), draw(restarting)
    failed, total = f"{name}_failed", f"{name}_total"
    bound, successes = draw(st.sampled_from([0, 20, 49, 77])), draw(st.booleans())
    counters = {"source": "page", "failed": failed, "total": total, "over": f"{OVER_S}s"}
    share = f"100 * increase({failed}[{OVER_S}s]) / increase({total}[{OVER_S}s])"
    ours: Scraped = (
        SuccessRatio.model_validate({"kind": "successes", **counters})
        if successes
        else FailureRatio.model_validate({"kind": "failures", **counters})
    )
    return Case(
        measures={name: ours},
        rule=f"{name} > {bound}",
        expr=f"100 - {share} > {bound}" if successes else f"{share} > {bound}",
        held_s=draw(held),
        series={
            failed: counter(bad, restarts),
            total: counter([b + g for b, g in zip(bad, good, strict=True)], restarts),
        },
    )


@st.composite
def quantiles(draw: st.DrawFn, name: str) -> Case:
    q, bound = draw(st.sampled_from([0.5, 0.9, 0.99])), draw(st.sampled_from([0.07, 0.43, 0.93, 3.3]))
    restarts, counted = draw(restarting), [0] * STEPS
    series, wait = {}, f"{name}_seconds"
    for upper in BOUNDS:
        counted = [all_ + here for all_, here in zip(counted, draw(traffic), strict=True)]
        written = "+Inf" if math.isinf(upper) else f"{upper:g}"
        series[f'{wait}_bucket{{le="{written}"}}'] = counter(counted, restarts)
    return Case(
        measures={
            name: Quantile.model_validate(
                {"kind": "quantile", "source": "page", "histogram": wait, "q": q, "over": f"{OVER_S}s"}
            )
        },
        rule=f"{name} > {bound}",
        expr=f"histogram_quantile({q}, increase({wait}_bucket[{OVER_S}s])) > {bound}",
        held_s=draw(held),
        series=series,
    )


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    """Three rules of each kind, each about series of its own."""
    return [
        draw(kind(f"c{number}")) for number, kind in enumerate([thresholds, pairs, shares, quantiles] * 3)
    ]


# -- both verdicts --------------------------------------------------------------------------------------


def page(series: Mapping[str, Course], step: int) -> Page:
    """What is exposed at that step."""
    found: dict[str, dict[Any, float]] = {}
    for written, course in series.items():
        name, _, labels = written.partition("{")
        key = (("le", labels.split('"')[1]),) if labels else ()
        if (value := course[step]) is not None:
            found.setdefault(name, {})[key] = value
    return Page(Stamp(step * 1_000_000, "boot", step * 1_000_000), found)


def fires(case: Case) -> list[bool]:
    """Whether our rule holds, at every step."""
    metrics = case.metrics()
    ladder = Ladder(metrics, dict.fromkeys(metrics, GAP_S))
    history = new_history(case.measures.values())
    known: dict[str, Measured] = dict.fromkeys(metrics, NOTHING)
    verdicts = []
    for step in range(STEPS):
        shown = page(case.series, step)
        history.add(shown)
        for name, measure in case.measures.items():
            new = from_page(measure, shown, history)
            known[name] = Measured(new.value, new.count, new.at or known[name].at)
        standings = ladder.observe(known, frozenset(), shown.at)
        verdicts.append(standings[next(iter(metrics))].rung.says_roll_back)
    return verdicts


def written(course: Course) -> str:
    """In promtool's words."""
    return " ".join("_" if value is None else repr(value) for value in course)


def expected(name: str, case: Case) -> list[dict[str, Any]]:
    """That Prometheus fires where we do, at every step that is compared."""
    firing = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
    first = 0 if all("_level" in series for series in case.series) else OVER_S
    return [
        {
            "expr": firing,
            "eval_time": f"{step}s",
            "exp_samples": [{"labels": firing, "value": 1}] if fired else [],
        }
        for step, fired in enumerate(fires(case))
        if step >= first and case.sampled(step)
    ]


def judged(promtool: str, folder: Path, built: Sequence[Case]) -> str:
    """What promtool says of our verdicts; empty when they are its own."""
    named = {f"Rule{number}": case for number, case in enumerate(built)}
    rules = [case.alert(name) for name, case in named.items()]
    series = {name: course for case in built for name, course in case.series.items()}
    test = {
        "interval": "1s",
        "input_series": [{"series": name, "values": written(course)} for name, course in series.items()],
        "promql_expr_test": [each for name, case in named.items() for each in expected(name, case)],
    }
    (folder / "rules.json").write_text(json.dumps({"groups": [{"name": "ours", "rules": rules}]}))
    (folder / "test.json").write_text(
        json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1s", "tests": [test]})
    )
    done = subprocess.run(
        [promtool, "test", "rules", "test.json"], cwd=folder, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture
def promtool() -> str:
    """Prometheus' own evaluator."""
    return require_program("promtool", "prometheus")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cases())
def test_rules_fire_at_the_steps_at_which_prometheus_fires(
    promtool: str, tmp_path: Path, built: list[Case]
) -> None:
    """Thresholds, two metrics at once, shares and quantiles, with windows, gaps and restarts."""
    assert judged(promtool, tmp_path, built) == ""


def test_one_step_too_early_is_found(promtool: str, tmp_path: Path) -> None:
    """The comparison can fail: a rule that holds a second later over there is told, with the step."""
    high: Course = (0.0, *[5.0] * (STEPS - 1))
    gauge = Gauge(kind="gauge", source="page", gauge="load_level")
    case = Case({"load": gauge}, "load > 2", "load_level > 2", 5, {"load_level": high})
    assert judged(promtool, tmp_path, [case]) == ""
    late = "(load_level > 2) and on() (vector(time()) > 1)"
    assert "time: 6s" in judged(promtool, tmp_path, [replace(case, expr=late)])

"""Numbers and alerts of a real Prometheus, and what becomes of a metric when they are gone."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from console.core.metrics import Rung
from console.store.clock import SystemClock
from console.targets.source import SourceError
from console.targets.watch.prometheus_api import RefusedError
from tests.integration.targets.local_web import LocalWeb
from tests.integration.watch.prometheus_kit import (
    INTERVAL_S,
    Monitor,
    environment,
    eventually,
    metric,
    rung,
    sampler,
    server,
    show,
    until,
    value,
)
from tests.servers import free_port

SILENCE_S = 0.7
"""Of the kit's source."""


async def test_a_question_brings_what_the_page_shows(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """A series alone, a sum of several, or a bare number."""
    show(page, **{"seats": 12.5, 'parts{part="1"}': 2, 'parts{part="2"}': 3})
    await monitor.shows("sum(parts)", 5)
    asked = server(client, monitor.url, "seats", "sum(parts)", "6 * 7")
    answered = await asked.look()
    assert answered.numbers == {"seats": 12.5, "sum(parts)": 5.0, "6 * 7": 42.0}
    assert answered.trouble == ""


async def test_a_ratio_of_rates_is_right_across_a_restart(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Counters that begin again neither hide failures nor invent them: 60 of 140 have failed."""
    for done, bad in ((1000, 100), (1100, 150), (40, 10)):
        show(page, done_total=done, bad_total=bad)
        await monitor.shows("done_total", done)
    ratio = "100 * sum(rate(bad_total[1m])) / sum(rate(done_total[1m]))"
    assert (await server(client, monitor.url, ratio).look()).numbers[ratio] == pytest.approx(100 * 60 / 140)


async def test_what_is_no_number_is_not_there(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Each is told with its question, and the others still count; nothing of it is 0."""
    show(page, **{'many{n="1"}': 1, 'many{n="2"}': 2, 'many{n="3"}': 3})
    await monitor.shows("count(many)", 3)
    expected = {
        "many": "`many`: brings 3 series, one is wanted: aggregate it",
        "never_there": "`never_there`: brings nothing",
        "0 / 0": "`0 / 0`: brings nan",
        "1 / 0": "`1 / 0`: brings inf",
        '"word"': '`"word"`: brings a string, one number is wanted',
        "many[1m]": "`many[1m]`: brings a matrix, one number is wanted",
        "sum(": '`sum(`: bad_data: invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
        "alert Nobody": "`alert Nobody`: there is no alert rule of that name",
    }
    for question, words in expected.items():
        asked = server(client, monitor.url, question, "sum(many)")
        answered = await asked.look()
        assert answered.numbers == {"sum(many)": 6.0}
        assert answered.trouble == words


async def test_trouble_stays_one_line_however_much_there_is(
    client: httpx.AsyncClient, monitor: Monitor
) -> None:
    """The first few questions by name, and how many more."""
    asked = server(client, monitor.url, *(f"gone_{n}" for n in range(6)), "1")
    answered = await asked.look()
    assert answered.numbers == {"1": 1.0}
    told = "`gone_0`: brings nothing; `gone_1`: brings nothing; `gone_2`: brings nothing; and 3 more"
    assert answered.trouble == told


async def test_a_source_without_questions_says_whether_it_answers(
    client: httpx.AsyncClient, monitor: Monitor
) -> None:
    """Its availability may be all that is wanted."""
    await server(client, monitor.url).look()
    with pytest.raises(SourceError, match="connection refused"):
        await server(client, f"http://127.0.0.1:{free_port()}").look()


async def test_an_alert_is_1_while_it_fires_alone(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Not while it is pending; and 0 again when it is over."""
    asked = server(client, monitor.url, "alert LoadHighFor")
    seen = []
    for load, state in ((1, "inactive"), (9, "pending"), (9, "firing"), (1, "inactive")):
        show(page, load=load)
        await monitor.stands("LoadHighFor", state)
        answered = await asked.look()
        seen.append((answered.numbers["alert LoadHighFor"], answered.trouble))
    assert seen == [(0.0, ""), (0.0, ""), (1.0, ""), (0.0, "")]


async def test_an_alert_of_several_rules_fires_when_one_does(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Prometheus lets rules share a name."""
    show(page, load=150)
    await monitor.shows('count(ALERTS{alertname="Often", alertstate="firing"})', 1)
    assert (await server(client, monitor.url, "alert Often").look()).numbers == {"alert Often": 1.0}


async def test_an_alert_whose_rule_fails_is_unknown(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Its rule would say `inactive`, which is not the same as calm."""
    show(page, **{'parts{part="1"}': 2, 'parts{part="2"}': 3})
    asked = server(client, monitor.url, "alert Broken", "1")

    def fails() -> bool:
        rules = monitor.ask("rules")["groups"][0]["rules"]
        return any(rule["health"] == "err" for rule in rules)

    await eventually(fails, "the rule does not fail")
    answered = await asked.look()
    assert answered.numbers == {"1": 1.0}
    assert answered.trouble.startswith("`alert Broken`: its rule cannot be evaluated: ")


async def test_a_series_that_ends_in_silence_is_left_out(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Nobody marks the end of a series that brings its own times, so that only looking back less helps.

    Servers before 2.43 cannot be asked to, as the documentation says.
    """
    page.text("/metrics", f"pushed 7 {SystemClock().now().utc_us // 1000}\n")
    asked = server(client, monitor.url, "pushed")
    await monitor.shows("pushed", 7)
    show(page)
    await asyncio.sleep(SILENCE_S + 2 * INTERVAL_S)  # silence is time that passes without an event
    assert monitor.value("pushed") == 7
    there = monitor.version < (2, 43)
    assert (await asked.look()).numbers == ({"pushed": 7.0} if there else {})


class TestCourse:
    """What a question would have brought in the past."""

    async def test_points_of_one_series(
        self, client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
    ) -> None:
        """Oldest first, by age, and none from before there was a value."""
        show(page, level=1)
        await monitor.shows("level", 1)
        show(page, level=2)
        await monitor.shows("level", 2)
        points = await server(client, monitor.url).course("10 * level", since_s=60, step_s=0.1)
        values = [point.value for point in points]
        assert sorted(set(values)) == [10.0, 20.0]
        assert values == sorted(values)
        ages = [point.age_s for point in points]
        assert ages == sorted(ages, reverse=True)
        assert 0 <= ages[-1] < ages[0] < 30
        older = await server(client, monitor.url).course("level", since_s=60, until_s=50, step_s=1)
        assert older == []

    async def test_mistakes_name_the_question(
        self, client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
    ) -> None:
        """Several series, or what is no PromQL."""
        show(page, **{'many{n="1"}': 1, 'many{n="2"}': 2})
        await monitor.shows("count(many)", 2)
        asked = server(client, monitor.url)
        with pytest.raises(RefusedError, match="`many`: brings 2 series, one is wanted: aggregate it"):
            await asked.course("many", since_s=1, step_s=0.5)
        with pytest.raises(RefusedError, match=r"`sum\(`: bad_data: .*unclosed left parenthesis"):
            await asked.course("sum(", since_s=1, step_s=0.5)


LOAD = {
    "load": metric(
        {"kind": "query", "query": "load", "count": "tries"},
        recovered="load < 2",
        warn="load > 3",
        mandatory="load > 5 for 500ms",
    ),
}


async def test_a_metric_climbs_its_ladder_and_comes_down(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """With its own windows, and the number of tries that it rests on."""
    show(page, load=1, tries=40)
    ticks = sampler(environment(monitor.url, LOAD), client).ticks()
    try:
        tick = await until(ticks, lambda tick: rung(tick, "load") is Rung.RECOVERED)
        reading = tick.row.reading("load")
        assert reading is not None
        assert (reading.value, reading.count) == (1.0, 40)
        show(page, load=9, tries=40)
        await until(ticks, lambda tick: rung(tick, "load") is Rung.WARN)
        tick = await until(ticks, lambda tick: rung(tick, "load") is Rung.MANDATORY)
        assert [(firing.metric, firing.rule) for firing in tick.mandatory] == [("load", "load > 5 for 500ms")]
        show(page, load=1, tries=40)
        tick = await until(ticks, lambda tick: rung(tick, "load") is Rung.RECOVERED)
        assert tick.mandatory == ()
        show(page, load=9)
        tick = await until(ticks, lambda tick: rung(tick, "load") is Rung.STALE)
        assert tick.trouble == {"prom": "`tries`: brings nothing"}
    finally:
        await ticks.aclose()


async def test_a_target_that_stops_is_stale_in_time(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """Prometheus answers as ever; what it says of a target that is gone is nothing, not what was."""
    show(page, "/doomed", pulse=3)
    pulse = metric({"kind": "query", "query": "pulse"}, warn="pulse > 2")
    ticks = sampler(environment(monitor.url, {"pulse": pulse}), client).ticks()
    try:
        await until(ticks, lambda tick: rung(tick, "pulse") is Rung.WARN)
        del page.answers["/doomed"]
        await eventually(lambda: monitor.value('up{job="doomed"}') == 0, "it is scraped all the same")
        gone = time.monotonic()
        tick = await until(ticks, lambda tick: rung(tick, "pulse") is Rung.STALE)
        assert time.monotonic() - gone < 2 * SILENCE_S
        assert value(tick, "pulse") is None
        assert tick.trouble == {"prom": "`pulse`: brings nothing"}
        # A window still holds what was; the way to end it that the documentation tells.
        window = "max_over_time(pulse[5m])"
        asked = server(client, monitor.url, window, f'{window} and on() (up{{job="doomed"}} == 1)')
        assert (await asked.look()).numbers == {window: 3.0}
        show(page, "/doomed", pulse=1)
        await until(ticks, lambda tick: rung(tick, "pulse") is Rung.OK)
    finally:
        await ticks.aclose()


async def test_a_server_that_stops_is_stale_and_told(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """A monitor that is down rolls back nothing, whatever it said last, and counts again when it is back."""
    rules = [{"record": "load", "expr": "vector(9)"}, {"record": "tries", "expr": "vector(40)"}]
    own = Monitor(tmp_path, {}, rules)
    own.start()
    ticks = sampler(environment(own.url, LOAD), client).ticks()
    try:
        await until(ticks, lambda tick: rung(tick, "load") is Rung.MANDATORY)
        own.stop()
        tick = await until(ticks, lambda tick: rung(tick, "load") is Rung.STALE)
        assert tick.mandatory == ()
        assert tick.trouble == {"prom": f"{own.url}/api/v1/query: connection refused"}
        own.start()
        await until(ticks, lambda tick: rung(tick, "load") is Rung.MANDATORY)
    finally:
        await ticks.aclose()
        own.stop()

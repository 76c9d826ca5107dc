"""The screen of all metrics: one is chosen, and says everything about itself."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core.clock import Stamp
from console.core.course import Piece
from console.core.metrics import Reading, Row, Rung
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.ui.test_pictures import at_the_gate, contains, suspected

CHART = slice(5, 15)
"""The lines of the chart at 80x24."""


def _sick() -> FakeRoom:
    """Errors demand a rollback; the window of the connections is under way."""
    room = FakeRoom()
    room.runs("v1.5.0")
    room.sample(
        60,
        {"connection_success_rate": 43.0},
        error_rate=(12.4, Rung.MANDATORY),
        connection_success_rate=(45.0, Rung.WARN),
    )
    room.runs("v1.5.3")
    room.suspect()
    return room


def _chosen(screen: str) -> str:
    row = next(line for line in screen.splitlines() if "▸" in line and "│" in line)
    return row.split("▸")[1].split()[1]


class TestWalking:
    """Which metric is looked at."""

    async def test_the_most_urgent_is_chosen_and_keys_walk_from_there(self) -> None:
        async with seat(_sick()) as here:
            assert _chosen(await here.press("m")) == "errors"
            assert _chosen(await here.press("j")) == "connections"
            assert _chosen(await here.press("down", "k", "k", "up")) == "errors"
            assert _chosen(await here.press("end")) == "security"
            assert _chosen(await here.press("home")) == "errors"

    async def test_the_choice_stays_on_its_metric_when_another_becomes_more_urgent(self) -> None:
        room = FakeRoom()
        room.sample(5, error_rate=(3.0, Rung.WARN))
        async with seat(room) as here:
            assert _chosen(await here.press("m")) == "errors"
            room.sample(5, error_rate=(3.0, Rung.WARN), memory_usage=(93.0, Rung.MANDATORY))
            screen = await here.look()
            assert _chosen(screen) == "errors"
            assert screen.index("memory") < screen.index("errors")

    @pytest.mark.parametrize("key", ["m", "escape"])
    async def test_it_is_closed_as_it_was_opened(self, key: str) -> None:
        async with seat(_sick()) as here:
            assert "Metrics · testnet · INC-7QK2" in await here.press("m")
            assert "Metrics ·" not in await here.press(key)

    async def test_the_palette_opens_it(self) -> None:
        async with seat(_sick()) as here:
            await here.press(":")
            assert "Metrics · testnet" in await here.type("metrics")

    async def test_without_a_sample_it_says_so(self) -> None:
        async with seat(FakeRoom(engine=False)) as here:
            contains(await here.press("m"), "no sample in this time", "▸ ·  errors")


class TestRules:
    """Which rule holds, since when, and how long is left."""

    async def test_each_rung_in_the_strategys_own_words(self) -> None:
        async with seat(_sick(), 120, 60) as here:
            contains(
                await here.press("m"),
                "· automatic  error_rate > 10% for 5m, does not hold",
                "! mandatory  error_rate > 5%, holds since 14:10:17, 00:00",
                "! warn       error_rate > 1%, holds too",
                "rests on 120",
                "measure  100 * increase(errors[5m]) / increase(errors_total[5m])",
                "source   service: page of metrics http://127.0.0.1:9000/metrics, every 1s, at most 1s",
                "taken    14:10:17, 00:00 ago",
            )
            contains(
                await here.press("j"),
                "mandatory  connection_success_rate < 50% for 1m, its window is under way: 00:43 left",
            )

    async def test_too_few_samples_are_counted(self) -> None:
        measure = {"kind": "quantile", "source": "service", "histogram": "t", "q": 0.99, "over": "5m"}
        few = {"title": "p99", "unit": "s", "measure": measure, "at_least": 200, "rungs": {}}
        room = FakeRoom(place.environment(metrics={"response_time_p99": few}))
        room.sample(3, response_time_p99=(0.2, Rung.WAITING))
        async with seat(room, 120, 60) as here:
            contains(await here.press("m"), "rests on 120, too few: at least 200 are needed")

    async def test_a_metric_that_only_has_to_stay_well_says_so(self) -> None:
        """Up at once, down after a while."""
        room = FakeRoom(place.environment(settle="30s"))
        room.sample(3, error_rate=(2.0, Rung.MANDATORY))
        async with seat(room, 120, 60) as here:
            contains(await here.press("m"), "better now: comes down when it has been for 30s")

    async def test_what_is_stale_holds_nothing_and_says_what_is_wrong(self) -> None:
        room = _sick()
        room.lose_engine()
        room.wait(14)
        room.live = replace(room.live, trouble={"service": "[red]refused[/]"}) if room.live else None
        async with seat(room, 120, 60) as here:
            contains(
                await here.press("m"),
                "errors error_rate: stale",
                "error_rate > 5%, not known: stale",
                "taken    14:10:17, 00:14 ago",
                "trouble  [red]refused[/]",
            )

    async def test_a_metric_without_a_source_has_nothing_to_ask(self) -> None:
        async with seat(_sick(), 120, 60) as here:
            contains(await here.press("m", "end"), "measure  the strategy names none: NO SOURCE")


def _hour_ago(room: FakeRoom, value: float) -> None:
    """A minute of samples, an hour before those that a snapshot holds."""
    for second in range(60):
        at = room.now.before(3000 - second)
        room.past.append(Row(at, (Reading("error_rate", value, 10, at, Rung.WARN),)))


class TestReach:
    """How far back the chart goes."""

    async def test_one_key_goes_further_back_and_round(self) -> None:
        async with seat(_sick()) as here:
            contains(await here.press("m"), "15 minutes", "13:55:17")
            contains(await here.press("s"), "the whole incident")
            contains(await here.press("s"), "1 hour", "13:10:17")
            contains(await here.press("s"), "4 hours", "10:10:17")
            contains(await here.press("s"), "15 minutes")

    async def test_without_an_incident_there_is_none_to_choose(self) -> None:
        async with seat(FakeRoom()) as here:
            contains(await here.press("m", "s"), "1 hour")

    async def test_what_a_snapshot_has_let_go_of_is_read(self) -> None:
        """A calm metric, and an hour ago a peak."""
        room = FakeRoom()
        room.sample(60)
        _hour_ago(room, 40.0)
        async with seat(room) as here:
            assert "40.0 %" not in await here.press("m", "down", "up")
            assert "40.0 %" in await here.press("s")

    async def test_what_the_source_has_recorded_is_told_apart(self) -> None:
        """The engine began a minute ago; Prometheus knows of the time before."""
        room = FakeRoom()
        room.sample(60)
        own = room.course

        async def recorded(metric: str, since: Stamp, until: Stamp, width_s: float) -> Sequence[Piece]:
            first = room.rows[0].at
            told = Piece(first.before(600), first, 7.5, 7.5, Rung.NO_SOURCE, told=True)
            return [told, *await own(metric, since, until, width_s)]

        room.course = recorded  # type: ignore[method-assign]
        async with seat(room) as here:
            screen = await here.press("m")
        contains(screen, "ppppppp", "p before the engine looked, by Prometheus' own record")

    async def test_while_it_is_read_it_says_so_and_a_walk_starts_no_crowd(self) -> None:
        room, asked, ready = FakeRoom(), list[str](), asyncio.Event()
        room.sample(60)
        read = room.course

        async def slow(metric: str, since: Stamp, until: Stamp, width_s: float) -> Sequence[Piece]:
            asked.append(metric)
            await ready.wait()
            return await read(metric, since, until, width_s)

        room.course = slow  # type: ignore[method-assign]
        async with seat(room) as here:
            contains(await here.press("m", "s"), "1 hour, being read")
            await here.press("j", "j", "j")
            first, last = asked[0], _chosen(here.painted())
            assert asked == [first]
            ready.set()
            await here.until(lambda: "being read" not in here.painted())
            assert len(asked) == 2
            assert room.environment.metrics[asked[1]].title == last

    async def test_what_cannot_be_read_is_said_and_the_last_minutes_stay(self) -> None:
        room = _sick()

        async def broken(metric: str, since: Stamp, until: Stamp, width_s: float) -> Sequence[Piece]:
            raise OSError(5, "Input/output error", "/samples")

        room.course = broken  # type: ignore[method-assign]
        async with seat(room) as here:
            screen = await here.press("m", "s", "s")
            contains(screen, "what lies further back cannot be read", "Input/output error", "12.4 %")


class TestChart:
    """What stands where."""

    async def test_thresholds_marks_and_rungs(self) -> None:
        room = at_the_gate()
        room.open_gate()
        room.switch()
        room.prove()
        async with seat(room, 120) as here:
            screen = await here.press("m", "s")
        rows = screen.splitlines()
        assert [word for row in rows[CHART] for word in ("auto", "mand", "warn") if word in row] == [
            *("auto", "mand", "warn"),
        ]
        contains(screen, "O onset 14:10:17", "D declared 14:10:31", "G gate opened 14:10:37", "H healthy")
        marks = next(row for row in rows if row.count("O") == 1 and "onset" not in row and "D" in row)
        assert marks.index("O") < marks.index("D") < marks.index("G") < marks.index("H")

    async def test_a_gap_is_never_joined(self) -> None:
        """While no engine looked there is nothing, in the chart and in the trend."""
        room = FakeRoom()
        room.sample(60)
        room.rows += [
            Row(
                (at := Stamp(row.at.utc_us + 360_000_000, "boot", row.at.boot_us + 360_000_000)),
                tuple(replace(reading, measured=at) for reading in row.readings),
            )
            for row in room.rows
        ]
        room._seconds += 360
        async with seat(room) as here:
            screen = await here.press("m", "end", "up")
        strip = next(row for row in screen.splitlines() if " rung│" in row).split("│")[2].rstrip()
        assert strip.strip().startswith("─")
        assert "─" * 3 + " " * 15 in strip
        assert strip.endswith("─")

    async def test_infinity_one_sample_and_what_is_only_counted(self) -> None:
        """Nothing of this is a fault."""
        gas = {
            "title": "[b]gas",
            "unit": "count",
            "measure": {"kind": "gauge", "source": "service", "gauge": "g"},
            "rungs": {},
        }
        room = FakeRoom(place.environment(metrics={"gas": gas}))
        for value in (1.0, float("inf"), float("-inf"), -5.0):
            room.wait(1)
            room.rows.append(Row(room.now, (Reading("gas", value, None, room.now, Rung.OK),)))
            async with seat(room) as here:
                contains(await here.press("m", "pagedown"), "[b]gas gas: ok", "none: it is only counted")

    async def test_a_hostile_title_and_question_stay_text(self) -> None:
        prom = {"kind": "prometheus", "url": "https://u:secret@prom/?q=1", "every": "1s", "limit": "1s"}
        query = "sum(x{a='[red]'})\n  / \x1b[2J sum(y)"
        odd = {
            "title": "[red]\u202eodd",
            "unit": "%",
            "measure": {"kind": "query", "source": "prom", "query": query, "count": "sum(y)"},
            "rungs": {"warn": "odd > 1%"},
        }
        room = FakeRoom(place.environment(sources={"prom": prom}, metrics={"odd": odd}))
        room.say(ev.RungChanged("odd", "[red]odd", Rung.OK, Rung.WARN, 2.0, 1, "%", "odd > 1%"))
        async with seat(room, 120, 60) as here:
            screen = await here.press("m")
        contains(
            screen,
            r"[red]\u202eodd",
            "measure  sum(x{a='[red]'})",
            r"/ \x1b[2J sum(y)",
            "count    sum(y)",
            "source   prom: Prometheus https://prom/, every 1s, at most 1s",
        )
        assert "\x1b" not in screen
        assert "secret" not in screen


async def test_without_unicode_and_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart reads the same: its line, its thresholds, its marks, its rungs."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with seat(_sick(), ascii_only=True) as here:
        screen = await here.press("m", "s")
        assert screen.isascii()
        assert here.colours() == set()
    contains(screen, "> !! errors", "mand 5.0 %|......", "M mandatory")
    assert any("|" in row.split("|", 2)[2] for row in screen.splitlines()[CHART])


async def test_the_sizes_it_must_work_in() -> None:
    """At least 60 by 10 cells of chart, on the smallest as well, and all of the list where there is room."""
    for width, height in ((80, 24), (120, 40), (140, 40), (200, 60)):
        async with seat(suspected(), width, height) as here:
            rows = (await here.press("m")).splitlines()
            axis = [row for row in rows if "│" in row and ("┄" in row or row.count("│") >= 3)]
            assert len(axis) >= 10
            assert sum("▸" in row for row in rows) >= 1
            strip = next(row for row in rows if " rung│" in row)
            assert len(strip.split("│")[2]) >= 60

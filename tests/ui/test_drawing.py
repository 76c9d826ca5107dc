"""The pure half of the screen: whatever the words and the terminal, lines keep to their cells."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.core import events as ev
from console.core.course import Piece, Span
from console.core.errands import errand_now
from console.core.format import clock, plain
from console.core.live import Impact, Progress
from console.core.metrics import Reading, Row, Rung
from console.core.next_step import next_step
from console.core.plan import Wish
from console.core.protocols import Snapshot
from console.core.trend import BARS, bars
from console.core.watched import Critical, Unit
from screens import lines as ln
from screens.ascii import to_ascii, wanted
from screens.chart import FOOT_LINES, ChartView, Mark, Threshold, draw_chart
from screens.layout import CAPTION_LINES, CLOCK_LINES, HEADER_LINES, KEYS_LINES, layout
from screens.lines import Line, Role
from screens.views.bottom import draw_keys, draw_next, keys_view, next_view
from screens.views.candidates import KEPT, choices
from screens.views.clock import clock_view, draw_clock
from screens.views.data import data_view
from screens.views.header import draw_header, header_view
from screens.views.loss import swap_lines
from screens.views.metric import Looking, Reach, metric_view
from screens.views.metrics import draw_metrics, metrics_view
from screens.views.plan import detail_view, draw_detail, gate_lines, plan_lines
from screens.views.runbook import draw_runbook, runbook_view
from screens.views.side import draw_side, side_view
from tests.ui import data_place as dp
from tests.ui import place
from tests.ui.fake_room import INCIDENT, FakeRoom
from tests.ui.test_pictures import SICK, at_the_gate, deploying, suspected
from tests.ui.test_staff import staffed

WORDS = st.text(max_size=60)
SPANS = st.lists(WORDS.map(ln.span), max_size=6)
CELLS = st.integers(0, 90)


def cells(spans: Line) -> int:
    return cell_len(ln.text(spans))


class TestLines:
    """Layout in cells, for any text."""

    @given(SPANS, CELLS)
    def test_fit_takes_exactly_its_cells(self, spans: list[ln.Span], width: int) -> None:
        assert cells(ln.fit(spans, width)) == width

    @given(SPANS, SPANS, st.integers(1, 90))
    def test_flush_keeps_the_right_part_whole_where_there_is_room(
        self, left: list[ln.Span], right: list[ln.Span], width: int
    ) -> None:
        drawn = ln.text(ln.flush(left, right, width))
        assert cell_len(drawn) == width
        if ln.width(right) <= width:
            assert drawn.endswith(ln.text(right))

    @given(SPANS, st.integers(8, 90))
    def test_a_rule_fills_its_line(self, spans: list[ln.Span], width: int) -> None:
        assert cells(ln.rule(width, *spans)) == width

    @given(WORDS, st.integers(4, 60))
    def test_wrap_loses_nothing_but_spaces_at_breaks(self, words: str, width: int) -> None:
        wrapped = ln.wrap(words, width)
        assert all(cells(row) <= width for row in wrapped)
        together = "".join(ln.text(row) for row in wrapped)
        assert together.replace(" ", "") == plain(words).replace(" ", "")

    def test_pack_drops_the_least_important_first_and_keeps_the_order(self) -> None:
        parts = [(0, ln.line("aa")), (2, ln.line("bb")), (1, ln.line("cc"))]
        assert ln.text(ln.pack(parts, 8)) == "aa bb cc"
        assert ln.text(ln.pack(parts, 7)) == "aa cc"
        assert ln.text(ln.pack(parts, 2)) == "aa"

    @given(st.text(max_size=40).map(plain))
    def test_ascii_is_as_wide_as_what_it_stands_for(self, text: str) -> None:
        stood_in = to_ascii(text)
        assert stood_in.isascii()
        assert len(stood_in) == cell_len(text)

    def test_every_sign_of_ours_has_a_stand_in_of_its_own_kind(self) -> None:
        """A question mark would be a lie: it means unknown."""
        assert "?" not in to_ascii("◆▲○◌✓✗▸»«→↑·…─│┌┐└┘▐▌┤┄┊" + BARS)

    def test_a_braille_sign_stands_where_its_dots_are(self) -> None:
        """High, low, in between, across; none for none."""
        assert to_ascii("\u2800⠉⠁⣀⢀⠒⠤⡇⢸⣿") == " ''__'_|||"


class TestAscii:
    """Asked for, or forced by the terminal."""

    @pytest.mark.parametrize(
        ("environment", "ascii_only"),
        [
            ({"WARROOM_ASCII": "1", "TERM": "xterm-256color"}, True),
            ({"WARROOM_ASCII": "0", "TERM": "linux"}, False),
            ({"TERM": "linux"}, True),
            ({"TERM": "xterm-256color"}, False),
        ],
    )
    def test_when(
        self, environment: dict[str, str], ascii_only: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("locale.getpreferredencoding", lambda **_: "UTF-8")
        assert wanted(environment) is ascii_only

    def test_a_locale_without_unicode(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("locale.getpreferredencoding", lambda **_: "ANSI_X3.4-1968")
        assert wanted({"TERM": "xterm-256color"})


def _failed() -> FakeRoom:
    room = at_the_gate()
    room.open_gate()
    room.begin("deploy")
    room.end("deploy", "漢字 " * 40, failed=True)
    return room


def _proven() -> FakeRoom:
    room = at_the_gate()
    room.open_gate()
    room.switch()
    room.prove()
    return room


def _beside() -> FakeRoom:
    room = dp.keeps()
    dp.backing_up(room, dp.errand(room, backup="漢字 " * 40), share=0.5, seconds=35)
    return room


CHAPTERS: dict[str, FakeRoom] = {
    "no engine": FakeRoom(engine=False),
    "quiet": FakeRoom(),
    "suspected": suspected(),
    "at the gate": at_the_gate(),
    "deploying": deploying(),
    "failed": _failed(),
    "proven": _proven(),
    "staffed": staffed(),
    "data kept": dp.keeps(),
    "data goes back": dp.compared(),
    "too much would go": dp.compared(beyond=True),
    "beside": _beside(),
}


def _panes(room: FakeRoom, snapshot: Snapshot) -> list[Callable[[int, int], Sequence[Line]]]:
    environment = room.environment
    step = next_step(snapshot, environment)
    header = header_view(snapshot, environment, room.name, room.actor)
    metrics = metrics_view(snapshot, environment)
    runbook = runbook_view(snapshot, environment, output=True)
    side, clock = side_view(snapshot, environment), clock_view(snapshot, environment)
    following = next_view(step, "a notice " * 30, Role.BAD)
    beside = next_view(step, "", Role.PLAIN, errand_now(snapshot))
    keys, detail = keys_view(snapshot, environment, step.command), detail_view(snapshot)
    return [
        lambda width, height: draw_header(header, width, height),
        lambda width, height: draw_metrics(metrics, width, height),
        lambda width, height: draw_runbook(runbook, width, height),
        lambda width, height: draw_side(side, width, height),
        lambda width, height: draw_clock(clock, width, height),
        lambda width, height: draw_next(following, width, height),
        lambda width, height: draw_next(beside, width, height),
        lambda width, height: draw_keys(keys, width, height),
        lambda width, height: draw_detail(detail, width, height),
    ]


PANES = {name: _panes(room, room.snapshot()) for name, room in CHAPTERS.items()}


class TestPanes:
    """Every pane in every chapter."""

    @settings(deadline=None)
    @given(st.sampled_from(sorted(PANES)), st.integers(48, 220), st.integers(0, 60))
    def test_no_pane_draws_beyond_its_place(self, chapter: str, width: int, height: int) -> None:
        for draw in PANES[chapter]:
            drawn = draw(width, height)
            assert len(drawn) <= height
            assert all(cells(row) <= width for row in drawn)

    @pytest.mark.parametrize("width", [38, 76, 112])
    def test_plan_and_gate_keep_to_their_width_and_lose_no_effect(self, width: int) -> None:
        room = CHAPTERS["at the gate"]
        frozen = place.plan(INCIDENT)
        plan = plan_lines(room.snapshot(), room.incident, frozen, width)
        gate = gate_lines(room.snapshot(), room.incident, frozen, width)
        assert all(cells(row) <= width for row in (*plan, *gate))
        together = "".join(ln.text(row) for row in plan).replace(" ", "")
        for step in frozen.steps:
            assert all(effect.replace(" ", "") in together for effect in step.effects)
        assert room.plan_hash in together

    @settings(deadline=None)
    @given(st.sampled_from(sorted(CHAPTERS)), st.integers(0, 9), st.integers(48, 120))
    def test_the_data_keeps_to_its_width_and_its_chosen_row_is_where_it_is_said(
        self, chapter: str, chosen: int, width: int
    ) -> None:
        room = CHAPTERS[chapter]
        snapshot = room.snapshot()
        ids = choices(snapshot) or (KEPT,)
        view = data_view(snapshot, room.environment, ids[chosen % len(ids)], width)
        assert all(cells(row) <= width for row in view.lines)
        if choices(snapshot):
            assert ln.text(view.lines[view.first]).startswith("▸")

    @pytest.mark.parametrize("width", [38, 76])
    def test_the_loss_keeps_to_its_width_and_leaves_no_table_out(self, width: int) -> None:
        room = CHAPTERS["data goes back"]
        plan = room.incident.plan
        assert plan is not None
        assert plan.data is not None
        lines = swap_lines(room.snapshot(), room.incident, plan.data, width)
        assert all(cells(row) <= width for row in lines)
        together = "".join(ln.text(row) for row in lines).replace(" ", "")
        assert "public.users" in together
        assert "40rowsgone,3goback" in together

    @settings(deadline=None)
    @given(
        st.lists(st.none() | st.floats(allow_nan=False), max_size=30),
        st.sampled_from(["%", "s", "count", "flag"]),
        st.lists(st.floats(0, 1e12), max_size=4),
        st.integers(48, 120),
        st.integers(1, 20),
    )
    def test_a_chart_keeps_to_its_place_whatever_the_values(
        self, values: list[float | None], unit: Unit, limits: list[float], width: int, height: int
    ) -> None:
        room = FakeRoom()
        pieces = []
        for value in values:
            room.wait(1)
            pieces.append(Piece(room.now, room.now, value, value, Rung.WARN))
        thresholds = tuple(Threshold(Rung.WARN, limit) for limit in limits)
        marks = tuple(Mark("O", "onset", room.now) for _ in range(9))
        view = ChartView(tuple(pieces), Span(room.now, 20.0, 3.0), unit, thresholds, marks, "20 s")
        drawn = draw_chart(view, width, height)
        assert all(cells(row) <= width for row in drawn)
        assert len(drawn) >= height + FOOT_LINES

    @settings(deadline=None)
    @given(
        st.sampled_from(sorted(CHAPTERS)), st.sampled_from(Reach), st.integers(48, 160), st.integers(12, 60)
    )
    def test_all_about_a_metric_keeps_to_its_width(
        self, chapter: str, reach: Reach, width: int, height: int
    ) -> None:
        room = CHAPTERS[chapter]
        for name in room.environment.metrics:
            looking = Looking(name, reach, None)
            drawn = metric_view(room.snapshot(), room.environment, looking, width, height)
            assert all(cells(row) <= width for row in drawn)


class TestLayout:
    """The terminal is shared out without a rest."""

    @given(
        st.integers(80, 240),
        st.integers(24, 90),
        st.integers(1, 12),
        st.integers(1, 30),
        st.integers(0, 90),
        st.integers(2, 5),
        st.booleans(),
    )
    def test_the_parts_fill_the_terminal(
        self, width: int, height: int, metrics: int, runbook: int, side: int, bottom: int, calm: object
    ) -> None:
        got = layout(
            width, height, metrics=metrics, runbook=runbook, side=side, bottom=bottom, calm=bool(calm)
        )
        fixed = HEADER_LINES + CAPTION_LINES + CLOCK_LINES + KEYS_LINES + bottom
        assert got.metrics + got.middle + got.timeline + fixed == height
        assert got.metrics >= 1
        assert got.middle >= 4
        assert got.timeline >= 1
        assert width - got.side - got.detail >= 46

    def test_the_sketch_at_its_own_size(self) -> None:
        got = layout(80, 24, metrics=6, runbook=13, side=40, bottom=2, calm=False)
        assert (got.metrics, got.middle, got.timeline, got.side) == (3, 8, 4, 32)

    def test_a_pane_with_little_to_say_leaves_the_rest_to_the_runbook(self) -> None:
        got = layout(80, 24, metrics=6, runbook=13, side=29, bottom=2, calm=False)
        assert got.side == 29
        assert layout(80, 24, metrics=6, runbook=13, side=3, bottom=2, calm=False).side == 26

    def test_a_larger_terminal_shows_all_metrics_and_steps_and_doubles_the_timeline(self) -> None:
        got = layout(120, 40, metrics=7, runbook=13, side=40, bottom=2, calm=False)
        assert (got.metrics, got.middle, got.timeline) == (7, 16, 8)


def _metric_lines(room: FakeRoom, width: int = 80, height: int = 4) -> list[Line]:
    return draw_metrics(metrics_view(room.snapshot(), room.environment), width, height)


class TestMetrics:
    """What is broken, the worst first."""

    def test_the_worst_comes_first_and_says_what_to_do(self) -> None:
        left = [ln.text(row)[:47].rstrip() for row in _metric_lines(suspected())]
        assert [row.split()[:2] for row in left] == [
            ["!!", "errors"],
            ["!!", "signing"],
            ["!", "connections"],
            ["!", "p99"],
        ]
        assert left[0].endswith("ROLL BACK")
        assert left[2].endswith("ARMS in 00:53")

    def test_a_window_under_way_counts_down_as_the_engine_says(self) -> None:
        """The console works nothing out: it could disagree."""
        room = FakeRoom()
        room.sample(5, {"connection_success_rate": 53.0}, connection_success_rate=(43.1, Rung.WARN))
        assert "ARMS in 00:53" in ln.text(_metric_lines(room)[0])
        room.sample(1, connection_success_rate=(43.1, Rung.WARN))
        assert "ARMS in" not in "".join(ln.text(row) for row in _metric_lines(room))

    def test_a_rung_that_is_reached_arms_no_more(self) -> None:
        """Of the automatic one above, a person learns nothing that would change what to do."""
        room = FakeRoom()
        room.sample(5, {"error_rate": 12.0}, error_rate=(12.4, Rung.MANDATORY))
        assert ln.text(_metric_lines(room)[0]).split("│")[0].rstrip().endswith("ROLL BACK")

    def test_a_stale_value_is_never_green_and_says_its_age(self) -> None:
        row = next(row for row in _metric_lines(suspected()) if "database" in ln.text(row))
        stale = row[[part.text for part in row].index("│") + 1 :]
        assert "STALE 00:14" in ln.text(stale)
        assert Role.GOOD not in {part.role for part in stale}

    @pytest.mark.parametrize("gone", [True, False])
    def test_without_an_engine_nothing_is_green_and_everything_says_its_age(self, *, gone: bool) -> None:
        """Silence is never green."""
        room = FakeRoom()
        room.sample(5)
        assert "✓" in "".join(ln.text(row) for row in _metric_lines(room))
        room.lose_engine(gone=gone)
        room.wait(14)
        rows = _metric_lines(room, height=7)
        assert Role.GOOD not in {part.role for row in rows for part in row}
        words = "".join(ln.text(row) for row in rows)
        assert words.count("STALE 00:14") == 7
        assert "✓" not in words
        assert " ok" not in words

    def test_a_stale_value_is_remembered_where_there_is_room(self) -> None:
        room = FakeRoom()
        room.sample(5, error_rate=(12.4, Rung.MANDATORY))
        room.lose_engine()
        room.wait(14)
        assert "errors       STALE 00:14, was 12.4 %" in ln.text(_metric_lines(room)[0])

    @pytest.mark.parametrize(("width", "aged"), [(120, 7), (140, 7), (200, 7)])
    def test_each_sample_says_its_age_where_there_is_room(self, width: int, aged: int) -> None:
        room = FakeRoom()
        room.sample(5)
        room.sampling = False
        room.wait(2)
        words = "".join(ln.text(row) for row in _metric_lines(room, width, 20))
        assert words.count(" 2s") == aged

    def test_on_a_small_terminal_what_is_calm_says_its_age_too(self) -> None:
        """Instead of two bars that tell nothing."""
        room = FakeRoom()
        room.sample(5)
        right = [ln.text(row).split("│")[1].rstrip() for row in _metric_lines(room)]
        assert right[0].endswith(">85   0s")

    def test_a_metric_without_a_source_says_so(self) -> None:
        assert "security     NO SOURCE" in "".join(ln.text(row) for row in _metric_lines(suspected()))

    def test_what_there_is_no_room_for_is_counted(self) -> None:
        assert "and 2 ok, 1 no source" in ln.text(_metric_lines(suspected(), height=3)[-1])

    def test_what_is_folded_and_not_calm_is_not_green(self) -> None:
        folded = _metric_lines(suspected(), height=1)[0][-3:]
        assert "and 1 mandatory, 1 waiting" in ln.text(folded)
        assert Role.GOOD not in {part.role for part in folded}

    def test_behind_the_gate_nobody_is_told_to_roll_back_again(self) -> None:
        words = "".join(ln.text(row) for row in _metric_lines(deploying()))
        assert "ROLL BACK" not in words
        assert "still sick" in words

    def test_a_window_that_outlives_its_cause_is_settling(self) -> None:
        """Health is proven, and the errors of five minutes ago are still counted."""
        room = _proven()
        for _ in range(2):
            words = "".join(ln.text(row) for row in _metric_lines(room))
            assert "settling" in words
            assert "ROLL BACK" not in words
            room.resolve()

    def test_after_a_false_alarm_nobody_is_told_to_roll_back(self) -> None:
        room = suspected()
        room.say(ev.IncidentResolved("false alarm", "a broken probe", ""), actor="eng-1")
        assert "still fires" in "".join(ln.text(row) for row in _metric_lines(room))

    def test_what_is_only_counted_is_neither_good_nor_bad(self) -> None:
        environment = place.environment(
            metrics={
                "gas": {
                    "title": "gas",
                    "unit": "count",
                    "measure": {"kind": "gauge", "source": "service", "gauge": "g"},
                    "rungs": {},
                }
            },
        )
        room = FakeRoom(environment)
        at = room.now
        room.rows.append(Row(at, (Reading("gas", 130.0, None, at, Rung.OK),)))
        row = _metric_lines(room, width=120)[0]
        assert ln.text(row).split("│")[0].split() == ["·", "gas", "130", "█", "no", "rule", "0s"]
        assert Role.GOOD not in {part.role for part in row}

    def test_a_critical_value_that_decides_nothing_has_its_word(self) -> None:
        """Disk at 90 % is critical, and never a reason to roll back."""
        room = FakeRoom()
        metrics = dict(room.environment.metrics)
        critical = room.environment.metrics["memory_usage"].rungs.mandatory
        metrics["memory_usage"] = metrics["memory_usage"].model_copy(
            update={
                "rungs": metrics["memory_usage"].rungs.model_copy(update={"mandatory": None}),
                "critical": Critical.model_construct(when=critical, blocks=None),
            }
        )
        room.environment = room.environment.model_copy(update={"metrics": metrics})
        room.sample(3, memory_usage=(93.0, Rung.WARN))
        assert "CRITICAL" in ln.text(_metric_lines(room)[0])


class TestHeader:
    """Where am I, what runs, who suffers."""

    def _lines(self, room: FakeRoom, width: int = 80) -> list[str]:
        view = header_view(room.snapshot(), room.environment, room.name, room.actor)
        return [ln.text(row).rstrip() for row in draw_header(view, width, 4)]

    def _now(self, room: FakeRoom) -> str:
        return self._lines(room)[1]

    def test_the_mode_and_whether_anybody_would_restart_the_engine(self) -> None:
        """Whose credentials it holds, and what happens when it dies, is known before it does."""
        room = FakeRoom()
        assert "cooperative, nobody restarts the engine" in self._lines(room, 120)[3]
        room.separate(supervised=False)
        assert "separated, nobody restarts the engine" in self._lines(room, 120)[3]
        room.separate(supervised=True)
        assert self._lines(room, 120)[3].rstrip(" ─").endswith("separated")

    def test_it_is_the_release_that_the_service_answers(self) -> None:
        """And since when; of the first one only since when it has been seen."""
        room = FakeRoom()
        room.sample(1)
        assert self._now(room) == " NOW no release told by the service"
        room.runs("v1.5.0")
        assert self._now(room) == " NOW v1.5.0 seen since 14:09:18"
        room.wait(60)
        room.runs("v1.5.3")
        assert self._now(room) == " NOW v1.5.3 since 14:10:18"

    def test_not_the_one_that_the_plan_speaks_of(self) -> None:
        """Somebody deploys while the plan waits at the gate."""
        room = at_the_gate()
        assert self._now(room).startswith(" NOW v1.5.3 since 14:10:17, sick since 14:10:17")
        assert self._now(room).endswith("▸ v1.5.0 good, 3 releases back")
        room.runs("v1.5.4")
        assert self._now(room).startswith(" NOW v1.5.4 since 14:10:37, sick since 14:10:17")

    def test_well_is_only_what_was_proven(self) -> None:
        room = _proven()
        assert self._now(room) == " NOW v1.5.0 well since 14:10:46"
        room.wait(60)
        room.runs("v1.5.4")
        now = self._now(room)
        assert now.startswith(" NOW v1.5.4 since 14:11:59, not v1.5.0 that was proven")
        assert now.endswith("▸ v1.5.0 good"), "there is room for no more"

    def test_without_an_engine_nothing_of_it_is_present(self) -> None:
        room = _proven()
        room.show(impact=Impact(15.0, 212, 31.0, "worse"))
        seen = clock(room.rows[-1].at)
        room.lose_engine()
        room.wait(60)
        top, now, impact, _ = self._lines(room)
        assert top.endswith("engine gone")
        assert now == f" NOW v1.5.0 when last seen {seen}"
        assert impact == f" IMPACT not known since {seen} · was 15 % cannot sign · 212 failed signings"

    def test_an_engine_that_is_there_and_says_nothing_is_silent(self) -> None:
        room = at_the_gate()
        room.lose_engine(gone=False)
        room.wait(3)
        assert self._lines(room)[0].endswith("engine ✓")
        room.wait(4)
        assert self._lines(room)[0].endswith("engine silent 00:07")
        assert self._lines(FakeRoom(engine=False))[0].endswith("no engine")


class TestClock:
    """From gate to healthy."""

    def _words(self, room: FakeRoom) -> str:
        return ln.text(draw_clock(clock_view(room.snapshot(), room.environment), 80, 1)[0])

    def test_what_took_less_than_ten_seconds_is_told_in_tenths(self) -> None:
        assert "gate to healthy 9.0 s · target 15:00 met · sick for 00:29" in self._words(_proven())

    def test_without_an_engine_nothing_is_promised(self) -> None:
        room = deploying()
        room.lose_engine()
        assert "· no engine runs it" in self._words(room)
        room = at_the_gate()
        room.lose_engine()
        assert "· no engine runs it" in self._words(room)


class TestTrend:
    """Bars say how much, against the threshold."""

    def test_noise_far_below_the_threshold_stays_flat(self) -> None:
        assert bars((0.01, 0.03, 0.02), 5.0, 10) == "▁▁▁"

    def test_the_newest_is_kept_when_there_are_fewer_bars_than_points(self) -> None:
        assert bars((0.0, 0.0, 0.0, 10.0), 10.0, 2) == "▁█"

    def test_where_nothing_was_measured_there_is_no_bar(self) -> None:
        assert bars((5.0, None, 5.0), 10.0, 3) == "▅ ▅"


class TestSide:
    """Who says yes; then what has been checked."""

    def test_nobody_is_said_to_look_when_nobody_does(self) -> None:
        room = FakeRoom()
        room.sample(3)
        assert "all eyes open" in self._words(room)
        room.sampling = False
        room.wait(4)
        assert "nobody looks" in self._words(room)

    def _words(self, room: FakeRoom, height: int = 8) -> str:
        drawn = draw_side(side_view(room.snapshot(), room.environment), 31, height)
        return "\n".join(ln.text(row).rstrip() for row in drawn)

    def test_a_claim_is_shown_as_one(self) -> None:
        room = at_the_gate()
        assert "0 of 1 said yes" in self._words(room)
        room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
        assert "1 of 1 said yes" in self._words(room)
        assert " ✓ eng-1, engineer claim 14:10" in self._words(room)

    def test_a_predicate_that_does_not_hold_says_why(self) -> None:
        room = at_the_gate()
        room.say(ev.EvidenceRecorded("rows", holds=False, words="no answer", inputs="3"))
        assert " ✗ the rows are counted: no" in self._words(room)

    def test_ticked_items_fold_away_when_the_open_ones_need_the_room(self) -> None:
        words = self._words(_proven())
        assert words.splitlines()[0].split() == ["CHECKLIST", "2", "of", "12"]
        assert "✓ 2 ticked" in words
        assert "accessible" not in words
        assert "accessible" in self._words(_proven(), height=14)


class TestRunbook:
    """What has been done, with its proof; what runs; what is to come."""

    def _words(self, room: FakeRoom, width: int = 48, height: int = 8) -> str:
        view = runbook_view(room.snapshot(), room.environment, output=True)
        return "\n".join(ln.text(row).rstrip() for row in draw_runbook(view, width, height))

    def test_on_a_small_screen_the_running_step_stays_in_sight(self) -> None:
        for height in range(4, 12):
            words = self._words(deploying(), height=height)
            assert "▸ deploy" in words
            assert "the keeper starts commit 9c1f" in words

    def test_proof_stands_beside_what_is_done(self) -> None:
        assert "✓ push the branch  on the remote at 9c1f0000" in self._words(deploying(), 72, 20)

    def test_on_a_small_screen_title_and_proof_are_whole_and_the_time_gives_way(self) -> None:
        words = self._words(at_the_gate(), height=20)
        assert "✓ restore the tree 9c1f0000 = tree of v1.5.0" in words
        assert "✓ fetch the branch develop at 33333333   1.0 s" in words

    def test_without_an_engine_a_running_step_says_that_nobody_runs_it(self) -> None:
        """And neither how far it is nor how long it has yet."""
        room = deploying()
        room.lose_engine()
        words = self._words(room)
        assert "? deploy" in words
        assert "nobody runs it now" in words
        assert "until an engine looks" in words
        assert "left" not in words
        assert "the keeper starts" not in words

    def test_an_engine_that_is_silent_may_still_run_it(self) -> None:
        """So nobody says that it does not."""
        room = deploying()
        room.lose_engine(gone=False)
        room.wait(5)
        words = self._words(room)
        assert "? deploy" in words
        assert ln.text(draw_clock(clock_view(room.snapshot(), room.environment), 80, 1)[0]).count("silent")
        assert "the engine is silent: how far this is," in words

    def test_while_another_plan_is_made_the_caption_says_so(self) -> None:
        room = at_the_gate()
        room.say(ev.PlanningStarted(Wish("v1.4.9")), actor="eng-1")
        room.show(planning=Progress("fetching", room.now))
        room.wait(4)
        caption = runbook_view(room.snapshot(), room.environment, output=True).caption
        assert ln.text(caption) == "PLANNING fetching 00:04"
        room.say(ev.PlanningFailed("no tag v1.4.9"))
        caption = runbook_view(room.snapshot(), room.environment, output=True).caption
        assert ln.text(caption) == "NO NEW PLAN no tag v1.4.9"

    def test_the_gate_stands_in_its_place(self) -> None:
        rows = self._words(at_the_gate(), 72, 20).splitlines()
        gate = next(index for index, row in enumerate(rows) if "GATE" in row)
        assert "push the branch" in rows[gate - 1]
        assert "into develop" in rows[gate + 1]
        assert rows[gate].strip() == "◌ GATE 1 engineer must say yes"

    def test_a_failure_gives_its_reason(self) -> None:
        words = self._words(_failed())
        assert "✗ deploy" in words
        assert "FAILED 漢字" in words

    def test_output_of_the_running_step_where_there_is_room(self) -> None:
        assert "deploy: line 6 of its output" in self._words(deploying(), 72, 20)
        assert "output" not in self._words(deploying())


def test_the_sick_have_readings_for_every_rung_that_is_drawn() -> None:
    """The pictures above would prove little otherwise."""
    assert {rung for _, rung in SICK.values()} == {Rung.MANDATORY, Rung.WAITING, Rung.WARN, Rung.STALE}

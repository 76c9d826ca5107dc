"""The pure half of the screen: whatever the words and the terminal, lines keep to their cells."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.core import events as ev
from console.core.format import plain
from console.core.metrics import Rung
from console.core.next_step import next_step
from console.core.protocols import Snapshot
from console.core.watched import Critical
from screens import lines as ln
from screens.ascii import to_ascii, wanted
from screens.layout import CAPTION_LINES, CLOCK_LINES, HEADER_LINES, KEYS_LINES, layout
from screens.lines import Line, Role
from screens.trend import BARS, bars
from screens.views.bottom import draw_keys, draw_next, keys_view, next_view
from screens.views.clock import clock_view, draw_clock
from screens.views.header import draw_header, header_view
from screens.views.metrics import draw_metrics, metrics_view
from screens.views.plan import detail_view, draw_detail, gate_lines, plan_lines
from screens.views.runbook import draw_runbook, runbook_view
from screens.views.side import draw_side, side_view
from tests.ui import place
from tests.ui.fake_room import INCIDENT, FakeRoom
from tests.ui.test_pictures import SICK, at_the_gate, deploying, suspected

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
        assert "?" not in to_ascii("◆▲○◌✓✗▸»→↑·…─│┌┐└┘▐▌" + BARS)


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


CHAPTERS: dict[str, FakeRoom] = {
    "no engine": FakeRoom(engine=False),
    "quiet": FakeRoom(),
    "suspected": suspected(),
    "at the gate": at_the_gate(),
    "deploying": deploying(),
    "failed": _failed(),
    "proven": _proven(),
}


def _panes(room: FakeRoom, snapshot: Snapshot) -> list[Callable[[int, int], Sequence[Line]]]:
    environment = room.environment
    step = next_step(snapshot, environment)
    header = header_view(snapshot, environment, room.name, room.actor)
    metrics = metrics_view(snapshot, environment)
    runbook = runbook_view(snapshot, environment, output=True)
    side, clock = side_view(snapshot, environment), clock_view(snapshot, environment)
    following = next_view(step, "a notice " * 30, Role.BAD)
    keys, detail = keys_view(snapshot, step), detail_view(snapshot)
    return [
        lambda width, height: draw_header(header, width, height),
        lambda width, height: draw_metrics(metrics, width, height),
        lambda width, height: draw_runbook(runbook, width, height),
        lambda width, height: draw_side(side, width, height),
        lambda width, height: draw_clock(clock, width, height),
        lambda width, height: draw_next(following, width, height),
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


class TestLayout:
    """The terminal is shared out without a rest."""

    @given(
        st.integers(80, 240),
        st.integers(24, 90),
        st.integers(1, 12),
        st.integers(1, 30),
        st.integers(2, 5),
        st.booleans(),
    )
    def test_the_parts_fill_the_terminal(
        self, width: int, height: int, metrics: int, runbook: int, bottom: int, calm: object
    ) -> None:
        got = layout(width, height, metrics=metrics, runbook=runbook, bottom=bottom, calm=bool(calm))
        fixed = HEADER_LINES + CAPTION_LINES + CLOCK_LINES + KEYS_LINES + bottom
        assert got.metrics + got.middle + got.timeline + fixed == height
        assert got.metrics >= 1
        assert got.middle >= 4
        assert got.timeline >= 1
        assert width - got.side - got.detail >= 46

    def test_the_sketch_at_its_own_size(self) -> None:
        got = layout(80, 24, metrics=6, runbook=13, bottom=2, calm=False)
        assert (got.metrics, got.middle, got.timeline) == (3, 8, 4)

    def test_a_larger_terminal_shows_all_metrics_and_steps_and_doubles_the_timeline(self) -> None:
        got = layout(120, 40, metrics=7, runbook=13, bottom=2, calm=False)
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

    def test_a_window_that_has_only_begun_counts_down(self) -> None:
        room = suspected()
        before = ln.text(_metric_lines(room)[2])
        room.sample(5, connection_success_rate=(40.0, Rung.WAITING), error_rate=(12.4, Rung.MANDATORY))
        assert "ARMS in 00:53" in before
        assert "ARMS in" in "".join(ln.text(row) for row in _metric_lines(room))
        room.sample(1, connection_success_rate=(99.0, Rung.OK))
        assert "ARMS in" not in "".join(ln.text(row) for row in _metric_lines(room))

    def test_a_stale_value_is_never_green_and_says_its_age(self) -> None:
        row = next(row for row in _metric_lines(suspected()) if "database" in ln.text(row))
        stale = row[[part.text for part in row].index("│") + 1 :]
        assert "STALE 00:14" in ln.text(stale)
        assert Role.GOOD not in {part.role for part in stale}

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

"""What the ladder promises, sentence by sentence; and that it stands where a slow reference stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.clock import Stamp
from console.core.conditions import AllOf, AnyOf, Comparison, Condition, Flag, Held, Node, Not
from console.core.measures import Measured, UnwatchableError
from console.core.metrics import Rung
from console.core.rules import Ladder, Standing, silence_s
from console.core.watched import FailuresInARow, Metric, Rungs
from tests.unit.ladder_reference import Moment, Reference

SOURCE = FailuresInARow(kind="failures in a row", source="probe")
BEGAN_US = 1_000_000_000


def stamp(seconds: float, *, wall_clock_off_s: float = 0) -> Stamp:
    us = BEGAN_US + round(seconds * 1e6)
    return Stamp(us + round(wall_clock_off_s * 1e6), "boot", us)


def metric(
    *,
    recovered: str | None = None,
    warn: str | None = None,
    mandatory: str | None = None,
    automatic: str | None = None,
    measured: bool = True,
    at_least: int = 1,
) -> Metric:
    written = {"recovered": recovered, "warn": warn, "mandatory": mandatory, "automatic": automatic}
    rungs = Rungs.model_validate({rung: text for rung, text in written.items() if text})
    return Metric(title="m", unit="%", measure=SOURCE if measured else None, at_least=at_least, rungs=rungs)


def errors(*, measured: bool = True, at_least: int = 1) -> Metric:
    """The ladder of an error rate."""
    return metric(
        recovered="m < 0.1%",
        warn="m > 1%",
        mandatory="m > 5%",
        automatic="m > 10%",
        measured=measured,
        at_least=at_least,
    )


@dataclass
class Watch:
    """One metric `m`, sampled every second unless told otherwise, and what became of it."""

    metric: Metric
    others: dict[str, Metric] = field(default_factory=dict)

    def __post_init__(self) -> None:
        metrics = {"m": self.metric, **self.others}
        self.ladder = Ladder(metrics, {name: 3.0 for name, m in metrics.items() if m.measure})
        self.last: dict[str, Stamp] = {}

    def see(
        self,
        at_s: float,
        value: float | None,
        *,
        count: int | None = 100,
        flags: Iterable[str] = (),
        off_s: float = 0,
        **others: float | None,
    ) -> Standing:
        """One tick: a new value is a new sample, None is a question without an answer."""
        at = stamp(at_s, wall_clock_off_s=off_s)
        measured = {}
        for name, new in {"m": value, **others}.items():
            known = new is not None or (name == "m" and count == 0)
            if known:
                self.last[name] = at
            measured[name] = Measured(new, count if known else None, self.last.get(name))
        return self.ladder.observe(measured, frozenset(flags), at)["m"]


def rungs_of(watch: Watch, values: Iterable[float | None]) -> list[Rung]:
    return [watch.see(second, value).rung for second, value in enumerate(values)]


class TestSettling:
    """Up at once, down when it has been better for a while."""

    def _rungs(self, values: Iterable[float | None]) -> list[Rung]:
        watch = Watch(errors())
        watch.ladder = Ladder({"m": watch.metric}, {"m": 3.0}, settle_s=3.0)
        return rungs_of(watch, values)

    def test_it_comes_down_when_it_has_been_better_for_so_long(self) -> None:
        """To where it stands then, whatever it passed on the way."""
        assert self._rungs([6, 0.5, 2, 0.5, 0.5]) == [*[Rung.MANDATORY] * 4, Rung.OK]

    def test_it_goes_up_at_once(self) -> None:
        assert self._rungs([0.5, 2, 6, 11]) == [Rung.OK, Rung.WARN, Rung.MANDATORY, Rung.AUTOMATIC]

    def test_what_comes_and_goes_stays(self) -> None:
        """A service that flaps is sick all the time."""
        assert set(self._rungs([6, 0.5, 0.5, 6, 0.5, 0.5, 6, 0.5])) == {Rung.MANDATORY}

    def test_silence_is_no_recovery_and_does_not_wait(self) -> None:
        assert self._rungs([6, None, None, None, None])[-1] is Rung.STALE

    def test_whoever_went_silent_in_trouble_waits_to_be_recovered(self) -> None:
        """A service that is gone every other minute is not well in between; nor is it in trouble unseen."""
        seen = self._rungs([6, None, None, None, None, 0, 0, 0, 0])
        assert seen[4:] == [Rung.STALE, Rung.WAITING, Rung.WAITING, Rung.WAITING, Rung.RECOVERED]
        assert self._rungs([0, None, None, None, None, 0])[4:] == [Rung.STALE, Rung.RECOVERED]
        assert self._rungs([6, None, None, None, None, 6])[4:] == [Rung.STALE, Rung.MANDATORY]

    def test_whoever_arms_again_is_not_better(self) -> None:
        """The window of the rule begins anew each time, and the trouble is the same all the time."""
        watch = Watch(metric(recovered="m = 0%", mandatory="m > 5% for 2s"))
        watch.ladder = Ladder({"m": watch.metric}, {"m": 3.0}, settle_s=3.0)
        seen = rungs_of(watch, [6, 6, 6, 0, 0, 6, 6, 0, 0, 6, 0, 0, 0, 0])
        assert seen == [Rung.WAITING] * 2 + [Rung.MANDATORY] * 11 + [Rung.RECOVERED]

    def test_whoever_has_just_armed_is_not_recovered(self) -> None:
        """Sick every few seconds, and never for long enough: that is not well."""
        watch = Watch(metric(recovered="m = 0%", mandatory="m > 5% for 2s"))
        watch.ladder = Ladder({"m": watch.metric}, {"m": 3.0}, settle_s=3.0)
        assert set(rungs_of(watch, [6, 0, 0, 6, 0, 0, 6, 0])) == {Rung.WAITING}

    def test_the_words_and_the_onset_are_those_of_the_rung_it_is_kept_on(self) -> None:
        watch = Watch(errors())
        watch.ladder = Ladder({"m": watch.metric}, {"m": 3.0}, settle_s=3.0)
        before, kept = watch.see(0, 6), watch.see(1, 0.5)
        assert (kept.rule, kept.onset, kept.since) == (before.rule, before.onset, before.since)


class TestRungs:
    def test_each_value_stands_on_its_rung(self) -> None:
        """From recovered to automatic, and OK between recovered and warn."""
        seen = rungs_of(Watch(errors()), [0, 0.5, 2, 6, 11, 0])
        assert seen == [
            Rung.RECOVERED,
            Rung.OK,
            Rung.WARN,
            Rung.MANDATORY,
            Rung.AUTOMATIC,
            Rung.RECOVERED,
        ]

    def test_a_rung_speaks_in_its_rules_own_words(self) -> None:
        """What is shown beside a rung is what somebody wrote in the strategy."""
        watch = Watch(errors())
        assert [watch.see(i, v).rule for i, v in enumerate([6, 0.5, 0])] == ["m > 5%", "", "m < 0.1%"]

    def test_automatic_needs_mandatory(self) -> None:
        """An automatic rule alone never rolls back."""
        watch = Watch(metric(mandatory="m > 5% for 10s", automatic="m > 10%"))
        assert watch.see(0, 50).rung is Rung.WAITING
        assert watch.see(3, 50).rung is Rung.WAITING

    def test_mandatory_needs_warn_where_there_is_one(self) -> None:
        """A rung holds only if the one below it holds."""
        assert Watch(metric(warn="m > 5% for 10s", mandatory="m > 5%")).see(0, 6).rung is Rung.WAITING
        assert Watch(metric(mandatory="m > 5%")).see(0, 6).rung is Rung.MANDATORY

    def test_an_automatic_rung_without_a_mandatory_one_is_refused(self) -> None:
        """It could never hold, and nobody would notice."""
        with pytest.raises(UnwatchableError, match="`m` has an automatic rung but no mandatory one"):
            Ladder({"m": metric(automatic="m > 5%")}, {"m": 3})

    def test_since_is_when_it_came_to_its_rung(self) -> None:
        """It does not move while the rung stays."""
        watch = Watch(errors())
        seen = [watch.see(second, value).since for second, value in enumerate([0, 6, 7, 8, 0.5])]
        assert seen == [stamp(0), stamp(1), stamp(1), stamp(1), stamp(4)]

    def test_values_that_nothing_is_said_of_are_ok(self) -> None:
        """A metric whose only rung is recovered is OK where it is not that."""
        assert rungs_of(Watch(metric(recovered="m > 99%")), [99.5, 50]) == [Rung.RECOVERED, Rung.OK]


class TestWindows:
    def test_a_window_is_over_when_its_samples_span_it(self) -> None:
        """`for 5s` takes a sample from five seconds ago, not five seconds on the clock since one sample."""
        watch = Watch(metric(mandatory="m < 50% for 5s"))
        assert rungs_of(watch, [43] * 7) == [Rung.WAITING] * 5 + [Rung.MANDATORY] * 2

    def test_what_arms_counts_down(self) -> None:
        """ARMS in 00:03 names the rung and the seconds left, also between two samples."""
        watch = Watch(metric(warn="m < 90%", mandatory="m < 50% for 5s"))
        watch.see(0, 43)
        seen = watch.see(2, 43)
        assert (seen.rung, seen.arms, seen.arms_in_s) == (Rung.WARN, Rung.MANDATORY, 3.0)
        assert watch.see(2.5, None).arms_in_s == 2.5

    def test_nothing_arms_without_a_window_under_way(self) -> None:
        """Neither a rule without a window, nor a window that has not begun, nor one that is over."""
        watch = Watch(metric(warn="m > 1%", mandatory="m > 5% for 2s"))
        assert watch.see(0, 3).arms is None
        watch.see(1, 6)
        watch.see(2, 6)
        assert watch.see(3, 6).arms is None

    def test_one_good_sample_starts_a_window_again(self) -> None:
        """Flapping never adds up."""
        watch = Watch(metric(mandatory="m < 50% for 3s"))
        seen = rungs_of(watch, [43, 43, 43, 60, 43, 43, 43, 43])
        assert seen == [Rung.WAITING] * 3 + [Rung.OK] + [Rung.WAITING] * 3 + [Rung.MANDATORY]

    def test_a_late_sample_does_not_end_a_window(self) -> None:
        """Samples come irregularly; up to three intervals are no gap."""
        watch = Watch(metric(mandatory="m < 50% for 5s"))
        watch.see(0, 43)
        watch.see(3, 43)
        assert watch.see(5, 43).rung is Rung.MANDATORY

    def test_a_gap_of_more_than_three_intervals_starts_a_window_again(self) -> None:
        """Nobody knows what was in the gap, also where no tick fell into it."""
        watch = Watch(metric(mandatory="m < 50% for 5s"))
        watch.see(0, 43)
        assert watch.see(3.5, 43).arms_in_s == 5.0
        assert watch.see(6.5, 43).rung is Rung.WAITING

    def test_a_moved_wall_clock_changes_nothing(self) -> None:
        """Durations are those of boot time: ten minutes forth or back are no five minutes of trouble."""
        watch = Watch(metric(mandatory="m < 50% for 5s"))
        watch.see(0, 43)
        assert watch.see(1, 43, off_s=600).rung is Rung.WAITING
        for second in (3, 4):
            watch.see(second, 43, off_s=-600)
        assert watch.see(5, 43, off_s=-600).rung is Rung.MANDATORY

    def test_the_onset_is_when_the_condition_began(self) -> None:
        """Not when the window was over."""
        watch = Watch(metric(mandatory="m < 50% for 3s"))
        for second in range(2, 5):
            watch.see(second, 43)
        assert watch.see(5, 43).onset == stamp(2)

    def test_an_automatic_rungs_onset_is_that_of_the_mandatory_one(self) -> None:
        """The matter began when the service became bad enough to roll back."""
        watch = Watch(metric(mandatory="m > 5%", automatic="m > 10% for 2s"))
        for second, value in enumerate([0, 6, 12, 12]):
            watch.see(second, value)
        seen = watch.see(4, 12)
        assert (seen.rung, seen.onset, seen.rule) == (Rung.AUTOMATIC, stamp(1), "m > 10% for 2s")

    def test_or_goes_on_when_one_part_takes_over_from_another(self) -> None:
        """`(a or b) for 5s` is about the whole, and so is its onset."""
        watch = Watch(metric(mandatory="(m > 50% or m < 10%) for 4s"))
        for second, value in enumerate([60, 60, 5, 5]):
            watch.see(second, value)
        seen = watch.see(4, 5)
        assert (seen.rung, seen.onset) == (Rung.MANDATORY, stamp(0))


class TestNoData:
    def test_too_few_samples_are_no_trend(self) -> None:
        """3 a.m. traffic says nothing, whatever its share of failures is: neither bad nor recovered."""
        watch = Watch(errors(at_least=20))
        assert watch.see(0, 100, count=19).rung is Rung.WAITING
        assert watch.see(1, 0, count=19).rung is Rung.WAITING
        assert watch.see(2, 100, count=20).rung is Rung.AUTOMATIC

    def test_a_share_of_nothing_waits(self) -> None:
        """No tries at all: measured, but there is nothing to judge. It is not stale either."""
        watch = Watch(errors())
        for second in range(10):
            assert watch.see(second, None, count=0).rung is Rung.WAITING

    def test_three_intervals_without_data_are_stale(self) -> None:
        """A late sample leaves the rung as it is; silence is a state of its own, never healthy."""
        watch = Watch(errors())
        assert rungs_of(watch, [0, None, None, None, None]) == [Rung.RECOVERED] * 4 + [Rung.STALE]
        assert watch.see(5, 0).rung is Rung.RECOVERED

    def test_a_late_sample_leaves_rung_words_and_onset(self) -> None:
        """One scrape that failed in the middle of an outage is not the end of the outage."""
        watch = Watch(errors())
        before = watch.see(0, 6)
        after = watch.see(1, None)
        assert (after.rung, after.rule, after.onset, after.since) == (
            before.rung,
            before.rule,
            before.onset,
            before.since,
        )

    def test_what_never_answered_waits_and_then_is_stale(self) -> None:
        """Also before its first sample."""
        assert rungs_of(Watch(errors()), [None] * 5) == [Rung.WAITING] * 4 + [Rung.STALE]

    def test_an_old_sample_that_is_shown_again_becomes_stale(self) -> None:
        """What counts is when it was taken, not that there is a number."""
        ladder = Ladder({"m": errors()}, {"m": 3})
        measured = {"m": Measured(6.0, 100, stamp(0))}
        seen = [ladder.observe(measured, frozenset(), stamp(second))["m"].rung for second in (0, 3, 3.1)]
        assert seen == [Rung.MANDATORY, Rung.MANDATORY, Rung.STALE]

    def test_silence_is_three_intervals_or_one_slow_question(self) -> None:
        """A service that hangs for longer than three intervals is not one that nobody asks."""
        assert silence_s(every_s=5, limit_s=4) == 15
        assert silence_s(every_s=0.25, limit_s=2) == 2.25

    def test_a_metric_without_a_source_says_so(self) -> None:
        """It is not OK."""
        watch = Watch(errors(measured=False))
        assert watch.see(0, None).rung is Rung.NO_SOURCE

    def test_a_declared_flag_needs_no_source(self) -> None:
        """A person who saw it is a source."""
        watch = Watch(metric(measured=False, mandatory="breach_declared"))
        assert watch.see(0, None).rung is Rung.NO_SOURCE
        seen = watch.see(1, None, flags=["breach_declared"])
        assert (seen.rung, seen.onset) == (Rung.MANDATORY, stamp(1))

    def test_what_rests_on_a_silent_metric_is_not_healthy(self) -> None:
        """A rule about two metrics cannot be judged by one of them."""
        watch = Watch(metric(recovered="m < 90%", mandatory="m > 5% and n > 5"), {"n": metric()})
        assert watch.see(0, 50, n=1).rung is Rung.RECOVERED
        for second in range(1, 4):
            assert watch.see(second, 50, n=None).rung is Rung.RECOVERED
        assert watch.see(4, 50, n=None).rung is Rung.STALE
        assert watch.see(5, 1, n=None).rung is Rung.RECOVERED

    def test_unknown_is_neither_true_nor_false(self) -> None:
        """`or` is true by its known part, `not` of the unknown is unknown."""
        watch = Watch(metric(mandatory="n > 5 or m > 5%"), {"n": metric()})
        assert watch.see(0, 6, n=None).rung is Rung.MANDATORY
        watch = Watch(metric(mandatory="not n"), {"n": metric()})
        assert watch.see(0, 6, n=None).rung is Rung.WAITING
        assert watch.see(1, 6, n=0).rung is Rung.MANDATORY

    def test_a_window_of_something_worse_is_not_recovered(self) -> None:
        """Recovered means that nothing worse is under way."""
        watch = Watch(metric(recovered="m > 0%", mandatory="m > 5% for 5s"))
        assert rungs_of(watch, [6, 1]) == [Rung.WAITING, Rung.RECOVERED]


# -- against the reference --------------------------------------------------------------------------

NAMES = ("a", "b")
GAPS = {"a": 3.0, "b": 6.0}


def comparisons() -> st.SearchStrategy[Node]:
    return st.builds(
        Comparison,
        metric=st.sampled_from(NAMES),
        operator=st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
        number=st.integers(0, 4).map(float),
        unit=st.just(""),
    )


def nodes() -> st.SearchStrategy[Node]:
    flags = st.builds(Flag, name=st.sampled_from([*NAMES, "raised", "no_source"]))
    leaves = comparisons() | comparisons() | flags | st.builds(Not, flag=flags)
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(Held, condition=inner, seconds=st.sampled_from([0.5, 1.0, 2.0, 4.0]))
            | st.builds(AllOf, parts=st.tuples(inner, inner))
            | st.builds(AnyOf, parts=st.tuples(inner, inner))
        ),
        max_leaves=4,
    )


@st.composite
def metrics(draw: st.DrawFn) -> dict[str, Metric]:
    conditions = st.none() | nodes().map(lambda node: Condition(repr(node), node))
    built = {}
    for name in (*NAMES, "no_source"):
        rungs = {rung: draw(conditions) for rung in ("recovered", "warn", "mandatory")}
        automatic = draw(conditions) if rungs["mandatory"] else None
        built[name] = Metric(
            title=name,
            unit="count",
            measure=None if name == "no_source" else SOURCE,
            at_least=draw(st.sampled_from([1, 3])),
            rungs=Rungs.model_construct(None, **rungs, automatic=automatic),
        )
    return built


@st.composite
def plain_metrics(draw: st.DrawFn) -> dict[str, Metric]:
    """Ladders as strategies have them: the higher the value the worse, some rungs with a window."""
    built = {}
    for name in NAMES:
        bad = f"{name} > 2" + draw(st.sampled_from(["", " for 1s", " for 2s"]))
        worse = f"{name} > 3" + draw(st.sampled_from(["", " for 1s", " for 4s"]))
        rungs = {"recovered": f"{name} < 1", "warn": f"{name} > 1", "mandatory": bad, "automatic": worse}
        if draw(st.booleans()):
            del rungs["warn"]
        ladder = Rungs.model_validate(rungs)
        built[name] = Metric(title=name, unit="count", measure=SOURCE, at_least=3, rungs=ladder)
    return built


@st.composite
def samples(draw: st.DrawFn, at_s: float, step_s: float, before: Measured) -> Measured:
    """Mostly a new sample; now and then the old one, one without traffic, or none."""
    kind = draw(st.sampled_from(["new", "new", "new", "new", "old", "empty", "none"]))
    taken = stamp(at_s - draw(st.sampled_from([0, 0, 0.5])) * step_s)
    match kind:
        case "new":
            count = draw(st.sampled_from([None, 1, 3, 9, 9]))
            return Measured(float(draw(st.integers(0, 4))), count, taken)
        case "old":
            return before
        case "empty":
            return Measured(None, 0, taken)
        case _:
            return Measured(None, None, before.at)


@st.composite
def pasts(draw: st.DrawFn) -> list[Moment]:
    """Irregular ticks with gaps."""
    at_s, last, past = 0.0, dict.fromkeys(NAMES, Measured(None, None, None)), []
    for _ in range(draw(st.integers(1, 14))):
        step_s = draw(st.sampled_from([0.25, 0.5, 0.5, 1, 1, 1, 1, 2, 3, 3.25, 6, 7]))
        at_s += step_s
        last = {name: draw(samples(at_s, step_s, last[name])) for name in NAMES}
        flags = draw(st.sampled_from([frozenset[str](), frozenset({"raised"})]))
        past.append(Moment(stamp(at_s), last, flags))
    return past


@settings(max_examples=400, deadline=None)
@given(metrics() | plain_metrics(), pasts(), st.sampled_from([0.0, 0.5, 2.0, 4.0]))
def test_the_ladder_stands_where_the_reference_stands(
    built: dict[str, Metric], past: list[Moment], settle_s: float
) -> None:
    """Whatever the rules and however irregular the samples: same rung, words, onset and countdown."""
    ladder, reference = Ladder(built, GAPS, settle_s), Reference(built, GAPS, settle_s)
    for i, moment in enumerate(past):
        reference.past.append(moment)
        seen = ladder.observe(moment.measured, moment.flags, moment.at)
        for name in built:
            assert seen[name] == reference.standing(name, i)

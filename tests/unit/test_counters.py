"""What counting promises: restarts, irregular pages and missing series are told apart from failures."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.clock import Stamp
from console.core.counters import History, Labels, Page, bucket_quantile

ALL: Labels = ()


def page(second: float, **series: float | Mapping[Labels, float]) -> Page:
    us = round(second * 1e6)
    found = {name: value if isinstance(value, Mapping) else {ALL: value} for name, value in series.items()}
    return Page(Stamp(us, "boot", us), found)


def history(*pages: Page, horizon_s: float = 60) -> History:
    made = History(["failed", "total"], ["wait"], horizon_s)
    for each in pages:
        made.add(each)
    return made


class TestIncrease:
    def test_it_is_what_came_in_the_window(self) -> None:
        """From the oldest page in the window to the newest, however irregular they are."""
        counted = history(page(0, total=5), page(1, total=7), page(4, total=8), page(4.5, total=20))
        assert counted.increase("total", 10) == 15
        assert counted.increase("total", 4) == 13
        assert counted.increase("total", 1) == 12

    def test_a_window_needs_two_pages(self) -> None:
        """One page says how much, not how fast; that is unknown, and not 0."""
        assert history().increase("total", 10) is None
        assert history(page(0, total=5)).increase("total", 10) is None
        assert history(page(0, total=5), page(20, total=5)).increase("total", 10) is None

    def test_a_restart_counts_from_zero(self) -> None:
        """A restarted service starts its counters again; what it shows then has all happened since."""
        counted = history(page(0, total=100), page(1, total=103), page(2, total=4), page(3, total=6))
        assert counted.increase("total", 10) == 3 + 4 + 2

    def test_each_series_restarts_by_itself(self) -> None:
        """One of two instances restarts: the sum falls by little, and yet it is a restart."""
        a, b = (("instance", "a"),), (("instance", "b"),)
        counted = history(page(0, total={a: 100, b: 10}), page(1, total={a: 109, b: 2}))
        assert counted.increase("total", 10) == 9 + 2

    def test_the_first_value_of_a_series_is_no_increase(self) -> None:
        """Nobody knows when it was reached: a page that was cut short yesterday is no burst of failures."""
        a, b = (("path", "/a"),), (("path", "/b"),)
        counted = history(
            page(0, total={a: 1}), page(1, total={a: 2, b: 5000}), page(2, total={a: 2, b: 5001})
        )
        assert counted.increase("total", 10) == 2

    def test_a_series_that_comes_back_goes_on_where_it_was(self) -> None:
        """Missing on one page, it has neither fallen to 0 nor risen from it."""
        a, b = (("path", "/a"),), (("path", "/b"),)
        counted = history(
            page(0, total={a: 0, b: 5000}), page(1, total={a: 0}), page(2, total={a: 0, b: 5002})
        )
        assert counted.increase("total", 10) == 2

    def test_what_is_not_on_the_newest_page_is_unknown(self) -> None:
        """A series that is missing is never 0."""
        counted = history(page(0, total=1, failed=0), page(1, total=2))
        assert counted.increase("failed", 10) is None
        assert counted.increase("nonsense", 10) is None

    @pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
    def test_what_no_counter_can_be_is_missing(self, value: float) -> None:
        """NaN, infinity and negative counts are not counted with."""
        counted = history(page(0, total=1), page(1, total=value))
        assert counted.increase("total", 10) is None
        assert counted.grown("total") == 0

    def test_what_was_counted_never_falls(self) -> None:
        """Through restarts and gaps, failures since the start only rise."""
        counted, seen = history(), []
        for second, value in enumerate([7, 9, 1, 1, 0, 3]):
            counted.add(page(second, failed=value))
            seen.append(counted.grown("failed"))
        assert seen == [0, 2, 3, 3, 3, 6]

    def test_memory_is_bounded_by_the_window(self) -> None:
        """Neither pages nor series that are gone are kept."""
        counted = history(horizon_s=10)
        for second in range(1000):
            counted.add(page(second, total={(("session", str(second)),): 1.0}))
        assert len(counted._times) == 11
        assert len(counted._series) == 11
        assert {len(counter.past) for counter in counted._all()} == {11}

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([0.5, 1, 1, 3, 8]),
                st.dictionaries(st.sampled_from("ab"), st.integers(0, 9).map(float), max_size=2),
            ),
            min_size=1,
            max_size=15,
        ),
        st.sampled_from([2.0, 5.0, 100.0]),
    )
    def test_it_is_the_sum_of_the_steps(
        self, steps: list[tuple[float, dict[str, float]]], over_s: float
    ) -> None:
        """Whatever the pages: the increase is the sum, over the pages of the window after its first, of what
        each series grew since it was last seen.
        """
        counted, pages, second = history(horizon_s=1000), [], 0.0
        for step_s, values in steps:
            second += step_s
            pages.append((second, values))
            counted.add(page(second, total={(("instance", name),): value for name, value in values.items()}))
        inside = [i for i, (at, values) in enumerate(pages) if values and at >= second - over_s]
        if not pages[-1][1] or len(inside) < 2:
            assert counted.increase("total", over_s) is None
            return
        expected = 0.0
        for i in range(inside[0] + 1, len(pages)):
            for name, value in pages[i][1].items():
                before = [values[name] for _, values in pages[:i] if name in values]
                expected += 0 if not before else value - before[-1] if value >= before[-1] else value
        assert counted.increase("total", over_s) == expected


class TestPage:
    def test_a_total_is_the_sum_of_all_series(self) -> None:
        """A gauge of several instances."""
        assert page(0, up={(("i", "a"),): 1.0, (("i", "b"),): 0.5}).total("up") == 1.5

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_a_total_that_is_no_number_is_unknown(self, value: float) -> None:
        """And so is one that is not there."""
        assert page(0, up=value).total("up") is None
        assert page(0).total("up") is None

    def test_only_what_was_asked_for_is_kept(self) -> None:
        """A page can hold a hundred thousand series; a strategy asks for ten."""
        assert page(0, a=1, b=2).only({"a", "c"}) == page(0, a=1)


INF = math.inf


class TestQuantile:
    @pytest.mark.parametrize(
        ("q", "buckets", "expected"),
        [
            (0.5, [(0.1, 0), (0.2, 10), (INF, 10)], 0.15),  # linear inside a bucket
            (0.5, [(0.1, 10), (INF, 10)], 0.05),  # the lowest bucket begins at 0
            (0.5, [(-0.1, 10), (INF, 10)], -0.1),  # unless its bound is not above it
            (0.9, [(0.1, 5), (1, 5), (INF, 10)], 1),  # beyond the last bound nothing is known but that
            (0.2, [(0.1, 2), (1, 5), (INF, 10)], 0.1),  # exactly on a bound
            (0.75, [(0.1, 4), (1, 3), (2, 8), (INF, 8)], 1.5),  # counts that fall are raised: 4, 4, 8
            (0.99, [(1, 90), (2, 99), (5, 100), (INF, 100)], 2),
        ],
    )
    def test_as_promql_does(self, q: float, buckets: list[tuple[float, float]], expected: float) -> None:
        """The rules of PromQL's histogram_quantile."""
        assert bucket_quantile(q, buckets) == pytest.approx(expected)

    @pytest.mark.parametrize(
        "buckets",
        [[], [(INF, 5)], [(0.1, 5), (1, 5)], [(0.1, 0), (INF, 0)]],
        ids=["no buckets", "one bucket", "no +Inf bucket", "no observations"],
    )
    def test_unknown_is_not_zero(self, buckets: list[tuple[float, float]]) -> None:
        """Where PromQL says NaN."""
        assert bucket_quantile(0.5, buckets) is None

    @given(
        st.lists(st.floats(0.001, 9.9), min_size=1, max_size=200),
        st.sampled_from([0.01, 0.5, 0.9, 0.99]),
    )
    def test_it_lies_in_the_bucket_of_the_true_quantile(self, seen: list[float], q: float) -> None:
        """Against the observations themselves: the answer is in the bucket that holds the true one."""
        bounds = [0.0, 0.01, 0.1, 0.5, 1, 2, 5, 10]
        buckets = [(bound, float(sum(s <= bound for s in seen))) for bound in [*bounds[1:], INF]]
        true = sorted(seen)[math.ceil(q * len(seen)) - 1]
        high = next(bound for bound in bounds if true <= bound)
        low = bounds[bounds.index(high) - 1]
        answer = bucket_quantile(q, buckets)
        assert answer is not None
        assert low <= answer <= high or answer == pytest.approx(low)

    def test_buckets_are_increases_of_the_window(self) -> None:
        """An old slow night does not slow today: only what came in the window counts, over all series."""

        def waits(second: float, fast: float, slow: float) -> Page:
            buckets = {(("le", "0.1"),): fast, (("le", "1.0"),): fast + slow, (("le", "+Inf"),): fast + slow}
            return page(
                second, wait_bucket={(*key, ("path", p)): v for key, v in buckets.items() for p in "xy"}
            )

        counted = history(waits(0, 0, 1000), waits(100, 0, 1000), waits(101, 10, 1000))
        assert counted.buckets("wait", 5) == [(0.1, 20), (1.0, 20), (INF, 20)]

    def test_a_bucket_without_a_bound_is_no_bucket(self) -> None:
        """What cannot be read is left out, not guessed."""
        odd: dict[Labels, float] = {(("le", "much"),): 1.0, (("le", "NaN"),): 1.0, ALL: 2.0}
        assert history(page(0, wait_bucket=odd), page(1, wait_bucket=odd)).buckets("wait", 5) == []

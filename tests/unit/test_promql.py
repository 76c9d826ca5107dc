"""What a question in PromQL speaks of."""

import pytest

from console.core.promql import names_of, seconds_of, windows_of


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("up", ("up",)),
        ('up{job="service"} == 0', ("up",)),
        ("100 * sum(rate(bad_total[5m])) / sum(rate(done_total[5m]))", ("bad_total", "done_total")),
        ("sum by (job, instance) (rate(a_total[1m])) > bool 1e5", ("a_total",)),
        ("a / on (pod) group_left(node) b offset 5m", ("a", "b")),
        ("histogram_quantile(0.99, sum(rate(d_bucket[5m])) by (le))", ("d_bucket",)),
        ("job:errors:rate5m and not_there unless gone", ("job:errors:rate5m", "not_there", "gone")),
        ("vector(1) + time()", ()),
        ('label_replace(a, "to", "$1", "from", "(b c)")', ("a",)),
        ("a # b\n+ c", ("a", "c")),
        ("max_over_time(rate(a_total[1m])[10m:30s])", ("a_total",)),
        ('count({__name__="a"})', ()),
        ("a + a + Inf", ("a",)),
    ],
)
def test_the_series_that_it_names(question: str, names: tuple[str, ...]) -> None:
    """Neither labels, nor functions, nor words of the language, nor what stands in strings."""
    assert names_of(question) == names


@pytest.mark.parametrize(
    ("question", "windows"),
    [
        ("up", ()),
        ("rate(a[5m]) / rate(b[1h30m])", (300.0, 5400.0)),
        ("max_over_time(rate(a[1m])[10m:30s])", (60.0, 600.0)),
        ('a{b="[5m]"}', ()),
        ("rate(a[ 500ms ])", (0.5,)),
    ],
)
def test_the_windows_that_it_looks_through(question: str, windows: tuple[float, ...]) -> None:
    """In seconds."""
    assert windows_of(question) == windows


@pytest.mark.parametrize(
    ("text", "seconds"), [("15d", 1_296_000.0), ("1m30s", 90.0), ("", None), ("5", None), ("512MiB", None)]
)
def test_durations_as_prometheus_writes_them(text: str, seconds: float | None) -> None:
    """A size is none."""
    assert seconds_of(text) == seconds

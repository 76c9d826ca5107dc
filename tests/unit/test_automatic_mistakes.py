"""Mistakes in automatic rollback: no second path, one on the same source, one that waits."""

from pathlib import Path

import pytest

from tests.unit.test_asking_mistakes import said

PATH = "        error_rate: health_check_failures > 0\n"


def test_as_it_is_bundled_is_right(tmp_path: Path) -> None:
    assert said(tmp_path) == []


def test_an_automatic_rung_without_a_second_path(tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, (PATH, ""))
    assert mistake.startswith("strategy.yaml:")
    assert "`error_rate` would roll back on one source alone: name a second one under" in mistake


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "transaction_signing_rate < 95%",
            "is measured at `metrics` as `error_rate` is, and would fail with it",
        ),
        ("error_rate > 1%", "is measured at `metrics` as `error_rate` is"),
        ("health_check_failures > 0 for 1m", "a second path is asked at once: leave `for` out"),
        ("health_chek_failures > 0", "did you mean `health_check_failures`?"),
        ("health_check_failures > 5%", "is a count, without unit"),
    ],
    ids=["the same source", "itself", "a window", "nothing", "another unit"],
)
def test_a_second_path_that_is_none(tmp_path: Path, path: str, words: str) -> None:
    mistakes = said(tmp_path, (PATH, f"        error_rate: {path}\n"))
    assert any(words in mistake for mistake in mistakes), mistakes


def test_a_second_path_of_no_metric(tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, (PATH, f"{PATH}        eror_rate: health_check_failures > 0\n"))
    assert "did you mean `error_rate`?" in mistake


def test_a_second_path_that_nothing_needs_any_more_is_left_alone(tmp_path: Path) -> None:
    """Whoever takes an automatic rung out need not take out what confirms it."""
    assert said(tmp_path, (PATH, f"{PATH}        cpu_usage: health_check_failures > 0\n")) == []

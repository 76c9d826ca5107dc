"""Moments as people type them: the words they use in an incident, and an answer to what is none."""

from datetime import UTC, datetime

import pytest

from console.core.moments import HOW, moment_of, written


def us(words: str) -> int:
    """UTC microseconds of an ISO date."""
    return round(datetime.fromisoformat(words).replace(tzinfo=UTC).timestamp() * 1_000_000)


NOW = us("2026-02-25T14:12:42")
KNOWN = us("2026-02-25T14:10:17")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("14:05:30", "2026-02-25T14:05:30"),
        ("14:05:30Z", "2026-02-25T14:05:30"),
        (" 14:05 ", "2026-02-25T14:05:00"),
        ("9:05", "2026-02-25T09:05:00"),
        ("14:05:30.25", "2026-02-25T14:05:30.25"),
        ("14:12:42", "2026-02-25T14:12:42"),
        ("14:12:43", "2026-02-24T14:12:43"),
        ("23:59", "2026-02-24T23:59:00"),
        ("2026-02-24T10:00:00", "2026-02-24T10:00:00"),
        ("2026-02-24 10:00", "2026-02-24T10:00:00"),
        ("2026-02-24T10:00:00Z", "2026-02-24T10:00:00"),
        ("2026-02-24T10:00:00+02:00", "2026-02-24T08:00:00"),
        ("-30s", "2026-02-25T14:09:47"),
        ("- 2m", "2026-02-25T14:08:17"),
        ("+1m", "2026-02-25T14:11:17"),
        ("-1d", "2026-02-24T14:10:17"),
    ],
)
def test_what_is_meant(words: str, meant: str) -> None:
    """A time of day is the last one there was; a shift counts from the moment that is known."""
    assert moment_of(words, now=NOW, known=KNOWN) == us(meant)


@pytest.mark.parametrize(
    "words", ["", "soon", "25:00", "14:60", "14:05:61", "30s", "-30", "-30x", "2026-13-01", "-999999999d"]
)
def test_what_is_no_moment_says_what_to_write(words: str) -> None:
    """Never a guess: data hangs on it."""
    with pytest.raises(ValueError, match="is no moment") as refused:
        moment_of(words, now=NOW, known=KNOWN)
    assert HOW in str(refused.value)


def test_what_is_written_can_be_read() -> None:
    assert written(KNOWN) == "2026-02-25T14:10:17Z"
    assert moment_of(written(KNOWN), now=NOW, known=NOW) == KNOWN

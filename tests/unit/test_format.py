"""Numbers, times and foreign text as people read them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.clock import Stamp
from console.core.format import clock, count, left, plain, short, value
from console.core.watched import Unit
from console.core.words import took


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (None, "%", "-"),
        (12.44, "%", "12.4 %"),
        (100.0, "%", "100 %"),
        (0.2401, "s", "240 ms"),
        (2.44, "s", "2.4 s"),
        (43.0, "count", "43"),
        (43_210.0, "count", "43.2k"),
        (0.0, "flag", "clear"),
        (1.0, "flag", "raised"),
    ],
)
def test_a_value_has_its_unit_and_stays_short(number: float | None, unit: Unit, words: str) -> None:
    assert value(number, unit) == words
    assert len(words) <= 7


def test_the_clock_is_utc_whatever_the_machine_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert clock(Stamp(1_772_028_557_999_999, "boot", 0)) == "14:09:17"


def test_what_took_less_than_ten_seconds_is_told_in_tenths() -> None:
    assert [took(seconds) for seconds in (0.0, 0.42, 9.94, 9.96, 252.0)] == [
        "0.0 s",
        "0.4 s",
        "9.9 s",
        "00:10",
        "04:12",
    ]


def test_nothing_is_promised_in_less_than_a_second() -> None:
    assert (left(0.2), left(5.0)) == ("~00:01", "~00:05")


def test_counts_and_hashes() -> None:
    assert (count(1, "step"), count(2, "step"), count(0, "step")) == ("1 step", "2 steps", "0 steps")
    assert short("3f9c2a1b77") == "3f9c2a1b"


@given(st.text())
def test_foreign_text_never_holds_anything_that_moves_hides_or_reorders(text: str) -> None:
    """Whatever is passed in, what comes out is one line of visible characters."""
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {unicodedata.category(char) for char in plain(text)} & bad


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_visible_text_stays_as_it_is(text: str) -> None:
    """Only normalised; nothing that can be seen is lost."""
    assert plain(text) == unicodedata.normalize("NFC", text)

"""The verdict on several answers: one for any sequence, and never better than what was seen."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.exits import Exit
from console.core.health_verdict import Answer, HealthRuleError, Verdict, rule_of, verdict
from tests.unit.engine.kit import environment

GOOD, BAD, UNREACHED = Answer.GOOD, Answer.BAD, Answer.UNREACHED
LETTERS = {"g": GOOD, "b": BAD, "u": UNREACHED}


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        ("ggg", Verdict.HEALTHY),
        ("bbggg", Verdict.HEALTHY),
        ("uuggg", Verdict.HEALTHY),
        ("bbbbb", Verdict.SICK),
        ("ggbbb", Verdict.SICK),
        ("uubbb", Verdict.SICK),
        ("gbgbg", Verdict.UNKNOWN),
        ("bbbbg", Verdict.UNKNOWN),
        ("bbbgg", Verdict.UNKNOWN),
        ("bbbbu", Verdict.UNKNOWN),
        ("ggugg", Verdict.UNKNOWN),
        ("uuuuu", Verdict.UNKNOWN),
        ("", None),
        ("gg", None),
        ("bbb", None),
        ("bbbb", None),
    ],
)
def test_the_last_three_of_five_decide(drawn: str, told: Verdict | None) -> None:
    """Good ones at once; bad ones when all are used up: what has just been deployed begins badly."""
    assert verdict([LETTERS[letter] for letter in drawn], in_a_row=3, tries=5) is told


@given(st.lists(st.sampled_from(Answer), max_size=12), st.integers(1, 4), st.integers(0, 8))
def test_whatever_comes_there_is_one_verdict_and_it_was_earned(
    drawn: list[Answer], in_a_row: int, more: int
) -> None:
    """Probing ends; healthy and sick each rest on a whole run of what they say, at the very end."""
    tries = in_a_row + more
    supply = iter([*drawn, *[UNREACHED] * tries])
    seen: list[Answer] = []
    while (told := verdict(seen, in_a_row=in_a_row, tries=tries)) is None:
        seen.append(next(supply))
    last = seen[-in_a_row:]
    assert len(seen) <= tries
    assert (told is Verdict.HEALTHY) == (last == [GOOD] * in_a_row)
    assert (told is Verdict.SICK) == (last == [BAD] * in_a_row)
    assert told is Verdict.HEALTHY or len(seen) == tries, "only what is healthy ends before all are used up"


@given(st.lists(st.sampled_from((BAD, UNREACHED)), min_size=5, max_size=5))
def test_without_a_good_answer_nothing_is_healthy(drawn: list[Answer]) -> None:
    assert verdict(drawn, in_a_row=3, tries=5) in (Verdict.SICK, Verdict.UNKNOWN)


@given(st.lists(st.sampled_from(Answer), min_size=5, max_size=5))
def test_where_good_answers_never_follow_each_other_nothing_is_healthy(drawn: list[Answer]) -> None:
    """Two in a row are asked for, and a bad or a lost one between them begins the count anew."""
    if (GOOD, GOOD) not in pairwise(drawn):
        assert verdict(drawn, in_a_row=2, tries=5) is not Verdict.HEALTHY


def test_the_rule_is_the_strategys() -> None:
    """The endpoint as its source judges it, in the rhythm of `health`."""
    rule = rule_of(environment())
    assert (rule.url, rule.status, rule.version) == ("http://127.0.0.1:9000/health", 200, "version")
    assert (rule.tries, rule.every_s, rule.in_a_row, rule.limit_s) == (5, 1.0, 3, 1.0)


def test_a_strategy_that_does_not_say_what_healthy_means_is_one_line() -> None:
    """Without the source there is no body to judge by; a status alone would be a guess."""
    with pytest.raises(HealthRuleError, match="no http source asks http://127.0.0.1:9000/health") as raised:
        rule_of(environment(sources={}, metrics={}))
    assert raised.value.exit == Exit.USAGE

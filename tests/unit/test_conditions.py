"""The shorthand for conditions: what it means, that it reads back, and what is said when it is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    ConditionError,
    Flag,
    Held,
    Node,
    Not,
    parse,
    write,
)
from console.core.grammar import KEYWORDS

A, B, C = Flag("a"), Flag("b"), Flag("c")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("error_rate > 10% for 5m", Held(Comparison("error_rate", ">", 10, "%"), 300)),
        ("response_time_p99 > 2s", Comparison("response_time_p99", ">", 2, "s")),
        ("response_time_p99 < 500ms", Comparison("response_time_p99", "<", 0.5, "s")),
        ("age <= 1.5h", Comparison("age", "<=", 5400, "s")),
        ("age < 2 m", Comparison("age", "<", 120, "s")),
        ("x >= 3", Comparison("x", ">=", 3, "")),
        ("x = 0", Comparison("x", "=", 0, "")),
        ("x != 1", Comparison("x", "!=", 1, "")),
        ("security_audit_failed", Flag("security_audit_failed")),
        ("not a", Not(A)),
        ("not a for 1m", Held(Not(A), 60)),
        ("a and b or c", AnyOf((AllOf((A, B)), C))),
        ("a or b and c", AnyOf((A, AllOf((B, C))))),
        ("(a or b) and c", AllOf((AnyOf((A, B)), C))),
        ("a and b for 5m", AllOf((A, Held(B, 300)))),
        ("(a and b) for 5m", Held(AllOf((A, B)), 300)),
        ("(a for 1m) for 2m", Held(Held(A, 60), 120)),
        (
            "android or ordinary and format",
            AnyOf((Flag("android"), AllOf((Flag("ordinary"), Flag("format"))))),
        ),
        ("push-rate > 1", Comparison("push-rate", ">", 1, "")),
    ],
)
def test_what_a_condition_means(text: str, node: Node) -> None:
    """`and` binds tighter than `or`; `for` binds to what stands directly before it."""
    assert parse(text).node == node


def test_a_condition_prints_back_as_written() -> None:
    """What people read on the screen is what somebody wrote, unit and all."""
    text = "response_time_p99 > 500ms  for 2m"
    assert str(parse(text)) == text


def test_names_come_with_their_columns() -> None:
    """So that a wrong name can be pointed at."""
    assert list(parse("a > 5% and not bb or (c for 5m)").names()) == [("a", 1), ("bb", 16), ("c", 23)]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected a condition such as `error_rate > 5% for 5m`, found nothing"),
        ("error_rate >", 13, "expected a number such as `5%`, `2s` or `3`, found the end"),
        ("error_rate > 5% fro 5m", 17, "expected `for`, found `fro`"),
        ("error_rate > 5% for", 20, "expected a duration such as `5m`, found the end"),
        ("error_rate == 5%", 12, "write `=` instead of `==`"),
        ("x => 5", 3, "write `>=` instead of `=>`"),
        ("x >> 5", 3, "expected a comparison (`<` `<=` `>` `>=` `=` `!=`), found `>>`"),
        ("a && b", 3, "write `and` instead of `&&`"),
        ("a and", 6, "expected the name of a metric or flag, `not` or `(`, found the end"),
        ("a and or b", 7, "the name of a metric or flag is missing before `or`"),
        ("for > 5", 1, "the name of a metric or flag is missing before `for`"),
        ("Error_rate > 5", 1, "names are in lower case: write `error_rate` instead of `Error_rate`"),
        ("a AND b", 3, "expected `and`, found `AND`"),
        (
            "not x > 5",
            7,
            "`not` stands before a flag only: turn the comparison round, or give each flag its `not`",
        ),
        ("x > 5 for 5 minutes", 13, "expected a unit of time (`ms` `s` `m` `h` `d`), found `minutes`"),
        ("x > -5", 5, "expected a number such as `5%`, `2s` or `3`, found `-`"),
        ("x > y", 5, "expected a number such as `5%`, `2s` or `3`, found `y`"),
        ("x > 5% 3", 8, "expected `for`, `and`, `or` or the end, found `3`"),
        ("x > 5 for 5m for 6m", 14, "expected `and`, `or` or the end, found `for`"),
        (
            "(a > 5",
            7,
            "expected `%`, a unit of time (`ms` `s` `m` `h` `d`), `for`, `and`, `or` or `)`, found the end",
        ),
        ("x > 5\x1b[2J", 6, None),
        ("a" * 501, 501, "a condition has at most 500 characters"),
    ],
)
def test_what_is_said_of_a_wrong_condition(text: str, column: int, message: str | None) -> None:
    """Column, what was expected and what was found, in plain words and on one line."""
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.column == column
    if message is not None:
        assert caught.value.message == message
    assert str(caught.value) == f"column {column}: {caught.value.message}"
    assert str(caught.value).isprintable()


@given(st.text(alphabet="abz_-59.%<>=!& ()ormsndtf\n\x00é", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_condition_or_a_condition_error(text: str) -> None:
    """No text makes the parser fail in another way, and no message holds the parser's own words."""
    error = _error(text)
    if error is not None:
        assert 1 <= error.column <= len(text) + 1
        assert "\n" not in str(error)
        assert not re.search("NAME|LPAR|END|Token|COMPARE|TIME|_AND", re.sub("`[^`]*`", "", error.message))


def _error(text: str) -> ConditionError | None:
    try:
        parse(text)
    except ConditionError as error:
        return error
    return None


names = st.from_regex(r"[a-z][a-z0-9_]{0,6}(-[a-z0-9_]{1,3})?", fullmatch=True).filter(
    lambda name: name not in KEYWORDS
)
numbers = st.floats(min_value=0, max_value=1e9, allow_nan=False).map(abs)
leaves: st.SearchStrategy[Node] = (
    st.builds(
        Comparison,
        names,
        st.sampled_from(("<", "<=", ">", ">=", "=", "!=")),
        numbers,
        st.sampled_from(("%", "s", "")),
    )
    | st.builds(Flag, names)
    | st.builds(Not, st.builds(Flag, names))
)


def _more(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Held, inner, numbers) | st.builds(AllOf, several) | st.builds(AnyOf, several)


@given(st.recursive(leaves, _more, max_leaves=6).filter(lambda node: len(write(node)) <= 500))
def test_a_tree_reads_back_as_itself(node: Node) -> None:
    """Whatever can be meant can be written, and means the same when it is read."""
    assert parse(write(node)).node == node

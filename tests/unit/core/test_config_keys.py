"""Settings compared by name: no value gets out, both directions agree, and bounds are kept."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.config_keys import MOST_KEYS, WHOLE, TooMuchError, Tree, compared

CANARY = "hunter2"
KEYS = st.text('ab.[] "', max_size=3)
LEAVES = st.tuples(st.sampled_from(["int", "str"]), st.integers(0, 3).map(lambda n: f"{CANARY}{n}"))
TREES = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=12,
)
FILES = st.dictionaries(KEYS, TREES, max_size=4)


def told(before: Tree, after: Tree) -> list[tuple[str, str]]:
    return [(change.key, change.what) for change in compared("app.toml", before, after)]


def text(value: str) -> Tree:
    return ("str", value)


@given(FILES, FILES)
@settings(max_examples=200)
def test_no_value_is_ever_told(before: Tree, after: Tree) -> None:
    assert CANARY not in msgspec.json.encode(compared("app.toml", before, after)).decode()


@given(FILES, FILES)
@settings(max_examples=200)
def test_the_other_way_round_what_was_added_is_removed(before: Tree, after: Tree) -> None:
    other = {"added": "removed", "removed": "added", "changed": "changed"}
    assert told(after, before) == [(key, other[what]) for key, what in told(before, after)]


@given(FILES)
def test_a_file_is_the_same_as_itself(tree: Tree) -> None:
    assert told(tree, tree) == []


@given(FILES)
def test_all_of_a_new_file_is_added(tree: Tree) -> None:
    assert {what for _, what in told({}, tree)} <= {"added"}
    assert bool(told({}, tree)) is bool(tree)


def test_names_are_dotted_and_quoted_where_they_could_be_misread() -> None:
    before = {"gas": {"margin": text("1.2"), "old": text("1")}, "a.b": {"c": text("1")}}
    after = {"gas": {"margin": text("0.7"), "new": text("1")}, "a.b": {"c": text("2")}}
    assert told(before, after) == [
        ('"a.b".c', "changed"),
        ("gas.margin", "changed"),
        ("gas.new", "added"),
        ("gas.old", "removed"),
    ]


def test_a_list_is_one_setting_unless_there_are_settings_in_it() -> None:
    assert told({"hosts": [text("a")]}, {"hosts": [text("a"), text("b")]}) == [("hosts", "changed")]
    before = {"servers": [{"port": text("1")}, {"port": text("2")}]}
    after = {"servers": [{"port": text("1")}, {"port": text("3")}]}
    assert told(before, after) == [("servers[1].port", "changed")]


def test_another_kind_of_value_is_a_change() -> None:
    assert told({"on": ("bool", "True")}, {"on": ("str", "True")}) == [("on", "changed")]


def test_a_file_that_is_one_value_has_a_name_for_it() -> None:
    assert told(text("1"), text("2")) == [(WHOLE, "changed")]


def test_a_section_that_is_emptied_keeps_its_name() -> None:
    assert told({"gas": {"cap": text("1")}}, {"gas": {}}) == [("gas", "added"), ("gas.cap", "removed")]


def test_too_many_and_too_deep_are_said() -> None:
    with pytest.raises(TooMuchError, match="more than 5,000 settings"):
        compared("x", {}, {str(n): text("") for n in range(MOST_KEYS + 1)})
    deep: Tree = text(CANARY)
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(TooMuchError, match="nested more than 40 deep"):
        compared("x", {}, deep)

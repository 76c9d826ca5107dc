"""Two schemas compared: only what old code never has to fill is an expansion, and no difference gets lost."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core.schema import Column, Rule, Schema, Table, View, digest
from console.core.schema_compare import compare, differences
from console.core.schema_verdict import KINDS, worst

_names = st.sampled_from(["a", "b", "c", "d"])
_types = st.sampled_from(["bigint", "text", "character varying(9)", "character varying(40)"])
_columns = st.builds(
    Column,
    type=_types,
    nullable=st.booleans(),
    default=st.sampled_from(["", "0", "now()"]),
    made=st.sampled_from(["", "identity always", "identity by default"]),
)
_rules = st.builds(
    Rule,
    kind=st.sampled_from(["primary key", "unique", "foreign key", "check", "exclusion"]),
    text=st.sampled_from(["(a)", "(b)", "(a, b)"]),
    columns=st.lists(_names, max_size=2, unique=True).map(tuple),
    acts=st.booleans(),
)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    columns = draw(st.dictionaries(_names, _columns, max_size=4))
    rules = draw(st.frozensets(_rules, max_size=3))
    there = frozenset(rule for rule in rules if columns.keys() >= set(rule.columns))
    return Table(columns, there, draw(st.dictionaries(_names, _names, max_size=2)), draw(st.booleans()))


_texts = st.dictionaries(_names, _names, max_size=2)
_schemas = st.builds(
    Schema,
    tables=st.dictionaries(_names, _tables(), max_size=3),
    views=st.dictionaries(_names, st.builds(View, columns=_texts, query=_names), max_size=2),
    enums=st.dictionaries(_names, st.lists(_names, max_size=4, unique=True).map(tuple), max_size=2),
    types=_texts,
    sequences=_texts,
    functions=_texts,
    extensions=st.frozensets(_names, max_size=2),
)
T = Table({"id": Column("bigint", nullable=False), "name": Column("text")})
BEFORE = Schema(tables={"public.t": T})


def with_table(table: Table) -> Schema:
    """The one table, changed."""
    return Schema(tables={"public.t": table})


def with_column(column: Column, name: str = "new") -> Schema:
    """The one table with a column more, or another one."""
    return with_table(replace(T, columns={**T.columns, name: column}))


@given(_schemas, _schemas)
def test_it_is_the_same_exactly_where_the_two_are_equal(one: Schema, other: Schema) -> None:
    assert compare(one, one).kind == "same"
    assert (compare(one, other).kind == "same") is (one == other) is (digest(one) == digest(other))


@given(_schemas, _schemas)
def test_the_verdict_is_the_worst_of_its_differences(one: Schema, other: Schema) -> None:
    """And the contractions are told first."""
    found = compare(one, other)
    assert found.kind == worst(difference.kind for difference in found.differences)
    assert sorted(found.differences, key=lambda each: KINDS.index(each.kind), reverse=True) == list(
        found.differences
    )


@given(_schemas, st.data())
def test_what_old_code_need_not_fill_never_contracts(schema: Schema, data: st.DataObject) -> None:
    column = data.draw(_columns.filter(lambda each: each.may_be_left_out))
    tables = {
        name: replace(table, columns={**table.columns, "new": column})
        for name, table in schema.tables.items()
    }
    grown = replace(schema, tables={**tables, "public.new": data.draw(_tables())})
    assert compare(schema, grown).kind == "expanded"
    assert compare(grown, schema).kind == "contracted", "what was added is missed the other way round"


@given(_schemas, _schemas)
def test_nothing_is_lost_both_ways(one: Schema, other: Schema) -> None:
    """What is dropped seen from the one is added seen from the other."""
    lost = {found.words for found in differences(one, other) if found.words.endswith(" dropped")}
    come = {found.words for found in differences(other, one) if " added" in found.words}
    assert bool(lost) is bool(come)


@given(_schemas)
def test_it_is_the_same_when_it_has_been_written_down(schema: Schema) -> None:
    raw = msgspec.json.encode(schema, order="deterministic")
    assert digest(msgspec.json.decode(raw, type=Schema)) == digest(schema)


@pytest.mark.parametrize(
    ("column", "kind", "words"),
    [
        (Column("text"), "expanded", "t.new added, may be null"),
        (Column("text", nullable=False, default="''"), "expanded", "t.new added, has a default"),
        (Column("bigint", nullable=False, made="identity always"), "expanded", "the server fills it"),
        (Column("text", nullable=False), "contracted", "t.new added, must be given"),
    ],
)
def test_a_new_column(column: Column, kind: str, words: str) -> None:
    found = compare(BEFORE, with_column(column))
    assert found.kind == kind
    assert words in found.differences[0].words


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Column("text"), Column("bigint"), "contracted"),
        (Column("integer"), Column("bigint"), "contracted"),
        (Column("character varying(9)"), Column("character varying(40)"), "expanded"),
        (Column("character varying(9)"), Column("text"), "expanded"),
        (Column("character varying(9)"), Column("character varying"), "expanded"),
        (Column("character varying"), Column("character varying(9)"), "contracted"),
        (Column("character varying(9)"), Column('text COLLATE "C"'), "contracted"),
        (Column("text"), Column("text", nullable=False), "contracted"),
        (Column("text", nullable=False), Column("text"), "expanded"),
        (Column("text", default="'a'"), Column("text"), "contracted"),
        (Column("text"), Column("text", default="'a'"), "expanded"),
        (Column("text"), Column("text", made="stored from a"), "contracted"),
        (Column("bigint", made="identity always"), Column("bigint", made="identity by default"), "expanded"),
    ],
)
def test_a_column_that_was_changed(old: Column, new: Column, kind: str) -> None:
    found = compare(with_column(old), with_column(new))
    assert found.kind == kind
    assert found.differences[0].words.startswith("t.new ")


@pytest.mark.parametrize(
    ("rule", "added", "dropped"),
    [
        (Rule("unique", "(name)", ("name",)), "contracted", "contracted"),
        (Rule("primary key", "(id)", ("id",)), "contracted", "contracted"),
        (Rule("check", "(id > 0)", ("id",)), "contracted", "expanded"),
        (Rule("foreign key", "(id) REFERENCES u(id)", ("id",)), "contracted", "expanded"),
        (
            Rule("foreign key", "(id) REFERENCES u(id) ON DELETE CASCADE", ("id",), acts=True),
            "contracted",
            "contracted",
        ),
        (Rule("exclusion", "USING gist (name WITH =)", ("name",)), "contracted", "contracted"),
    ],
)
def test_a_rule_on_what_was_there_before(rule: Rule, added: str, dropped: str) -> None:
    ruled = with_table(replace(T, rules=frozenset((rule,))))
    assert compare(BEFORE, ruled).kind == added
    assert compare(ruled, BEFORE).kind == dropped


@pytest.mark.parametrize(
    ("column", "rule", "kind"),
    [
        (Column("text"), Rule("unique", "(new)", ("new",)), "expanded"),
        (Column("text"), Rule("unique", "(new)", ("new",), nulls_clash=True), "contracted"),
        (Column("text", default="''"), Rule("unique", "(new)", ("new",)), "contracted"),
        (Column("text"), Rule("unique", "(name, new)", ("name", "new")), "expanded"),
        (Column("text"), Rule("foreign key", "(new) REFERENCES u(id)", ("new",)), "expanded"),
        (Column("bigint", default="1"), Rule("foreign key", "(new) ...", ("new",)), "contracted"),
        (Column("bigint"), Rule("check", "(new > 0)", ("new",)), "expanded"),
        (Column("bigint"), Rule("check", "(new > id)", ("id", "new")), "contracted"),
        (Column("text"), Rule("unique", "(lower(new))"), "contracted"),
    ],
)
def test_a_rule_on_a_new_column(column: Column, rule: Rule, kind: str) -> None:
    """Rows that leave it out do not break it; where that is not sure, it counts as a contraction."""
    table = replace(T, columns={**T.columns, "new": column}, rules=frozenset((rule,)))
    assert compare(BEFORE, with_table(table)).kind == kind


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Schema(enums={"e": ("a",)}), Schema(enums={"e": ("b", "a")}), "expanded"),
        (Schema(enums={"e": ("a", "b")}), Schema(enums={"e": ("b",)}), "contracted"),
        (Schema(enums={"e": ("a", "b")}), Schema(enums={"e": ("b", "a")}), "contracted"),
        (Schema(functions={"f()": "a function"}), Schema(functions={"f()": "a procedure"}), "contracted"),
        (Schema(functions={"f()": "x"}), Schema(functions={"f()": "x", "g()": "x"}), "expanded"),
        (Schema(types={"d": "text"}), Schema(types={"d": "text NOT NULL"}), "contracted"),
        (Schema(sequences={"s": "bigint"}), Schema(), "contracted"),
        (Schema(extensions=frozenset({"e"})), Schema(), "contracted"),
        (Schema(views={"v": View({"a": "text"})}), Schema(views={"v": View()}), "contracted"),
        (Schema(views={"v": View(query="1")}), Schema(views={"v": View(query="2")}), "expanded"),
        (BEFORE, with_table(replace(T, guarded=True)), "contracted"),
        (BEFORE, with_table(replace(T, triggers={"x": "1"})), "expanded"),
        (with_table(replace(T, triggers={"x": "1"})), BEFORE, "contracted"),
        (BEFORE, Schema(tables={"public.u": T}), "contracted"),
    ],
)
def test_everything_else(old: Schema, new: Schema, kind: str) -> None:
    assert compare(old, new).kind == kind

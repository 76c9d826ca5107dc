"""Two schemas compared: in what the live one is not the expected one, and which of that breaks it. Pure.

*Expanded* is whatever a program that knows the expected schema alone can live with: it is never asked to
fill it, and what it reads and writes is still there. *Contracted* is everything else. A rename is something
dropped and something added, since nobody can tell it from that.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Literal

from console.core.schema import Column, Rule, Schema, Table, View
from console.core.schema_verdict import Difference, SchemaVerdict, worst

_VARCHAR = re.compile(r"character varying(?:\((\d+)\))?(?P<rest>.*)")
_UNLIMITED = 1 << 31
_Kind = Literal["expanded", "contracted"]


def compare(expected: Schema, live: Schema) -> SchemaVerdict:
    """What a release that expects the one finds in the other; contractions first."""
    found = sorted(differences(expected, live), key=lambda one: (one.kind, one.words))
    return SchemaVerdict(worst(one.kind for one in found), tuple(found))


def differences(expected: Schema, live: Schema) -> Iterator[Difference]:
    """Every difference, in no order; none exactly where the two are equal."""
    yield from _gone(expected.tables, live.tables, "table")
    yield from _come(expected.tables, live.tables, "table")
    for name in expected.tables.keys() & live.tables.keys():
        yield from _table(_short(name), expected.tables[name], live.tables[name])
    yield from _gone(expected.views, live.views, "view")
    yield from _come(expected.views, live.views, "view")
    for name in expected.views.keys() & live.views.keys():
        yield from _view(_short(name), expected.views[name], live.views[name])
    yield from _gone(expected.enums, live.enums, "enum")
    yield from _come(expected.enums, live.enums, "enum")
    for name in expected.enums.keys() & live.enums.keys():
        yield from _enum(_short(name), expected.enums[name], live.enums[name])
    for kind, old, new in (
        ("type", expected.types, live.types),
        ("sequence", expected.sequences, live.sequences),
        ("function", expected.functions, live.functions),
    ):
        yield from chain(_gone(old, new, kind), _come(old, new, kind), _otherwise(old, new, kind))
    for name in expected.extensions - live.extensions:
        yield _contracted(f"extension {name} dropped")
    for name in live.extensions - expected.extensions:
        yield _expanded(f"extension {name} added")


def _expanded(words: str) -> Difference:
    return Difference("expanded", words)


def _contracted(words: str) -> Difference:
    return Difference("contracted", words)


def _short(name: str) -> str:
    """Without the namespace that everybody means."""
    return name.removeprefix("public.")


def _gone(old: Mapping[str, object], new: Mapping[str, object], what: str) -> Iterator[Difference]:
    return (_contracted(f"{what} {_short(name)} dropped") for name in old.keys() - new.keys())


def _come(old: Mapping[str, object], new: Mapping[str, object], what: str) -> Iterator[Difference]:
    return (_expanded(f"{what} {_short(name)} added") for name in new.keys() - old.keys())


def _otherwise(old: Mapping[str, str], new: Mapping[str, str], what: str) -> Iterator[Difference]:
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            yield _contracted(f"{what} {_short(name)} is {new[name]}, was {old[name]}")


# -- a table ----------------------------------------------------------------------------------------


def _table(name: str, old: Table, new: Table) -> Iterator[Difference]:
    for column in old.columns.keys() - new.columns.keys():
        yield _contracted(f"{name}.{column} dropped")
    for column in new.columns.keys() - old.columns.keys():
        yield _added(f"{name}.{column}", new.columns[column])
    for column in old.columns.keys() & new.columns.keys():
        yield from _column(f"{name}.{column}", old.columns[column], new.columns[column])
    yield from _rules(name, old, new)
    yield from _triggers(name, old.triggers, new.triggers)
    if new.guarded and not old.guarded:
        yield _contracted(f"{name} is guarded by policies now: rows may not be seen")
    if old.guarded and not new.guarded:
        yield _expanded(f"{name} is not guarded by policies any more")


def _added(place: str, column: Column) -> Difference:
    if column.made:
        return _expanded(f"{place} added, the server fills it")
    if column.default:
        return _expanded(f"{place} added, has a default")
    if column.nullable:
        return _expanded(f"{place} added, may be null")
    return _contracted(f"{place} added, must be given")


def _column(place: str, old: Column, new: Column) -> Iterator[Difference]:
    if old.type != new.type:
        kind: _Kind = "expanded" if _is_wider(old.type, new.type) else "contracted"
        yield Difference(kind, f"{place} is {new.type}, was {old.type}")
    if old.nullable and not new.nullable:
        yield _contracted(f"{place} must not be null any more")
    if new.nullable and not old.nullable:
        yield _expanded(f"{place} may be null now")
    if old.made != new.made:
        relaxed = (old.made, new.made) == ("identity always", "identity by default")
        kind = "expanded" if relaxed else "contracted"
        yield Difference(kind, f"{place} is {new.made or 'given by the program'}, was {old.made or 'that'}")
    if old.default != new.default:
        lost = old.default and not new.default
        now = f"{place} has the default {new.default}"
        yield _contracted(f"{place} has no default any more") if lost else _expanded(f"{now} now")


def _is_wider(old: str, new: str) -> bool:
    """Whether every text that the one holds fits the other: nothing else is taken for the same type."""
    before = _VARCHAR.fullmatch(old)
    after = _VARCHAR.fullmatch(new)
    if before is None:
        return False
    if after is None:
        return new == f"text{before['rest']}"
    if before["rest"] != after["rest"]:
        return False
    return int(after[1] or _UNLIMITED) >= int(before[1] or _UNLIMITED)


def _rules(name: str, old: Table, new: Table) -> Iterator[Difference]:
    fresh = new.columns.keys() - old.columns.keys()
    for rule in new.rules - old.rules:
        unfelt = _is_unfelt(rule, new, fresh)
        also = ", on what is new alone" if unfelt else ""
        kind: _Kind = "expanded" if unfelt else "contracted"
        yield Difference(kind, f"{name}: {rule.kind} {rule.text} added{also}")
    for rule in old.rules - new.rules:
        # What it kept out may be there now, and a rehearsal shows what comes of that. A key is another
        # matter: ON CONFLICT names it, and a cascade is work that somebody relies on.
        loosened = rule.kind == "check" or (rule.kind == "foreign key" and not rule.acts)
        kind = "expanded" if loosened else "contracted"
        yield Difference(kind, f"{name}: {rule.kind} {rule.text} dropped")


def _is_unfelt(rule: Rule, table: Table, fresh: set[str]) -> bool:
    """Whether rows that leave everything new out can never break it."""
    if not rule.columns:
        return False
    if rule.kind == "check":
        return fresh.issuperset(rule.columns)
    left_null = [
        name
        for name in rule.columns
        if name in fresh and (column := table.columns[name]).nullable and not (column.default or column.made)
    ]
    return bool(left_null) and rule.kind in ("unique", "foreign key") and not rule.nulls_clash


def _triggers(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for trigger in old.keys() - new.keys():
        yield _contracted(f"{name}: trigger {trigger} dropped")
    for trigger in new.keys() - old.keys():
        yield _expanded(f"{name}: trigger {trigger} added")
    for trigger in old.keys() & new.keys():
        if old[trigger] != new[trigger]:
            yield _contracted(f"{name}: trigger {trigger} does something else")


# -- the rest ---------------------------------------------------------------------------------------


def _view(name: str, old: View, new: View) -> Iterator[Difference]:
    for column in old.columns.keys() - new.columns.keys():
        yield _contracted(f"view {name}.{column} dropped")
    for column in new.columns.keys() - old.columns.keys():
        yield _expanded(f"view {name}.{column} added")
    for column in old.columns.keys() & new.columns.keys():
        if old.columns[column] != new.columns[column]:
            yield _contracted(f"view {name}.{column} is {new.columns[column]}, was {old.columns[column]}")
    if old.query != new.query and old.columns == new.columns:
        yield _expanded(f"view {name} selects something else")


def _enum(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Difference]:
    for label in old:
        if label not in new:
            yield _contracted(f"enum {name} has no `{label}` any more")
    for label in new:
        if label not in old:
            yield _expanded(f"enum {name} has `{label}` too")
    kept = [label for label in new if label in old]
    if kept != [label for label in old if label in new]:
        yield _contracted(f"enum {name} is in another order")

"""What a database's schema is made of, as far as it matters to a program that reads and writes it. Pure."""

import hashlib
from typing import Literal

import msgspec
from msgspec import Struct


class Column(Struct, frozen=True):
    """A column of a table, under its name there."""

    type: str
    """As PostgreSQL prints it, with its modifier and, where it is not the type's own, its collation."""
    nullable: bool = True
    default: str = ""
    """The expression; empty without one."""
    made: str = ""
    """How the server itself gives it a value, `identity always`, `stored from ...`; empty: it does not."""

    @property
    def may_be_left_out(self) -> bool:
        """Whether a program that does not know the column can add rows."""
        return self.nullable or bool(self.default) or bool(self.made)


class Rule(Struct, frozen=True, order=True):
    """Something that must be true of a table's rows. By what it says: what it is called does not matter."""

    kind: Literal["primary key", "unique", "foreign key", "check", "exclusion"]
    text: str
    """What PostgreSQL prints of it: `(address)`, `(user_id) REFERENCES public.users(id)`."""
    columns: tuple[str, ...] = ()
    """Of the table itself; those in expressions as well, where the server says which."""
    acts: bool = False
    """A foreign key that changes or removes rows itself: ON DELETE CASCADE and the like."""
    nulls_clash: bool = False
    """A unique one for which two nulls are the same."""


class Table(Struct, frozen=True):
    """A table as users know it: one whole, whatever partitions its rows are in."""

    columns: dict[str, Column] = {}
    rules: frozenset[Rule] = frozenset()
    triggers: dict[str, str] = {}
    """By name, with what PostgreSQL prints of each."""
    guarded: bool = False
    """Whether policies decide who sees which row."""


class View(Struct, frozen=True):
    """A view, materialized or not."""

    columns: dict[str, str] = {}
    """Name to type."""
    query: str = ""
    """A hash of what it selects."""


class Schema(Struct, frozen=True):
    """All of one database but what its extensions bring; every name with its namespace, `public.users`."""

    tables: dict[str, Table] = {}
    views: dict[str, View] = {}
    enums: dict[str, tuple[str, ...]] = {}
    """Labels, in their order."""
    types: dict[str, str] = {}
    """Domains and composite types, each with what it is made of."""
    sequences: dict[str, str] = {}
    """Those that belong to no identity column, with type, step and bounds."""
    functions: dict[str, str] = {}
    """By signature, `public.total(bigint)`, with kind and result."""
    extensions: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether there is no table in it: then nothing was built."""
        return not self.tables


def digest(schema: Schema) -> str:
    """SHA-256 in hex, the same for the same schema."""
    return hashlib.sha256(msgspec.json.encode(schema, order="deterministic")).hexdigest()

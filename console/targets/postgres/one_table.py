"""A table that stands in the live database and in a copy alike, and its rows by key."""

from collections.abc import Sequence
from itertools import starmap

import msgspec
from msgspec import Struct
from psycopg import errors, sql

from console.targets.postgres.content import pinned
from console.targets.postgres.rowfile import RowsError
from console.targets.postgres.server import Connection

_NAMED = """
    SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE c.oid = to_regclass(%s)
"""
# A type with its modifier is what the two tables must agree in. Without one it is what a key is read as:
# a cast to varchar(3) would cut a longer key and find somebody else's row.
_FOUND = """
    SELECT (SELECT json_agg(json_build_array(
                           attname, format_type(atttypid, atttypmod), format_type(atttypid, -1),
                           attidentity = 'a')
                       ORDER BY attnum)
            FROM pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''),
           ARRAY(SELECT attname::text FROM pg_constraint
                 CROSS JOIN unnest(conkey) WITH ORDINALITY AS place (number, turn)
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = number
                 WHERE conrelid = c.oid AND contype = 'p' ORDER BY turn),
           relkind = 'p'
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = %s AND relname = %s AND relkind IN ('r', 'p')
"""
_TRIGGERS = """
    SELECT tgname::text FROM pg_trigger
    WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname
"""
Key = tuple[str, ...]
"""The values of a key's columns, as PostgreSQL prints them."""


class Column(Struct, frozen=True, array_like=True):
    """A column that can be written."""

    name: str
    type: str
    """With its modifier."""
    read_as: str
    """Without it."""
    always: bool
    """Whether only an INSERT can give it a value: GENERATED ALWAYS AS IDENTITY."""


class OneTable(Struct, frozen=True):
    """A table with a primary key."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    whole: bool
    """Whether the rows of its partitions are its own; never those of tables that inherit from it."""

    @property
    def qualified(self) -> str:
        """`public.users`."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Composable:
        """How SQL calls it."""
        return sql.Identifier(self.schema, self.name)

    @property
    def source(self) -> sql.Composable:
        """What its own rows are selected from, and changed in, as `t`."""
        return sql.SQL("{}{} AS t").format(sql.SQL("" if self.whole else "ONLY "), self.identifier)

    @property
    def names(self) -> list[str]:
        """Of the columns that can be written."""
        return [column.name for column in self.columns]

    @property
    def key_of(self) -> sql.Composable:
        """SQL of the key of row `t`: an array of texts."""
        return sql.SQL("ARRAY[{}]").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", name)) for name in self.key)
        )

    def those(self, keys: Sequence[Key]) -> sql.Composable:
        """Which rows `t` are meant."""
        columns = sql.SQL(", ").join(sql.Identifier("t", name) for name in self.key)
        return sql.SQL("({}) IN (SELECT {} FROM {})").format(columns, self._typed, _asked(keys))

    async def keys(self, connection: Connection, words: Sequence[str]) -> list[Key]:
        """Each key that is meant, once: `007` is 7. RowsError for what is no key of this table."""
        read = [self._parts(each) for each in words]
        texts = sql.SQL("SELECT ARRAY[{}] FROM {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(each) for each in self._each_typed), _asked(read)
        )
        try:
            rows = await (await connection.execute(texts)).fetchall()
        except errors.DataError as error:
            told = ", ".join(f"{each.name} {each.type}" for each in self._key_columns)
            raise RowsError(
                f"a row of {self.qualified} goes by {told}: {error.diag.message_primary}"
            ) from None
        return list(dict.fromkeys(tuple(row[0]) for row in rows))

    def _parts(self, words: str) -> Key:
        """The values of a key as it is written: as it is, or a JSON list where it has several columns."""
        if len(self.key) == 1:
            return (words,)
        try:
            parts = msgspec.json.decode(words, type=list[str | int])
        except msgspec.DecodeError:
            parts = []
        if len(parts) != len(self.key):
            like = ", ".join(f'"{name}"' for name in self.key)
            raise RowsError(
                f"{words} is no key of {self.qualified}, which has {len(self.key)} columns: write [{like}]"
            )
        return tuple(map(str, parts))

    @property
    def _key_columns(self) -> list[Column]:
        by_name = {column.name: column for column in self.columns}
        return [by_name[name] for name in self.key]

    @property
    def _each_typed(self) -> list[sql.Composable]:
        def typed(turn: int, column: Column) -> sql.Composable:
            return sql.SQL("k{}::{}").format(sql.SQL(str(turn)), sql.SQL(column.read_as))

        return list(starmap(typed, enumerate(self._key_columns)))

    @property
    def _typed(self) -> sql.Composable:
        return sql.SQL(", ").join(self._each_typed)


def shown_key(key: Key) -> str:
    """As it is written where rows are asked for, and as it is told."""
    return key[0] if len(key) == 1 else msgspec.json.encode(key).decode()


def _asked(keys: Sequence[Key]) -> sql.Composable:
    """SQL of a table `asked` of texts, with a column for each of the key's."""
    turns = range(len(keys[0]))
    arrays = sql.SQL(", ").join(
        sql.SQL("{}::text[]").format(sql.Literal([key[turn] for key in keys])) for turn in turns
    )
    names = sql.SQL(", ").join(sql.SQL(f"k{turn}") for turn in turns)
    return sql.SQL("unnest({}) AS asked ({})").format(arrays, names)


async def in_both(live: Connection, old: Connection, name: str, copy: str) -> OneTable:
    """The table of that name, which must be the same in both; from here on both sessions are pinned.

    RowsError says why rows of it cannot be put side by side.
    """
    named = await _named(live, name)
    await pinned(live)
    await pinned(old)
    here = await _found(live, *named) if named else None
    if here is None:
        raise RowsError(f"there is no table {name} to put rows back into: it takes the whole restore")
    there = await _found(old, here.schema, here.name)
    if there is None:
        raise RowsError(f"{copy} has no table {here.qualified}")
    if here != there:
        raise RowsError(
            f"{here.qualified} is another table in {copy}: {_listed(here)} here, {_listed(there)} there"
        )
    return here


async def triggers(live: Connection, table: OneTable) -> tuple[str, ...]:
    """Names of the triggers that fire when its rows are written."""
    rows = await (await live.execute(_TRIGGERS, (table.identifier.as_string(live),))).fetchall()
    return tuple(name for (name,) in rows)


async def _named(live: Connection, name: str) -> tuple[str, str] | None:
    """Its schema and name, as the search path finds it: written as it is, or quoted as in SQL."""
    quoted = name if '"' in name else sql.Identifier(*name.split(".")).as_string(live)
    try:
        row = await (await live.execute(_NAMED, (quoted,))).fetchone()
    except (errors.InvalidName, errors.SyntaxError, errors.FeatureNotSupported) as error:
        raise RowsError(f"{name} is no name of a table: {error.diag.message_primary}") from None
    return (row[0], row[1]) if row else None


async def _found(connection: Connection, schema: str, name: str) -> OneTable | None:
    row = await (await connection.execute(_FOUND, (schema, name))).fetchone()
    if row is None:
        return None
    columns, key, whole = row
    if not key:
        raise RowsError(f"{schema}.{name} has no primary key: nothing tells its rows apart")
    return OneTable(schema, name, msgspec.convert(columns, tuple[Column, ...]), tuple(key), whole)


def _listed(table: OneTable) -> str:
    columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    return f"{columns} by {', '.join(table.key)}"

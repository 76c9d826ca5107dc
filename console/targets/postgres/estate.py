"""What PostgreSQL keeps of a database outside of it, and no dump of the database brings back."""

import re
from collections.abc import Iterator

from msgspec import Struct
from psycopg import sql

from console.targets.postgres.server import Connection

_SPLIT = re.compile(r'"((?:[^"]|"")*)"|([^,\s]+)')
_LISTS = {
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
}
"""Settings that are lists of names: set from one text, they would be one name with commas in it."""
_ESTATE = """
    SELECT pg_get_userbyid(datdba), datconnlimit, pg_encoding_to_char(encoding),
           concat_ws(' ', datcollate, datctype, to_jsonb(d) ->> 'datlocprovider',
                     coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')),
           spcname, shobj_description(d.oid, 'pg_database'),
           ARRAY(SELECT DISTINCT to_jsonb(ARRAY[coalesce(rolname, ''), privilege_type, is_grantable::text])
                 FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
                 LEFT JOIN pg_roles ON pg_roles.oid = grantee),
           ARRAY(SELECT to_jsonb(ARRAY[coalesce(rolname, ''), split_part(setting, '=', 1),
                                       substr(setting, strpos(setting, '=') + 1)])
                 FROM pg_db_role_setting
                 LEFT JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS setting
                 WHERE setdatabase = d.oid)
    FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = %s
"""


class Estate(Struct, frozen=True):
    """A database as the cluster knows it."""

    owner: str
    limit: int
    """Connections at most; -1 for any number."""
    encoding: str
    locale: str
    tablespace: str
    comment: str | None
    grants: frozenset[tuple[str, str, str]]
    """Role (empty: everybody), privilege, and `true` where the role may pass it on."""
    settings: frozenset[tuple[str, str, str]]
    """Role (empty: everybody), setting, value."""


async def estate(connection: Connection, database: str) -> Estate | None:
    """What the cluster knows of a database; None when there is none of that name."""
    row = await (await connection.execute(_ESTATE, (database,))).fetchone()
    if row is None:
        return None
    owner, limit, encoding, locale, tablespace, comment, grants, settings = row
    return Estate(
        *(owner, limit, encoding, locale, tablespace, comment),
        grants=frozenset(map(tuple, grants)),
        settings=frozenset(map(tuple, settings)),
    )


def handover(wanted: Estate, heir: Estate, database: str) -> Iterator[sql.Composed]:
    """Statements that give `database`, which has the estate `heir`, the one that is wanted.

    Not among them are the comment, because ours says that the database may be dropped, and the limit, because
    one of 0 keeps users out: both change with the name.
    """
    name = sql.Identifier(database)
    yield sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(wanted.owner))
    yield from _grants(wanted, heir, name)
    yield from _settings(wanted, heir, name)


def _grants(wanted: Estate, heir: Estate, name: sql.Identifier) -> Iterator[sql.Composed]:
    for role in sorted({role for role, *_ in heir.grants} | {"", wanted.owner}):
        yield sql.SQL("REVOKE ALL ON DATABASE {} FROM {} CASCADE").format(name, _role(role))
    for role, privilege, passes in sorted(wanted.grants):
        words = sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), name, _role(role))
        yield sql.Composed([words, sql.SQL(" WITH GRANT OPTION" if passes == "true" else "")])


def _settings(wanted: Estate, heir: Estate, name: sql.Identifier) -> Iterator[sql.Composed]:
    for role in sorted({role for role, *_ in heir.settings}):
        yield sql.SQL("{} RESET ALL").format(_whose(role, name))
    for role, setting, value in sorted(wanted.settings):
        yield sql.SQL("{} SET {} TO {}").format(
            _whose(role, name), sql.Identifier(*setting.split(".")), _value(setting, value)
        )


def _whose(role: str, name: sql.Identifier) -> sql.Composable:
    if not role:
        return sql.SQL("ALTER DATABASE {}").format(name)
    return sql.SQL("ALTER ROLE {} IN DATABASE {}").format(sql.Identifier(role), name)


def _role(role: str) -> sql.Composable:
    return sql.Identifier(role) if role else sql.SQL("PUBLIC")


def _value(setting: str, value: str) -> sql.Composable:
    """The value as SET takes it: of a list, each name by itself."""
    if setting.lower() not in _LISTS:
        return sql.Literal(value)
    names = [quoted.replace('""', '"') or plain for quoted, plain in _SPLIT.findall(value)]
    return sql.SQL(", ").join(map(sql.Literal, names or [""]))


def unlike(wanted: Estate, heir: Estate) -> str:
    """What is not the same of two databases, in words; the tablespace, and what goes by name, may differ."""
    for what, one, other in (
        ("owner", wanted.owner, heir.owner),
        ("encoding", wanted.encoding, heir.encoding),
        ("locale", wanted.locale, heir.locale),
    ):
        if one != other:
            return f"its {what} is {other}, not {one}"
    for what, ones, others in (
        ("grants", wanted.grants, heir.grants),
        ("settings", wanted.settings, heir.settings),
    ):
        if odd := sorted(ones ^ others):
            return f"its {what} differ: {' '.join(odd[0])}"
    return ""

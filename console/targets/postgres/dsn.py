"""How to connect to a database: a DSN taken apart, without its password in any message."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from console.targets.source import CannotAskError

Params = dict[str, Any]
"""libpq's connection parameters by their keywords."""

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "application_name": "PGAPPNAME",
}
"""libpq's keywords, and the environment variables that its programs read the same from."""


def parse(dsn: str) -> Params:
    """The parameters in a DSN; CannotAskError, without repeating it, when it cannot be read."""
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.ProgrammingError:
        # The driver's own words would repeat the DSN, and the password in it.
        raise CannotAskError(
            "the DSN cannot be read: write postgresql://user@host:port/database, or key=value pairs"
        ) from None


def place(params: Mapping[str, Any]) -> str:
    """The database's name and address, as far as the DSN says them."""
    name, host, port = (params.get(key) for key in ("dbname", "host", "port"))
    where = f"{host}:{port}" if host and port else host
    return " ".join(word for word in ("database", name, where and f"on {where}") if word)


def variables(params: Mapping[str, Any]) -> dict[str, str]:
    """The environment in which PostgreSQL's own programs connect the same way: nothing of it in any argv."""
    return {name: str(params[key]) for key, name in _VARIABLES.items() if params.get(key) is not None}


def url(params: Mapping[str, Any]) -> str:
    """The same as one address, for programs that know no other form; a socket's folder is a parameter."""
    known = {key: str(params[key]) for key in _VARIABLES if params.get(key) is not None}
    user, password, host, port, name = (
        quote(known.pop(key, ""), safe="") for key in ("user", "password", "host", "port", "dbname")
    )
    if host.startswith("%2F"):
        known["host"], host = str(params["host"]), ""
    who = f"{user}{':' if password else ''}{password}@" if user else ""
    where = f"{host}{':' if port else ''}{port}"
    more = f"?{urlencode(known)}" if known else ""
    return f"postgresql://{who}{where}/{name}{more}"


def in_words(params: Mapping[str, Any], error: psycopg.Error) -> str:
    """What the driver says, in one line that begins with the place and never holds the password."""
    words = f"{place(params)}: {' '.join(str(error).split()) or type(error).__name__}"
    password = params.get("password")
    return words.replace(str(password), "***") if password else words

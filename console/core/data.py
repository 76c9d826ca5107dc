"""What the strategy says of the data: database, cache, backups, points in time, and the loss allowed."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from console.core.fields import Count, Expected, Model, Name, SecretRef, Span, Text, YesNo

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB)")
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


def bytes_of(value: Any) -> int:
    """A size as it is written in a file, `50MB`, in bytes; ValueError when it is none."""
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError("size")
    return round(float(match[1]) * _BYTES[match[2]])


Size = Annotated[
    int,
    BeforeValidator(bytes_of, json_schema_input_type=str),
    Expected("a size above zero such as `200kB`, `50MB` or `2GB`"),
]
"""A number of bytes."""
Rows = Annotated[int, Field(ge=0, strict=True), Expected("a whole number of rows, 0 or more")]
Argv = Annotated[list[str], Field(min_length=1), Expected("a list of words, the program first")]


class Invariant(Model):
    """A question to the data whose right answer is no row at all."""

    title: Text
    sql: Text


class Data(Model):
    """The database, what must be true of it, and which rows are counted to say that none was lost."""

    dsn: SecretRef
    """How the service's data is read; a DSN without a host is asked of the container."""
    admin: SecretRef | None = None
    """DSN of whoever may dump, create and rename databases; None when `dsn` may."""
    container: Text | None = None
    """The container that the server and its programs run in; None when the programs run here."""
    programs: Text | None = None
    """Folder of the server's own programs; found by its version where that is None."""
    tables: dict[Text, Text]
    """Table to its key column."""
    chain: dict[Text, Text] = Field(default_factory=dict)
    """Table to the column that holds ids of transactions on the chain, which no restore takes back."""
    invariants: dict[Name, Invariant] = Field(default_factory=dict)
    may_be_reset: YesNo


class Restart(Model):
    """Commands that stop and start a server, by asking whoever looks after it: `systemctl stop redis`.

    Each returns when that is done. What one of them starts by itself ends with the step.
    """

    stop: Argv
    start: Argv


class Cache(Model):
    """The cache, a Redis."""

    url: SecretRef
    container: Text | None = None
    """The container that the server runs in; None when it runs on a machine."""
    prefixes: list[Text] = Field(default_factory=list)
    """Beginnings of keys that may be invalidated by themselves."""
    scratch_address: Text | None = None
    """Our address as the cache's server reaches it, for a restore that it pulls; None: it cannot."""
    restart: Restart | None = None
    """How it is restarted, for a restore by file; None: by its container, where it runs in one."""


class Recipient(Model):
    """Whom backups are encrypted for, by that program of its own."""

    program: Literal["age", "gpg"]
    key: Text
    """An age recipient (`age1...`), or the fingerprint of a gpg key."""
    identity: SecretRef | None = None
    """File with the private age key, for verifying; gpg asks its own agent."""


class DumpPoint(Model):
    """The restorable point of a code-only rollback is a fresh dump."""

    kind: Literal["dump"]


class ArchivePoint(Model):
    """The restorable point is the archived WAL, seen to reach up to now."""

    kind: Literal["archive"]


class SnapshotPoint(Model):
    """The restorable point is a snapshot that a command of the strategy makes; its last line names it."""

    kind: Literal["command"]
    argv: Argv


Restorable = Annotated[DumpPoint | ArchivePoint | SnapshotPoint, Field(discriminator="kind")]


class Backups(Model):
    """Where backups are kept, and how they are made."""

    folder: Text
    format: Literal["directory", "custom"] = "custom"
    jobs: Count = 2
    """How many tables of a directory are dumped, and how many of either are restored, at once."""
    rate: Size | None = None
    """Bytes a second that a backup may read at most; None: as fast as it can."""
    recipient: Recipient | None = None
    restorable: Restorable = Field(default_factory=lambda: DumpPoint(kind="dump"))
    within: Span = 120.0
    """The time box of the restorable point of a code-only rollback."""
    fresh: Span = 120.0
    """How old it may be at the gate; an older one is made again when everybody has said yes."""


class FilesArchive(Model):
    """Continuous archiving with PostgreSQL's own programs: base backups, and the WAL files since."""

    kind: Literal["files"]
    wal: Text
    """The folder that `archive_command` copies to."""
    bases: Text
    """The folder that base backups lie in."""


class PgBackRest(Model):
    """Continuous archiving by pgBackRest."""

    kind: Literal["pgbackrest"]
    stanza: Text
    config: Text
    """Its configuration file."""
    program: Text = "pgbackrest"


AnyArchive = Annotated[FilesArchive | PgBackRest, Field(discriminator="kind")]


class Recovery(Model):
    """How far back data goes, and how much of it may be lost without asking again."""

    before: Span
    """The recovery point lies so long before the onset."""
    loss_at_most: Rows
    """Rows that the approvers sign away with a plan that does not say otherwise."""

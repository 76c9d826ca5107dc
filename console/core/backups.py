"""Backups as their manifests tell them: what was saved, when, of what, and how one knows that it is whole."""

from typing import Literal

import msgspec
from msgspec import Struct


class FileFacts(Struct, frozen=True):
    """A file of a backup, by its path relative to the backup's folder."""

    path: str
    bytes: int
    sha256: str


class TableFacts(Struct, frozen=True):
    """A table's content at one moment."""

    rows: int
    content: str
    """A hash of all rows that does not depend on their order."""


class DatabaseFacts(Struct, frozen=True, kw_only=True):
    """A database as it was dumped."""

    name: str
    system_identifier: str
    """Names the cluster, as `pg_control_system()` tells it."""
    version: str
    """The server's, `15.18`."""
    bytes: int
    """`pg_database_size()` when the dump began."""
    format: Literal["directory", "custom"]
    tables: dict[str, TableFacts]
    """By qualified name, `public.users`."""


class CacheFacts(Struct, frozen=True, kw_only=True):
    """A cache as it was saved."""

    version: str
    run_id: str
    """Names the server's process, as `INFO` tells it."""
    keys: dict[str, int]
    """Keys of each database, `{"0": 1200}`."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup says of itself; written last, so that a backup without one is none.

    Times are UTC microseconds.
    """

    schema: Literal["warroom.backup/1"] = "warroom.backup/1"
    id: str
    """Also the name of its folder: `20261123T101500.250Z-production-1f9c`."""
    environment: str
    incident: str | None
    """The incident that it was taken in: then it is a way back, never the way to go."""
    began: int
    ends: int
    """The moment that it shows: when its snapshot was taken."""
    finished: int
    database: DatabaseFacts | None
    cache: CacheFacts | None
    inventory: bool = False
    """Whether it holds containers, configuration and logs as they were."""
    files: tuple[FileFacts, ...]
    sealed_for: str | None = None
    """`age age1...` or `gpg FINGERPRINT` when its files are encrypted."""
    journal_seq: int
    journal_head: str

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(file.bytes for file in self.files)


class Proof(Struct, frozen=True):
    """That a backup was restored into a scratch place and found to be what its manifest says."""

    manifest_sha256: str
    at: int
    """UTC microseconds."""
    words: str


class Backup(Struct, frozen=True, kw_only=True):
    """A backup as it lies in its folder."""

    id: str
    manifest: Manifest | None
    """None where it cannot be read: `trouble` says why."""
    proof: Proof | None = None
    """None when it was never verified, or has another manifest since."""
    trouble: str = ""


class Window(Struct, frozen=True):
    """The moments that base backups and archived WAL reach, UTC microseconds; both ends belong to it."""

    begins: int
    ends: int


def encode(manifest: Manifest) -> bytes:
    """The manifest as it is written, for people too."""
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"


def decode(raw: bytes) -> Manifest:
    """The manifest in those bytes; msgspec.DecodeError when they hold none."""
    return msgspec.json.decode(raw, type=Manifest)

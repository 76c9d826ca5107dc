"""What speaks against a backup, before it is restored and after: each reason has a sentence of its own.

Every function answers None when there is nothing against it. The sentences go on from the backup's name.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from console.core.backups import Backup, DatabaseFacts, FileFacts, Manifest, TableFacts
from console.core.format import count, short


def unreadable(backup: Backup) -> str | None:
    """A backup must say of itself what it is."""
    return None if backup.manifest is not None else f"cannot be used: {backup.trouble}"


def damaged(manifest: Manifest, found: Sequence[FileFacts]) -> str | None:
    """Its files must be those of the manifest, byte by byte."""
    there = {file.path: file for file in found}
    listed = {file.path for file in manifest.files}
    for file in manifest.files:
        if (trouble := _of_file(file, there.get(file.path))) is not None:
            return trouble
    if unlisted := sorted(there.keys() - listed):
        return f"holds {unlisted[0]}, which its manifest does not list{_more(unlisted)}"
    return None


def _of_file(listed: FileFacts, found: FileFacts | None) -> str | None:
    if found is None:
        return f"is incomplete: {listed.path}, which its manifest lists, is not there"
    if found.bytes < listed.bytes:
        return f"is truncated: {listed.path} has {found.bytes:,} of {listed.bytes:,} bytes"
    if found.bytes > listed.bytes:
        return f"was added to: {listed.path} has {found.bytes:,} bytes, {listed.bytes:,} when it was made"
    if found.sha256 != listed.sha256:
        return (
            f"was changed after it was made: {listed.path} has SHA-256 {short(found.sha256)}, "
            f"its manifest says {short(listed.sha256)}"
        )
    return None


def empty(database: DatabaseFacts) -> str | None:
    """There must be something in it."""
    if not database.tables:
        return "is empty: it has no table"
    if not any(table.rows for table in database.tables.values()):
        return f"is empty: it has no row in any of its {count(len(database.tables), 'table')}"
    return None


def elsewhere(manifest: Manifest, environment: str) -> str | None:
    """It must have been taken of this environment."""
    if manifest.environment == environment:
        return None
    return f"is of another environment: {manifest.environment}, not {environment}"


def foreign(database: DatabaseFacts, name: str, system_identifier: str) -> str | None:
    """It must have been taken of this database of this server."""
    if database.name != name:
        return f"is of another database: {database.name}, not {name}"
    if database.system_identifier != system_identifier:
        return (
            f"is of a database {name} on another server: that one's system identifier is "
            f"{database.system_identifier}, this one's {system_identifier}"
        )
    return None


def newer(manifest: Manifest, onset: int) -> str | None:
    """What is gone back to must end before the onset (UTC microseconds)."""
    if manifest.ends < onset:
        return None
    return f"ends after the onset: it shows {_moment(manifest.ends)}, the onset is {_moment(onset)}"


def way_back(manifest: Manifest, incident: str) -> str | None:
    """What was saved in an incident is the way back from there, wherever its onset is moved to."""
    if manifest.incident != incident:
        return None
    return f"was taken in this incident, {incident}: it is the way back, never the way to go"


def different(wanted: Mapping[str, TableFacts], found: Mapping[str, TableFacts]) -> str | None:
    """What was restored must be what was saved: the same tables with the same rows."""
    if missing := sorted(wanted.keys() - found.keys()):
        return f"restores without table {missing[0]}{_more(missing)}"
    if extra := sorted(found.keys() - wanted.keys()):
        return f"restores with table {extra[0]}, which was not saved{_more(extra)}"
    if any(table.rows for table in wanted.values()) and not any(table.rows for table in found.values()):
        saved = sum(table.rows for table in wanted.values())
        return f"restores empty: no row in any table instead of {count(saved, 'row')}"
    for name in sorted(wanted):
        if found[name].rows != wanted[name].rows:
            rows = count(found[name].rows, "row")
            return f"restores with {rows} in table {name} instead of {wanted[name].rows}"
    if changed := [name for name in sorted(wanted) if found[name].content != wanted[name].content]:
        return (
            f"restores with other content in table {changed[0]}{_more(changed)}: as many rows, not the same"
        )
    return None


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if names[1:] else ""


def _moment(utc_us: int) -> str:
    return datetime.fromtimestamp(utc_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%SZ")

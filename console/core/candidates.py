"""What the data could go back to: each state with its proof and price, or why it is none. Pure."""

from collections.abc import Iterable, Mapping

from console.core.backups import Backup, Manifest, Window
from console.core.format import size
from console.core.live import Candidate
from console.core.plan import POINT_IN_TIME
from console.core.plan_words import moment
from console.core.state import Incident


def candidates(
    backups: Iterable[Backup],
    window: Window | None,
    incident: Incident | None,
    *,
    before_us: int,
    live_rows: Mapping[str, int] | None,
) -> tuple[Candidate, ...]:
    """Newest first. `before_us`: how long before the onset the strategy goes back; rows as estimates."""
    listed = [_backup(backup, incident, live_rows) for backup in backups]
    if window is not None:
        listed.append(_point(window, incident, before_us))
    return tuple(sorted(listed, key=lambda one: one.ends, reverse=True))


def _backup(backup: Backup, incident: Incident | None, live_rows: Mapping[str, int] | None) -> Candidate:
    manifest, proof = backup.manifest, backup.proof
    if manifest is None:
        return Candidate(backup.id, 0, "", "", backup.trouble, None)
    return Candidate(
        id=backup.id,
        ends=manifest.ends,
        what=_what(manifest),
        proof=f"{proof.words}, at {moment(proof.at)}" if proof else "",
        why_not=_why_not(manifest, incident),
        loss=_written_since(manifest, live_rows) if live_rows is not None else None,
    )


def _what(manifest: Manifest) -> str:
    parts = {"database": manifest.database, "cache": manifest.cache, "inventory": manifest.inventory}
    sealed = [f"encrypted by {manifest.sealed_for.split()[0]}"] if manifest.sealed_for else []
    return ", ".join([*(name for name, there in parts.items() if there), size(manifest.bytes), *sealed])


def _why_not(manifest: Manifest, incident: Incident | None) -> str:
    if manifest.database is None:
        return "it holds no database"
    if incident is None:
        return ""
    if manifest.incident == incident.id:
        return "taken in this incident: the way back from here, not the way to go"
    if manifest.ends >= incident.onset.utc_us:
        return f"it ends at {moment(manifest.ends)}, not before the onset"
    return ""


def _written_since(manifest: Manifest, live_rows: Mapping[str, int]) -> int:
    """Rows that the live tables have more than the backup's: about what was written since."""
    saved = manifest.database.tables if manifest.database else {}
    return sum(
        max(0, rows - (saved[table].rows if table in saved else 0)) for table, rows in live_rows.items()
    )


def _point(window: Window, incident: Incident | None, before_us: int) -> Candidate:
    """The instant that the strategy proposes, where base backups and WAL reach it."""
    point = window.ends if incident is None else incident.onset.utc_us - before_us
    reaches = f"any instant from {moment(window.begins)} on, archived up to {moment(window.ends)}"
    too_old = f"{moment(point)} lies before the first base backup: {reaches}" if point < window.begins else ""
    return Candidate(POINT_IN_TIME, point, reaches, "replayed and compared when it is built", too_old, None)

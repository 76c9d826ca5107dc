"""Backups of an environment file: what their manifests say, and which of them goes with a release. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from console.core.moments import written
from console.core.plan import Release


class EnvManifest(Struct, frozen=True, kw_only=True):
    """What a backup is, written beside it when it is complete."""

    schema: Literal["warroom.env-backup/1"] = "warroom.env-backup/1"
    environment: str
    sha256: str
    """Of the backup, in hex."""
    bytes: int
    mode: str
    """Of the file that was saved, octal: `0600`."""
    taken: int
    """UTC microseconds."""
    keys: tuple[str, ...]
    """Names alone."""
    release: str = ""
    """Tag of the release that ran with it; empty where nobody said."""
    commit: str = ""


class EnvBackup(Struct, frozen=True):
    """A backup, and what is known of it."""

    name: str
    """Of its folder."""
    path: str
    manifest: EnvManifest | None
    trouble: str = ""
    """Why nobody knows what it is; empty where there is a manifest."""


class Judged(Struct, frozen=True):
    """A backup, and whether it can be used."""

    backup: EnvBackup
    fits: bool
    why: str
    keeps: tuple[str, ...] = ()
    """Keys that keep today's values, because they were rotated since."""


class Rules(Struct, frozen=True):
    """What a backup is judged by."""

    target: Release | None
    """The release that is gone back to; None: it stays."""
    running: Release | None
    """The one to get away from."""
    onset: int
    """UTC microseconds."""
    rotated: Mapping[str, int]
    """When each key was rotated last, UTC microseconds."""
    older: Literal["refused", "merged"]
    bad: frozenset[str] = frozenset()
    """Tags of releases that somebody has judged bad."""


def read_manifest(raw: bytes) -> EnvManifest:
    """The manifest in those bytes; msgspec.DecodeError where there is none."""
    return msgspec.json.decode(raw, type=EnvManifest)


def judge(backup: EnvBackup, rules: Rules) -> Judged:
    """Whether it belongs to the target, or ends before the onset and is not the bad release's own."""
    manifest = backup.manifest
    if manifest is None:
        return Judged(backup, fits=False, why=backup.trouble)
    if _is_of(manifest, rules.running) and not _is_of(manifest, rules.target):
        return Judged(backup, fits=False, why=f"it is {manifest.release}'s own, the release to get away from")
    belongs = _is_of(manifest, rules.target)
    if not belongs and manifest.release in rules.bad:
        return Judged(backup, fits=False, why=f"it is {manifest.release}'s, which was judged bad")
    if not belongs and manifest.taken > rules.onset:
        return Judged(backup, fits=False, why=f"taken {written(manifest.taken)}, after the onset")
    since = tuple(sorted(key for key, at in rules.rotated.items() if at > manifest.taken))
    if since and rules.older == "refused":
        words = f"older than the rotation of {', '.join(since)}: it would bring what was rotated back"
        return Judged(backup, fits=False, why=words)
    why = f"it is {manifest.release}'s" if belongs else f"taken {written(manifest.taken)}, before the onset"
    kept = f"; {', '.join(since)} rotated since, today's stay" if since else ""
    return Judged(backup, fits=True, why=f"{why}{kept}", keeps=since)


def choose(backups: Sequence[EnvBackup], rules: Rules) -> tuple[Judged | None, tuple[Judged, ...]]:
    """The newest that fits, the target's own before any other; and all of them judged, newest first."""
    ordered = sorted(backups, key=lambda one: one.manifest.taken if one.manifest else 0, reverse=True)
    judged = tuple(judge(backup, rules) for backup in ordered)
    fit = [one for one in judged if one.fits]
    own = (one for one in fit if one.backup.manifest and _is_of(one.backup.manifest, rules.target))
    return next(own, next(iter(fit), None)), judged


def _is_of(manifest: EnvManifest, release: Release | None) -> bool:
    """By its commit where the manifest names one: a tag can be given away again."""
    if release is None:
        return False
    if manifest.commit:
        return release.commit.startswith(manifest.commit)
    return bool(manifest.release) and manifest.release == release.tag

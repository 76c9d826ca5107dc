"""The vault: the folder of backups, each whole with a manifest, or set aside and said to be none."""

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from console.core.backups import Backup, FileFacts, Manifest, Proof, decode, encode
from console.core.errors import StatedError

MANIFEST = "manifest.json"
PROOF = "proof.json"
PARTIAL = ".partial"
"""Ends the name of a folder whose backup is not complete."""
_PIECE = 1 << 20


class VaultError(StatedError):
    """A backup cannot be kept, or is not what it says; one line."""


class Vault:
    """Backups in one folder, a folder each; only the owner may read them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, backup_id: str) -> Path:
        """Make the folder of a backup that is not complete yet; VaultError when there is no place for it.

        A name that a complete one has is refused now: at the end, all the work would have been for nothing.
        """
        path = self.folder / f"{backup_id}{PARTIAL}"
        if self.path(backup_id).exists():
            raise VaultError(f"there is a backup {backup_id} already: retry, its name tells the millisecond")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        except OSError as error:
            raise VaultError(f"cannot make {path}: {error.strerror}") from error
        return path

    def finish(self, manifest: Manifest) -> Backup:
        """Write the manifest and give the folder its name: from now on, and not before, it is a backup."""
        partial, path = self.folder / f"{manifest.id}{PARTIAL}", self.path(manifest.id)
        try:
            _write(partial / MANIFEST, encode(manifest))
            for name in _files(partial):
                _sync(partial / name)
            partial.rename(path)
            _sync(self.folder)
        except OSError as error:
            raise VaultError(f"cannot complete {path}: {error.strerror}") from error
        return Backup(id=manifest.id, manifest=manifest)

    def path(self, backup_id: str) -> Path:
        """The folder of a complete backup."""
        return self.folder / backup_id

    def partial(self, backup_id: str) -> Path | None:
        """The folder of one that was begun and not finished; None when there is none."""
        path = self.folder / f"{backup_id}{PARTIAL}"
        return path if path.is_dir() else None

    def begun(self) -> tuple[str, ...]:
        """Ids of all that were begun and are not finished, by whomever."""
        return tuple(path.name.removesuffix(PARTIAL) for path in self.folder.glob(f"*{PARTIAL}"))

    def discard(self, backup_id: str) -> None:
        """Remove what was begun and cannot be finished; nothing that is complete is ever removed here."""
        if (partial := self.partial(backup_id)) is not None:
            shutil.rmtree(partial)

    def backups(self) -> tuple[Backup, ...]:
        """Every complete backup, oldest first; one whose manifest cannot be read says so."""
        if not self.folder.is_dir():
            return ()
        names = (entry.name for entry in self.folder.iterdir() if entry.is_dir())
        return tuple(self.get(name) for name in sorted(names) if not name.endswith(PARTIAL))

    def get(self, backup_id: str) -> Backup:
        """One backup; VaultError when there is none of that name."""
        path = self.path(backup_id)
        if not path.is_dir() or path.parent != self.folder:
            raise VaultError(f"there is no backup {backup_id} in {self.folder}")
        try:
            raw = (path / MANIFEST).read_bytes()
            manifest = decode(raw)
        except FileNotFoundError:
            return Backup(id=backup_id, manifest=None, trouble="it has no manifest: it was never completed")
        except (OSError, msgspec.DecodeError) as error:
            return Backup(id=backup_id, manifest=None, trouble=f"its manifest cannot be read: {error}")
        if manifest.id != backup_id:
            return Backup(id=backup_id, manifest=None, trouble=f"its manifest is that of {manifest.id}")
        return Backup(id=backup_id, manifest=manifest, proof=_proof(path, _sha256(raw)))

    def digest(self, backup_id: str) -> str:
        """SHA-256 of the manifest that the backup has now, in hex; VaultError when it cannot be read."""
        path = self.path(backup_id) / MANIFEST
        try:
            return _sha256(path.read_bytes())
        except OSError as error:
            raise VaultError(f"cannot read {path}: {error.strerror}") from error

    def prove(self, backup_id: str, at: int, words: str) -> None:
        """Note that the backup was verified with the manifest that it has now."""
        path = self.path(backup_id)
        proof = Proof(_sha256((path / MANIFEST).read_bytes()), at, words)
        try:
            _write(path / PROOF, msgspec.json.encode(proof))
        except OSError as error:
            raise VaultError(f"cannot write {path / PROOF}: {error.strerror}") from error


def facts_of(
    folder: Path, on_bytes: Callable[[int], None] | None = None, only: Collection[str] | None = None
) -> tuple[FileFacts, ...]:
    """Every file below `folder`, or `only` those, hashed; `on_bytes` hears how much has been read.

    Blocks: for a thread.
    """
    names = (name for name in _files(folder) if only is None or name in only)
    return tuple(_facts(folder, name, on_bytes) for name in names)


def _facts(folder: Path, name: str, on_bytes: Callable[[int], None] | None) -> FileFacts:
    digest, size = hashlib.sha256(), 0
    with (folder / name).open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            if on_bytes:
                on_bytes(len(piece))
    return FileFacts(name, size, digest.hexdigest())


def _files(folder: Path) -> Iterator[str]:
    """Relative paths of all files of a backup's content, sorted."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return iter(sorted(str(path) for path in found if str(path) not in (MANIFEST, PROOF)))


def _proof(path: Path, manifest_sha256: str) -> Proof | None:
    try:
        proof = msgspec.json.decode((path / PROOF).read_bytes(), type=Proof)
    except (OSError, msgspec.DecodeError):  # then it has not been proven as far as anybody can tell
        return None
    return proof if proof.manifest_sha256 == manifest_sha256 else None


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + PARTIAL)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The environment file of a deployment: read, saved with a manifest, swapped by rename.

Its values stay in it. Files that are made here are closed to others from their first byte. A swap that is cut
off leaves the file as it was, and beside it what was being written, which the next one removes.
"""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.env_backups import EnvBackup, EnvManifest, read_manifest
from console.core.env_file import EnvFile, EnvFileError, parse
from console.core.env_rules import EnvironmentFile
from console.core.errors import StatedError

MANIFEST = "manifest.json"
LARGEST = 1 << 20
"""Bytes of the largest file that is read."""
_PARTIAL = ".warroom-partial"
_STAR = re.compile(r"\*")


class EnvError(StatedError):
    """The environment file or a backup of it is not as it must be; one line, without any value."""


class Current(Struct, frozen=True):
    """The file as it is now."""

    raw: bytes
    sha256: str
    mode: int
    owner: int
    group: int


class EnvFiles:
    """One environment file and its backups."""

    def __init__(self, rules: EnvironmentFile, base: Path, register: Callable[[str, str], None]) -> None:
        """Paths are relative to `base`. `register` is told each key and value, to keep it out of all else."""
        self.rules = rules
        self.path = _followed(base / rules.path)
        self._pattern = base / rules.backups
        self._register = register

    # -- reading ------------------------------------------------------------------------------------

    def current(self) -> Current:
        """The file as it is; EnvError where it cannot be read."""
        try:
            with self.path.open("rb") as file:
                raw, status = file.read(LARGEST + 1), os.fstat(file.fileno())
        except OSError as error:
            raise EnvError(f"{self.path} cannot be read: {error.strerror}") from None
        return Current(raw, digest(raw), status.st_mode & 0o7777, status.st_uid, status.st_gid)

    def parsed(self, raw: bytes, place: Path) -> EnvFile:
        """What the bytes of a file at `place` hold; every value is kept out of all that is written."""
        if len(raw) > LARGEST:
            raise EnvError(f"{place} is larger than {LARGEST // 1024} KiB: is it the right file?")
        try:
            found = parse(raw.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise EnvError(f"{place} is not UTF-8") from None
        except EnvFileError as error:
            raise EnvError(f"{place}, {error}") from None
        for key, value in found.values.items():
            self._register(key, value)
        return found

    def backups(self) -> tuple[EnvBackup, ...]:
        """Every backup that lies where the strategy says, in order of their folders' names."""
        folder, name = self._pattern.parent, self._pattern.name
        found = sorted(folder.parent.glob(f"{_quoted(folder.name)}/{_quoted(name)}"))
        return tuple(_known(path) for path in found)

    def read(self, path: Path, sha256: str) -> bytes:
        """A backup whose bytes are what its manifest says; EnvError otherwise."""
        raw = self.bytes_of(path)
        if digest(raw) != sha256:
            raise EnvError(f"{path} is not what its manifest says (SHA-256): use another backup")
        return raw

    def bytes_of(self, path: Path) -> bytes:
        """What a file holds that is kept beside; EnvError where it cannot be read."""
        try:
            return path.read_bytes()
        except OSError as error:
            raise EnvError(f"{path} cannot be read: {error.strerror}") from None

    def backup_path(self, name: str) -> Path:
        """Where the backup of that name lies."""
        return self._pattern.parent.with_name(_STAR.sub(name, self._pattern.parent.name)) / self._pattern.name

    # -- writing ------------------------------------------------------------------------------------

    def save(self, name: str, manifest: EnvManifest, raw: bytes) -> Path:
        """Write a backup, its manifest last: without one it is none. Again: no second effect."""
        path = self.backup_path(name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _written(path, raw, 0o600)
            encoded = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
            _written(path.with_name(MANIFEST), encoded, 0o600)
        except OSError as error:
            raise EnvError(f"{path} cannot be written: {error.strerror}") from None
        return path

    def swap(self, content: bytes, expected: str, kept: Path) -> None:
        """Put `content` in the file's place, with its owner and mode; what it held stays as `kept`.

        Raises EnvError, with the file as it was, where it is not the `expected` one (SHA-256) any more.
        """
        now = self.current()
        if now.sha256 != expected:
            raise EnvError(f"{self.path} was changed by somebody since the plan was made: plan again")
        partial = self.path.with_name(f"{self.path.name}{_PARTIAL}")
        try:
            self._keep(kept, now)
            _prepared(partial, content, now)
            partial.replace(self.path)
            _synced(self.path.parent)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise EnvError(f"{self.path} is as it was: {error.filename}: {error.strerror}") from None

    def _keep(self, kept: Path, now: Current) -> None:
        """The very file under another name; one that is there already must hold the same."""
        try:
            os.link(self.path, kept)
        except FileExistsError:
            if digest(kept.read_bytes()) != now.sha256:
                raise EnvError(f"{kept} is there already and holds something else: move it away") from None
        _synced(kept.parent)


def digest(raw: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(raw).hexdigest()


def _known(path: Path) -> EnvBackup:
    manifest, name = path.with_name(MANIFEST), path.parent.name
    try:
        return EnvBackup(name, str(path), read_manifest(manifest.read_bytes()))
    except FileNotFoundError:
        return EnvBackup(name, str(path), None, "it has no manifest: nobody knows whose it is, and from when")
    except OSError as error:
        return EnvBackup(name, str(path), None, f"its manifest cannot be read: {error.strerror}")
    except msgspec.DecodeError:
        return EnvBackup(name, str(path), None, "its manifest is none")


def _followed(path: Path) -> Path:
    """The file itself, where the name is a link: a rename would put a file in the link's place."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise EnvError(f"{path} cannot be followed: {error}") from None


def _quoted(name: str) -> str:
    """A pattern in which the star alone means something."""
    return "*".join(re.sub(r"([\[\]?])", r"[\1]", part) for part in name.split("*"))


def _prepared(partial: Path, content: bytes, like: Current) -> None:
    """The new file, whole and on the disk, beside the old one."""
    _written(partial, content, 0o600, replace=False)
    if (os.geteuid(), os.getegid()) != (like.owner, like.group):
        os.chown(partial, like.owner, like.group)
    partial.chmod(like.mode)


def _written(path: Path, content: bytes, mode: int, *, replace: bool = True) -> None:
    """A file of that content, on the disk; with `replace`, at its name only when it is whole."""
    place = path.with_name(f"{path.name}{_PARTIAL}") if replace else path
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        place.replace(path)
        _synced(path.parent)


def _synced(folder: Path) -> None:
    """Names in a folder outlive a loss of power only when the folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

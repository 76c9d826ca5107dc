"""The folder of a drill: what lies where in it, what of it lies elsewhere, and that it is a drill's."""

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from console.core.errors import StatedError

VARIABLE = "WARROOM_DRILL"
"""Environment variable that every process of a drill carries: the drill's folder."""


class DrillError(StatedError):
    """The rehearsal world cannot be built or run."""


class Marker(Struct, frozen=True):
    """Content of the file that tells a drill's folder from any other."""

    outside: tuple[str, ...] = ()
    """Folders of this drill that lie elsewhere, noted before they are made."""
    socket: str | None = None
    """Where its keeper can be asked."""
    schema: str = "warroom.drill-folder/1"


class Place:
    """Names of everything in a drill's folder; `root` is resolved, so that one folder has one name."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.marker = self.root / ".warroom-drill"
        self.lock = self.root / "lock"
        self.log = self.root / "keeper.log"
        self.world = self.root / "world.json"
        self.remote = self.root / "remote.git"
        self.releases = self.root / "releases.yaml"
        self.clone = self.root / "clone"
        self.worktrees = self.root / "worktrees"
        self.compose = self.root / "compose"
        self.deploys = self.root / "deploys.jsonl"
        self.users = self.root / "users.jsonl"
        self.acknowledged = self.root / "acknowledged.jsonl"
        self.seeds = self.root / "seeds.txt"
        self.flags = self.root / "flags.toml"
        self.certificates = self.root / "certificates"
        self.backups = self.root / "backups"
        self.env_backups = self.root / "env-backups"
        self.secrets = self.root / "secrets"
        self.logs = self.root / "logs"
        self.postgres = self.root / "postgres"
        self.redis = self.root / "redis"
        self._noted: Marker | None = None
        """What we have noted ourselves: remembered, should the folder be removed under us."""

    def claim(self) -> None:
        """Make the folder a drill's; DrillError when it holds something that no drill has made."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if self.marker.exists():
                return
            if any(self.root.iterdir()):
                raise DrillError(f"{self.root} is not empty and no drill made it: name a new or empty folder")
            self._note(Marker())
        except OSError as error:
            raise DrillError(f"no drill in {self.root}: {error.strerror}; name another folder") from error

    def clear(self) -> None:
        """Remove what an earlier world of this folder consisted of; keepers' log and foreign files stay."""
        self.clear_data()
        git = (self.remote, self.releases, self.clone, self.worktrees, self.compose)
        told = (self.deploys, self.users, self.acknowledged, self.seeds, self.flags, self.certificates)
        for path in (self.world, self.logs, self.backups, self.env_backups, *told, *git):
            _remove(path)

    def clear_data(self) -> None:
        """Remove the servers' data and the secrets for it, of no use once the servers have ended."""
        for path in (self.postgres, self.redis, self.secrets):
            _remove(path)

    def noted(self) -> Marker:
        """What of this drill lies elsewhere, whether or not it still exists."""
        if self._noted is not None:
            return self._noted
        try:
            return msgspec.json.decode(self.marker.read_bytes(), type=Marker)
        except FileNotFoundError:
            return Marker()
        except msgspec.DecodeError as error:
            raise DrillError(f"{self.marker} is not a drill's ({error}): remove the folder") from error

    def note_socket(self, socket: Path) -> None:
        """Note where the keeper can be asked, before it can."""
        self._note(replace(self.noted(), socket=str(socket)))

    def make_outside(self, base: Path, mode: int) -> Path:
        """Make a folder of our own below `base`, empty; it is noted before it exists."""
        path = base / self._outside_name
        self._note(replace(self.noted(), outside=(str(path),)))
        if path.exists() or path.is_symlink():
            self._remove_outside(path)
        path.mkdir()
        path.chmod(mode)
        return path

    def clear_outside(self) -> None:
        """Remove what lies elsewhere."""
        noted = self.noted()
        for name in noted.outside:
            if Path(name).exists():
                self._remove_outside(Path(name))
        if noted.socket is not None:
            _remove_socket(Path(noted.socket))
        self._note(Marker())

    @property
    def _outside_name(self) -> str:
        """Name for a folder that lies elsewhere: no other drill's folder has the same."""
        return f"warroom-drill-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]}"

    def _remove_outside(self, path: Path) -> None:
        """Remove it if it is what we would have made there, and nothing else: the note may be forged."""
        found = path.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not ours or path.name != self._outside_name:
            raise DrillError(f"{path} is in the way and was not made by this drill: remove it")
        shutil.rmtree(path)

    def _note(self, marker: Marker) -> None:
        self._noted = marker
        write_atomically(self.marker, msgspec.json.encode(marker))


def one_line(error: Exception) -> str:
    """What an error says, without its line breaks; its kind when it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file whole, readable by its owner only: nobody ever reads half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_socket(socket: Path) -> None:
    """Remove a keeper's socket and the folder that it had for itself; nothing else, were it noted."""
    if socket.is_socket():
        socket.unlink()
        with suppress(OSError):  # somebody has put something else there: not ours to remove
            socket.parent.rmdir()

"""Who may open what lies in an environment's state folder, and renames that survive a power failure.

Nobody but the account that we run under, unless engine and consoles have accounts of their own: then the
engine's group reads what consoles need, and leaves requests and bells in folders made for that.
"""

import errno
import os
import stat
from pathlib import Path

GROUP_AND_OTHERS = 0o077


class Sharing:
    """One account for everything: whoever makes a file or a folder is the only one to open it."""

    file = 0o600
    """Of a file that consoles read, or leave for the engine."""
    folder = 0o700
    """Of a folder that consoles read."""
    box = 0o700
    """Of a folder that consoles put something into."""
    door = 0o600
    """Of a socket."""

    def make_folder(self, folder: Path) -> None:
        """See that `folder` is there, with no more rights for others than it has here. OSError too."""
        self._make(folder, self.folder)

    def make_box(self, folder: Path) -> None:
        """The same for a folder that consoles put something into."""
        self._make(folder, self.box)

    def _make(self, folder: Path, mode: int) -> None:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        if folder.stat().st_mode & GROUP_AND_OTHERS:
            folder.chmod(mode)

    def open(self, path: Path | str, flags: int) -> int:
        """Descriptor of a file, made where it is missing and where `flags` allow that. OSError too."""
        return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, self.file)


class Host(Sharing):
    """The engine's, where consoles have other accounts: its group reads, and puts into boxes.

    The sticky bit keeps what one account has put into a box from the others, the setgid bit gives it to the
    group, so that the engine can read it. Modes are set whatever the umask is.
    """

    file = 0o640
    folder = 0o2750
    box = 0o3770
    door = 0o660

    def _make(self, folder: Path, mode: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A member of the group could have put a link there to have something else of ours opened.
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(handle).st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "it belongs to another account", str(folder))
            self._give(handle, mode)
        finally:
            os.close(handle)

    def open(self, path: Path | str, flags: int) -> int:
        """Descriptor of a file that the group can read from now on."""
        handle = super().open(path, flags)
        try:
            self._give(handle, self.file)
        except OSError:
            os.close(handle)
            raise
        return handle

    def _give(self, handle: int, mode: int) -> None:
        """To the group that we run under. The mode comes last: a change of group clears bits of it."""
        found = os.fstat(handle)
        if found.st_gid != os.getegid():
            os.fchown(handle, -1, os.getegid())
        if stat.S_IMODE(found.st_mode) != mode or found.st_gid != os.getegid():
            os.fchmod(handle, mode)


class Guest(Host):
    """A console's, where the engine has another account: it makes files in boxes, and never a folder."""

    def make_folder(self, folder: Path) -> None:
        """Nothing: the engine makes its folders. FileNotFoundError where it has not yet."""
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no engine has run here yet", str(folder))

    def make_box(self, folder: Path) -> None:
        """The same: a box is the engine's, whoever fills it."""
        self.make_folder(folder)

    def _give(self, handle: int, mode: int) -> None:
        # The group is that of the box; ours may be another.
        os.fchmod(handle, mode)


PRIVATE = Sharing()
HOST = Host()
GUEST = Guest()


def sync_folder(folder: Path) -> None:
    """Return when names that were made, changed or removed in `folder` are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

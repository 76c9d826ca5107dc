"""Where files are: XDG folders, a private folder for sockets, and where the strategy is looked for."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from platformdirs import user_config_path, user_state_path

from console.core.errors import StatedError
from console.core.format import count

APP = "warroom"
BUNDLED = Path(__file__).parent / "bundled"
"""The files that come with the program: strategy.yaml and roster.yaml."""
SOCKET_PATH_BYTES = 107
"""The longest path a Unix socket can have on Linux."""
SOCKET_NAME_BYTES = 24
"""The longest name of a socket in a runtime folder."""


class PathError(StatedError):
    """A folder that cannot be used."""


def state_dir(environment: str) -> Path:
    """The folder of an environment's journal, inbox and output, made (0700) where it is missing.

    Raises PathError when it cannot be made or belongs to somebody else.
    """
    return _private(state_path(environment))


def state_path(environment: str) -> Path:
    """Where that folder is; it need not exist."""
    return user_state_path(APP) / environment


def config_dir() -> Path:
    """The person's own configuration folder; it need not exist."""
    return user_config_path(APP)


def strategy_path(flag: Path | None = None) -> Path:
    """The strategy file: the one named, WARROOM_STRATEGY, ./strategy.yaml, the person's own, the bundled one.

    What is named by flag or variable is returned even where it is missing, so that its absence is an error.
    """
    if flag is not None:
        return flag
    if named := os.environ.get("WARROOM_STRATEGY"):
        return Path(named)
    own = (Path("strategy.yaml"), config_dir() / "strategy.yaml")
    return next((path for path in own if path.exists()), BUNDLED / "strategy.yaml")


def roster_path(strategy: Path, flag: Path | None = None) -> Path:
    """The roster file: the one named, WARROOM_ROSTER, or roster.yaml beside the strategy.

    Nothing else stands in for a missing one: a roster of placeholders must not authorise anybody by accident.
    """
    if flag is not None:
        return flag
    if named := os.environ.get("WARROOM_ROSTER"):
        return Path(named)
    return strategy.parent / "roster.yaml"


def runtime_dir(key: str) -> Path:
    """A folder (0700, ours) for the sockets of whatever `key` names; the same key gives the same folder.

    It lies below XDG_RUNTIME_DIR, or below the temporary folder where that is unset, not ours to write to,
    or so long that a socket's path would not fit. Raises PathError when no place will do.
    """
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    for base in _runtime_bases():
        if len(os.fsencode(base / name)) + 1 + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES:
            return _private(_private(base) / name)
    raise PathError("no folder for sockets: XDG_RUNTIME_DIR and TMPDIR are both too long; set a shorter one")


def in_state(sockets: Path) -> Path:
    """The same for several accounts: `sockets`, a folder of the state folder that the engine makes.

    Raises PathError when a socket's path would not fit.
    """
    long = len(os.fsencode(sockets)) + 1 + SOCKET_NAME_BYTES - SOCKET_PATH_BYTES
    if long > 0:
        raise PathError(f"{sockets}: {count(long, 'byte')} too long for sockets in it: shorten `state`")
    return sockets


def _runtime_bases() -> list[Path]:
    """Folders that may hold ours, best first; each with our own name at its end."""
    bases = [Path(tempfile.gettempdir()).absolute() / f"{APP}-{os.getuid()}"]
    given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if given.is_absolute() and _is_ours(given):
        bases.insert(0, given / APP)
    return bases


def _is_ours(folder: Path) -> bool:
    """Whether we may write there and it is ours: root would leave folders that their owner cannot use."""
    with suppress(OSError):
        return folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK | os.X_OK)
    return False


def _private(folder: Path) -> Path:
    """`folder`, made where it is missing, with nobody but us able to look into it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise PathError(f"{folder}: cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise PathError(f"{folder}: not a folder; move it away")
    if found.st_uid != os.getuid():
        raise PathError(f"{folder}: belongs to user {found.st_uid}, not to us; remove it")
    if found.st_mode & 0o077:
        folder.chmod(0o700)
    return folder

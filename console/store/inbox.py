"""The inbox: a folder with one file for each request that no engine has answered yet.

A file is written below `tmp`, synced, and renamed to a name that sorts by arrival, so that the engine never
sees half a request. What is not a request at all goes to `refused`, where it is left for a person to look at.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from msgspec import Struct

from console.core import requests
from console.core.errors import StatedError
from console.core.requests import MAX_REQUEST_BYTES, Request
from console.store.private import PRIVATE, Sharing, sync_folder

TMP, REFUSED = "tmp", "refused"
NAME = re.compile(r"(?P<arrival>\d{20})-(?P<id>[0-9A-Za-z-]{1,64})\.json")


class InboxError(StatedError):
    """A request could not be left; the message is the one line a user sees."""


class Taken(Struct, frozen=True):
    """A file of the inbox, as the engine finds it: a request, or the reason why it is none."""

    path: Path
    id: str
    """The request's id by its file's name, to answer what cannot be decoded too; empty for a foreign file."""
    request: Request | None
    reason: str = ""
    aside: bool = False
    """Whether it was no request by its name, kind or size, and was moved to `refused`."""


class FolderInbox:
    """The console's end puts, the engine's end takes."""

    def __init__(
        self, folder: Path, ring: Callable[[], object] = lambda: None, sharing: Sharing = PRIVATE
    ) -> None:
        """`ring` is called after each put, to wake the engine."""
        self._folder = folder
        self._sharing = sharing
        self._ring = ring
        self._arrival = 0
        self._stuck: set[str] = set()

    def put(self, request: Request) -> None:
        """Leave a request: on disk, whole, when this returns; then rings the engine.

        Raises InboxError when it is larger than 64 KiB, its id is no name, or the disk refuses.
        """
        # Two requests of one console keep their order even if the wall clock is moved between them.
        self._arrival = max(self._arrival + 1, request.at.utc_us)
        name = f"{self._arrival:020d}-{request.id}.json"
        if not NAME.fullmatch(name):
            raise InboxError(f"request id {request.id!r}: use letters, digits and hyphens, at most 64")
        try:
            self._write(name, requests.encode(request))
        except ValueError as error:
            raise InboxError(str(error)) from error
        except OSError as error:
            raise InboxError(f"{self._folder}: the request could not be left: {error.strerror}") from error
        self._ring()

    def _write(self, name: str, raw: bytes) -> None:
        folder = self._folder
        self._sharing.make_box(folder)
        self._sharing.make_box(folder / TMP)
        unborn = folder / TMP / name
        try:
            handle = self._sharing.open(unborn, os.O_WRONLY | os.O_EXCL)
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            unborn.rename(folder / name)
        except OSError:
            unborn.unlink(missing_ok=True)
            raise
        sync_folder(folder)

    def pending(self) -> Sequence[str]:
        """Ids of requests that nobody has taken yet, in order of arrival."""
        return [match["id"] for name in self._names() if (match := NAME.fullmatch(name))]

    def take_all(self) -> list[Taken]:
        """All there is, in order of arrival; each stays in its place until it is `done`: a crash loses none.

        A file that is no request by name, kind or size is moved to `refused` and told once.
        """
        found = (self._take(name) for name in self._names() if name not in self._stuck)
        return [taken for taken in found if taken is not None]

    def done(self, taken: Taken) -> None:
        """The request is answered, on disk: forget its file. What was set aside stays there."""
        if not taken.aside:
            taken.path.unlink(missing_ok=True)

    def _names(self) -> list[str]:
        """Names in the folder, by arrival; none while there is no folder."""
        try:
            return sorted(path.name for path in self._folder.iterdir() if path.name not in (TMP, REFUSED))
        except FileNotFoundError:
            return []

    def _take(self, name: str) -> Taken | None:
        path = self._folder / name
        match = NAME.fullmatch(name)
        if match is None:
            return self._set_aside(path, "its name is not that of a request")
        try:
            raw = _read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._set_aside(path, str(error.strerror))
        try:
            request = requests.decode(raw)
        except (ValueError, RecursionError) as error:
            return Taken(path, match["id"], None, " ".join(str(error).split()))
        if request.id != match["id"]:
            return Taken(path, match["id"], None, "its id is not that of its file's name")
        return Taken(path, request.id, request)

    def _set_aside(self, path: Path, reason: str) -> Taken:
        """Move a foreign file out of the way; where even that fails, it is passed over from now on."""
        safe = re.sub(r"[^0-9A-Za-z._-]", "_", path.name)[:100]
        refuge = self._folder / REFUSED / f"{safe}.{uuid4().hex[:8]}"
        try:
            self._sharing.make_folder(refuge.parent)
            path.rename(refuge)
        except OSError as error:
            self._stuck.add(path.name)
            reason = f"{reason}; it could not be moved away: {error.strerror}"
            return Taken(path, "", None, f"{safe}: {reason}", aside=True)
        return Taken(refuge, "", None, f"{safe}: {reason}", aside=True)


def _read(path: Path) -> bytes:
    """The bytes of a plain file of at most 64 KiB, else OSError; follows no link and waits for no pipe."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        raw = file.read(MAX_REQUEST_BYTES + 1)
    if len(raw) > MAX_REQUEST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MAX_REQUEST_BYTES} bytes")
    return raw

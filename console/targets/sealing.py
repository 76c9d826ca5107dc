"""How files of a backup are written and read: as they are, or encrypted on the way by age or gpg."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

from console.core.data import Recipient
from console.core.errors import StatedError
from console.targets.handover import drawn, poured
from console.targets.process import CHUNK, Finished, Programs
from console.targets.shell import Sink

_PACKAGE = {"age": "age", "gpg": "gnupg"}
_GPG = ("--batch", "--no-tty", "--quiet")


class SealError(StatedError):
    """A file of a backup cannot be written, encrypted, or read again; one line with the reason."""


class Sealing(Protocol):
    """Writes and reads the files of a backup."""

    @property
    def words(self) -> str | None:
        """For whom files are encrypted, `age age1...`, as a manifest names it; None: they are not."""
        ...

    def named(self, name: str) -> str:
        """What a file is called once it is written: encrypted ones say by what."""
        ...

    def writing(self, path: Path, *, limit_s: float) -> AbstractAsyncContextManager[Sink]:
        """A sink for the content of `path`, which is whole when the block has ended without an error.

        Raises SealError when it cannot be written, from the sink or at the end.
        """
        ...

    def open(self, path: Path, *, limit_s: float) -> AsyncGenerator[bytes, None]:
        """The content of `path` in pieces; SealError when it cannot be read to its end."""
        ...


class Unsealed:
    """Files as they are."""

    words: str | None = None

    def named(self, name: str) -> str:
        """Its own name."""
        return name

    @asynccontextmanager
    async def writing(
        self,
        path: Path,
        *,
        limit_s: float,  # noqa: ARG002 - no program runs here
    ) -> AsyncIterator[Sink]:
        """Write it piece by piece."""
        with _stated("write", path):
            file = path.open("xb", 0)
        with file:

            async def sink(piece: bytes) -> None:
                with _stated("write", path):
                    await asyncio.to_thread(_write, file.fileno(), piece)

            yield sink

    async def open(
        self,
        path: Path,
        *,
        limit_s: float,  # noqa: ARG002 - no program runs here
    ) -> AsyncGenerator[bytes, None]:
        """Read it piece by piece."""
        with _stated("read", path), path.open("rb", 0) as file:
            while piece := await asyncio.to_thread(file.read, CHUNK):
                yield piece


class Seal:
    """Files encrypted for one recipient on the way: what is not encrypted never touches a disk."""

    def __init__(
        self, programs: Programs, recipient: Recipient, identity: Callable[[], str] | None = None
    ) -> None:
        """`identity` is asked for the private age key when something is opened; gpg asks its own agent."""
        self._programs = programs
        self._recipient = recipient
        self._identity = identity

    @property
    def words(self) -> str | None:
        """Program and key."""
        return f"{self._recipient.program} {self._recipient.key}"

    def named(self, name: str) -> str:
        """With the program as the ending, which is what both give their files."""
        return f"{name}.{self._recipient.program}"

    @asynccontextmanager
    async def writing(self, path: Path, *, limit_s: float) -> AsyncIterator[Sink]:
        """Encrypt what comes into `path`."""

        async def encrypt(pieces: AsyncIterator[bytes]) -> None:
            finished = await self._programs.run(self._encrypting(path), limit_s=limit_s, source=pieces)
            self._raise(finished, f"cannot encrypt {path}")

        async with poured(encrypt) as sink:
            yield sink

    async def open(self, path: Path, *, limit_s: float) -> AsyncGenerator[bytes, None]:
        """Decrypt it; the private key goes through a pipe, and neither to a disk nor into an argument."""

        async def decrypt(sink: Sink) -> None:
            argv, key = self._decrypting(path)
            finished = await self._programs.run(argv, limit_s=limit_s, stdin=key, sink=sink)
            self._raise(finished, f"cannot decrypt {path}")

        async for piece in drawn(decrypt):
            yield piece

    def _encrypting(self, path: Path) -> tuple[str, ...]:
        program, key = self._program(), self._recipient.key
        if self._recipient.program == "age":
            return (program, "--encrypt", "--recipient", key, "--output", str(path))
        # A dump is compressed already; the key is named by its fingerprint, which is all the trust it needs.
        trust = ("--trust-model", "always", "--compress-algo", "none")
        return (program, *_GPG, *trust, "--recipient", key, "--output", str(path), "--encrypt")

    def _decrypting(self, path: Path) -> tuple[tuple[str, ...], bytes | None]:
        """The command, and what it is given as its input."""
        program = self._program()
        if self._recipient.program == "gpg":
            return (program, *_GPG, "--decrypt", str(path)), None
        if self._identity is None:
            raise SealError(
                f"cannot decrypt {path}: name the private key in `backups.recipient.identity`, "
                "or verify it where that key is"
            )
        return (program, "--decrypt", "--identity", "-", str(path)), self._identity().encode()

    def _program(self) -> str:
        name = self._recipient.program
        if (path := shutil.which(name)) is None:
            raise SealError(f"backups are encrypted by {name}, which is not here: install {_PACKAGE[name]}")
        return path

    def _raise(self, finished: Finished, what: str) -> None:
        if finished.code:
            raise SealError(f"{what}: {_fault(finished)}")


def _fault(finished: Finished) -> str:
    """What the program names as its reason; age ends with an invitation to report a bug."""
    lines = [line for line in finished.err.splitlines() if "report unexpected" not in line and line.strip()]
    return lines[0].strip() if lines else finished.reason


@contextmanager
def _stated(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SealError(f"cannot {what} {path}: {error.strerror}") from error


def _write(descriptor: int, piece: bytes) -> None:
    """All of it: the system may take less at once, for instance all that a full disk has room for."""
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]

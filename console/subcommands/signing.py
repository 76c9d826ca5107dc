"""Signing on the command line: the key that is asked for, the terminal that it is asked at, what is read."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from console.authority.ssh import NAMESPACE, SignatureError
from console.authority.ssh import sign as sign_text
from console.config.roster import load_roster
from console.core.format import plain
from console.subcommands.room import RefusedError
from console.subcommands.where import Place
from console.targets.process import Finished, ProgramError

File = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A path, or `-` for standard input."""


async def signed_by(
    person: str, text: str, key: Path | None, place: Place | None, namespace: str = NAMESPACE
) -> str:
    """The armored signature of `text` with that key; without one, with the person's first of the roster.

    SignatureError when it cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="warroom-sign-") as name:
        path = key or _public_key(person, place, Path(name))
        return await sign_text(AtTerminal(), text, path, namespace)


class AtTerminal:
    """Runs a program that may ask for a passphrase, at the terminal that we have."""

    async def run(self, argv: Sequence[str], *, limit_s: float, stdin: bytes | None = None) -> Finished:
        """Run `argv` with our environment, and so with our agent; ProgramError as Programs does."""
        seen = None if sys.stderr.isatty() else PIPE  # a key in hardware asks there to be touched
        try:
            process = await asyncio.create_subprocess_exec(*argv, stdout=PIPE, stderr=seen)
        except OSError as error:
            raise ProgramError(f"cannot run `{argv[0]}`: {error.strerror}") from error
        try:
            async with asyncio.timeout(limit_s):
                out, err = await process.communicate(stdin)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ProgramError(f"`{argv[0]}` took longer than {limit_s:g} s and was ended") from None
        said = (err or b"").decode(errors="replace")  # nothing, where the terminal had it
        return Finished(process.returncode or 0, out.decode(errors="replace"), said)


def _public_key(person: str, place: Place | None, folder: Path) -> Path:
    """The person's first key of the roster as a file, with which ssh-keygen asks the agent."""
    known = load_roster(place.roster).roster.person(person) if place else None
    if known is None or not known.keys:
        raise SignatureError("name the key to sign with: --key ~/.ssh/id_ed25519")
    path = folder / "key.pub"
    path.write_text(f"{known.keys[0].key}\n")
    return path


def read(name: str) -> str:
    """The text of a file, or of standard input; RefusedError when it cannot be read."""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"cannot read {name}: {error}") from None


def plain_lines(text: str) -> str:
    """Text of several lines that a terminal can only show."""
    return "\n".join(map(plain, text.splitlines()))

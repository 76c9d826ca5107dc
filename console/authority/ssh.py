"""Signatures by OpenSSH: `ssh-keygen -Y sign` makes them, `-Y verify` verifies, and nothing else does."""

import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.keys import PublicKey, key_of

NAMESPACE = "warroom-approval"
"""What a signature was made for; one made for anything else does not count (`ssh-keygen -n`)."""
STANDING = "warroom-standing"
"""The same, of a standing authorisation: no yes at a gate is one, and none of them is a yes at a gate."""
REVIEW = "warroom-review"
"""The same, of what somebody thinks of a gate that was opened without them."""
MAX_SIGNATURE = 8 * 1024
"""Characters of an armored signature; that of the largest RSA key that OpenSSH makes has less than 4,000."""
_LIMIT_S = 10.0
_ASKED_S = 120.0
"""Whoever signs may be asked for a passphrase, or to touch a key."""
_GOOD = re.compile(
    r'Good "(?P<namespace>[^"]*)" signature for (?P<person>\S+) with \S+ key (?P<key>SHA256:\S+)'
)


class SignatureError(StatedError):
    """A signature does not count, or could not be made; one line that says why."""

    exit = Exit.UNAUTHORISED


class Ended(Protocol):
    """How a program ended."""

    @property
    def code(self) -> int:
        """0 when it went well."""
        ...

    @property
    def out(self) -> str:
        """What it printed."""
        ...

    @property
    def reason(self) -> str:
        """Its last words."""
        ...


class Runs(Protocol):
    """Runs programs (see targets.process.Programs)."""

    async def run(self, argv: Sequence[str], *, limit_s: float, stdin: bytes | None = None) -> Ended:
        """Run `argv` to its end."""
        ...


class Signer(Struct, frozen=True):
    """Whose signature is looked for."""

    person: str
    keys: tuple[PublicKey, ...]


async def verify(
    programs: Runs,
    signed: str,
    signature: str,
    signer: Signer,
    revoked: bytes,
    at: int,
    namespace: str = NAMESPACE,
) -> PublicKey:
    """The key of that person's with which `signed` was signed, valid at `at` (UTC microseconds).

    `revoked` are public keys, a line each, or a KRL. SignatureError says why it does not count.
    """
    key = _claimed(signature, signer)
    try:
        ended = await _verified(programs, signed, signature, signer, revoked, at, namespace)
    except OSError as error:
        raise SignatureError(
            f"the signature of {signer.person} cannot be looked at here: {error.strerror}"
        ) from None
    good = _GOOD.search(ended.out)
    if ended.code or good is None:
        raise SignatureError(f"the signature of {signer.person} does not hold: {ended.reason}")
    if (good["namespace"], good["person"], good["key"]) != (namespace, signer.person, key.fingerprint):
        raise SignatureError(f"ssh-keygen verified something else: {good[0]}")
    return key


async def _verified(
    programs: Runs,
    signed: str,
    signature: str,
    signer: Signer,
    revoked: bytes,
    at: int,
    namespace: str,
) -> Ended:
    """What ssh-keygen says. The files are ours alone: nobody changes them while it reads."""
    with tempfile.TemporaryDirectory(prefix="warroom-verify-") as name:
        allowed, armored, keys = (Path(name, each) for each in ("allowed", "signature", "revoked"))
        keys.write_bytes(revoked)
        allowed.write_text(
            "".join(f'{signer.person} namespaces="{namespace}" {k.line}\n' for k in signer.keys)
        )
        armored.write_text(signature)
        moment = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y%m%d%H%M%SZ")
        return await programs.run(
            (
                *("ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", signer.person, "-n", namespace),
                *("-s", str(armored), "-r", str(keys), "-O", f"verify-time={moment}"),
            ),
            limit_s=_LIMIT_S,
            stdin=signed.encode(),
        )


def _claimed(signature: str, signer: Signer) -> PublicKey:
    """The key that the signature says it is of, if it is that person's."""
    if len(signature) > MAX_SIGNATURE:
        raise SignatureError(f"a signature has at most {MAX_SIGNATURE} characters: this is something else")
    try:
        key = key_of(signature)
    except ValueError as error:
        raise SignatureError(f"the signature cannot be read: {error}") from None
    if key not in signer.keys:
        raise SignatureError(
            f"signed with key {key.fingerprint}, which the roster does not have for {signer.person}"
        )
    return key


async def sign(programs: Runs, text: str, key: Path, namespace: str = NAMESPACE) -> str:
    """The armored signature of `text` with that key: a private one, or a public one that an agent holds.

    SignatureError when ssh-keygen cannot, with what it says.
    """
    with tempfile.TemporaryDirectory(prefix="warroom-sign-") as name:
        path = Path(name, "statement")
        path.write_text(text)
        ended = await programs.run(
            ("ssh-keygen", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)), limit_s=_ASKED_S
        )
        made = path.with_suffix(".sig")
        if ended.code or not made.exists():
            raise SignatureError(f"ssh-keygen cannot sign with {key}: {ended.reason}")
        return made.read_text()

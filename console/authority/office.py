"""The office: verifies what is handed in, and knows of each signature whether it still holds."""

import asyncio
import hashlib
from pathlib import Path

from console.authority.ssh import NAMESPACE, Runs, SignatureError, Signer, verify
from console.core.keys import PublicKey
from console.core.roster import Roster
from console.core.state import Signed

Digest = bytes
AT_ONCE = 8
"""So many signatures are looked at beside each other: a whole matrix at once, and no flood of them."""


class Office:
    """Signatures by one roster and its revocation file; what was verified is remembered by its bytes."""

    def __init__(self, programs: Runs, roster: Roster, sha256: str, folder: Path) -> None:
        """`sha256` is the roster file's, `folder` where it lies."""
        self._programs = programs
        self._roster = roster
        self.sha256 = sha256
        self._revoked = None if roster.revoked is None else folder / roster.revoked
        self._free = asyncio.Semaphore(AT_ONCE)
        self._held: dict[Digest, int] = {}
        """Until when each would count by the roster's dates, UTC microseconds."""

    async def key_of(
        self, handle: str, text: str, signature: str, at: int, namespace: str = NAMESPACE
    ) -> PublicKey:
        """The key with which that person has signed the text in that namespace, valid at `at` (UTC us).

        Raises SignatureError.
        """
        person = self._roster.person(handle)
        if person is None:
            raise SignatureError(f"{handle} is not in the roster")
        if why := person.not_valid(at):
            raise SignatureError(f"{person.handle} {why}, says the roster")
        if not person.keys:
            raise SignatureError(f"the roster has no key of {person.handle}: add its line under `keys`")
        if self._revoked is None:
            raise SignatureError("the roster names no `revoked` file, and without one no signature counts")
        signer = Signer(person.handle, person.public_keys)
        try:
            revoked = self._revoked.read_bytes()
        except OSError as error:
            raise SignatureError(
                f"{self._revoked} cannot be read, and without it no signature counts: {error.strerror}"
            ) from None
        async with self._free:
            key = await verify(self._programs, text, signature, signer, revoked, at, namespace)
        held = person.held(key)
        if why := held.not_valid(at):
            raise SignatureError(f"key {key.fingerprint} of {person.handle} {why}, says the roster")
        digest = _digest(namespace, text, signature, key.fingerprint, revoked)
        self._held[digest] = min(person.ends, held.ends)
        return key

    async def made_by(
        self, handle: str, text: str, signature: str, at: int, namespace: str = NAMESPACE
    ) -> PublicKey:
        """The key with which that person signed it, whatever has become of the key since; SignatureError."""
        person = self._roster.person(handle)
        if person is None:
            raise SignatureError(f"{handle} is not in the roster")
        signer = Signer(person.handle, person.public_keys)
        return await verify(self._programs, text, signature, signer, b"", at, namespace)

    def holds(self, signed: Signed, at: int, namespace: str = NAMESPACE) -> bool:
        """Whether this was verified, with this key, against the revocations of now; else it must be again.

        `at` is now, UTC microseconds: whoever signed may not count any more by then.
        """
        try:
            revoked = self._revoked.read_bytes() if self._revoked else None
        except OSError:
            revoked = None
        if revoked is None:
            return False
        known = _digest(namespace, signed.text, signed.signature, signed.key, revoked)
        return at < self._held.get(known, 0)


def _digest(namespace: str, text: str, signature: str, key: str, revoked: bytes) -> Digest:
    parts = (namespace.encode(), text.encode(), signature.encode(), key.encode(), revoked)
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()

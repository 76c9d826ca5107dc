"""The office: verifies what is handed in, and knows of each signature whether it still holds."""

import hashlib
from pathlib import Path

from console.authority.ssh import Runs, SignatureError, Signer, verify
from console.core.keys import PublicKey
from console.core.roster import Roster
from console.core.state import Approval
from console.core.statement import Statement

Digest = bytes


class Office:
    """Signatures by one roster and its revocation file; what was verified is remembered by its bytes."""

    def __init__(self, programs: Runs, roster: Roster, sha256: str, folder: Path) -> None:
        """`sha256` is the roster file's, `folder` where it lies."""
        self._programs = programs
        self._roster = roster
        self.sha256 = sha256
        self._revoked = None if roster.revoked is None else folder / roster.revoked
        self._held: set[Digest] = set()

    async def key_of(self, statement: Statement, signature: str, at: int) -> PublicKey:
        """The key with which the person that the statement names has signed it, valid at `at` (UTC us).

        Raises SignatureError.
        """
        person = self._roster.person(statement.person)
        if person is None:
            raise SignatureError(f"{statement.person} is not in the roster")
        if not person.keys:
            raise SignatureError(f"the roster has no key of {person.handle}: add its line under `keys`")
        if self._revoked is None:
            raise SignatureError("the roster names no `revoked` file, and without one no signature counts")
        revoked = self._revocations()
        signer = Signer(person.handle, person.public_keys)
        key = await verify(self._programs, statement.text, signature, signer, self._revoked, at)
        self._held.add(_digest(statement.text, signature, revoked))
        return key

    def holds(self, yes: Approval) -> bool:
        """Whether this very signature was verified against the revocations of now; else it must be again."""
        if yes.signed is None:
            return True
        return _digest(yes.signed.text, yes.signed.signature, self._revocations()) in self._held

    def _revocations(self) -> bytes:
        """Digest of the file; of nothing at all, where there is none."""
        try:
            return hashlib.sha256(self._revoked.read_bytes() if self._revoked else b"").digest()
        except OSError:
            return b""


def _digest(text: str, signature: str, revoked: bytes) -> Digest:
    parts = (text.encode(), signature.encode(), revoked)
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()

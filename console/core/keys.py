"""SSH public keys as the roster holds them: which kind, how strong, and the fingerprint people compare."""

import base64
import binascii
import hashlib
from collections.abc import Iterator

from msgspec import Struct

KINDS = {
    "ssh-ed25519": "ed25519",
    "ecdsa-sha2-nistp256": "ecdsa",
    "ecdsa-sha2-nistp384": "ecdsa",
    "ecdsa-sha2-nistp521": "ecdsa",
    "ssh-rsa": "rsa",
    "sk-ssh-ed25519@openssh.com": "ed25519, in hardware",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa, in hardware",
}
"""Kinds of keys that may sign, by their SSH names."""
RSA_BITS = 3072
"""An RSA key has at least so many."""
_ARMOR = "SSH SIGNATURE"
_MAGIC = b"SSHSIG"


class PublicKey(Struct, frozen=True):
    """One key that signs."""

    kind: str
    """Its SSH name, `ssh-ed25519`."""
    encoded: str
    """The base64 of its blob."""
    fingerprint: str
    """`SHA256:...`, as `ssh-keygen -l` prints it."""

    @property
    def line(self) -> str:
        """As it stands in an allowed-signers file."""
        return f"{self.kind} {self.encoded}"


def public_key(text: str) -> PublicKey:
    """The key in `ssh-ed25519 AAAA... comment`; ValueError says why it is none that may sign."""
    words = text.split()
    if len(words) < 2 or words[0] not in KINDS:
        raise ValueError(
            f"{words[0][:40] if words else 'nothing'} is no kind of key that may sign: ed25519, ecdsa, or "
            f"rsa of {RSA_BITS} bits, as `ssh-keygen -y` prints it"
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        raise ValueError("the key is not whole: copy all of its line") from None
    return _of_blob(blob, words[0])


def key_of(signature: str) -> PublicKey:
    """The key that an armored signature says it was made with; nothing is verified by that.

    ValueError when it is no SSH signature (PROTOCOL.sshsig of OpenSSH), or its key may not sign.
    """
    try:
        blob = base64.b64decode("".join(_armored(signature)), validate=True)
    except binascii.Error:
        raise ValueError("it is not whole: copy all of its lines") from None
    if blob[: len(_MAGIC)] != _MAGIC:
        raise ValueError("it is no SSH signature")
    key = next(_strings(blob[len(_MAGIC) + 4 :]), b"")
    kind = next(_strings(key), b"").decode("ascii", "replace")
    return _of_blob(key, kind)


def _armored(signature: str) -> Iterator[str]:
    """The lines between the marks; ValueError when there are none."""
    lines = [line.strip() for line in signature.strip().splitlines()]
    if len(lines) < 3 or lines[0] != f"-----BEGIN {_ARMOR}-----" or lines[-1] != f"-----END {_ARMOR}-----":
        raise ValueError(f"it does not begin and end with the marks of an {_ARMOR}")
    yield from lines[1:-1]


def _of_blob(blob: bytes, kind: str) -> PublicKey:
    fields = list(_strings(blob))
    if kind not in KINDS or not fields or fields[0] != kind.encode():
        raise ValueError(f"the key is not of the kind that it says: {kind[:40]}")
    bits = int.from_bytes(fields[2]).bit_length() if kind == "ssh-rsa" and len(fields) > 2 else RSA_BITS
    if bits < RSA_BITS:
        raise ValueError(f"an rsa key of {bits} bits is too weak: {RSA_BITS} at least, or ed25519")
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(kind, base64.b64encode(blob).decode(), f"SHA256:{digest}")


def _strings(blob: bytes) -> Iterator[bytes]:
    """The strings of an SSH message: four bytes of length before each; ValueError when one is cut off."""
    while blob:
        end = 4 + int.from_bytes(blob[:4])
        if len(blob) < end:
            raise ValueError("the key is not whole: copy all of its line")
        yield blob[4:end]
        blob = blob[end:]

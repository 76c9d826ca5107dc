"""Whether whoever sends knows the secret: as a bearer token, or by what they signed with it and when."""

import hashlib
import hmac
import math
from collections import OrderedDict
from typing import Protocol

from starlette.datastructures import Headers

from console.core.alerting import Webhook
from console.core.clock import Clock

TIMESTAMP = "x-warroom-timestamp"
"""Header with the moment of signing, in whole seconds since 1970."""
SIGNATURE = "x-warroom-signature"
"""Header with `sha256=` and the HMAC-SHA256 of that number, a full stop and the body, in hex."""
REMEMBERED = 4096
"""So many signed messages are remembered; when all of them are of the window, no other is taken."""
SHORTEST = 16
"""Characters that a secret has at least."""


class Proof(Protocol):
    """How the sender of a message is judged. Both answer with why not, in a few words; empty: it is right."""

    def of_headers(self, headers: Headers) -> str:
        """What the headers alone tell against it: asked before a byte of the body is read."""
        ...

    def of_body(self, headers: Headers, body: bytes) -> str:
        """What the whole message tells against it."""
        ...


def proof(webhook: Webhook, secret: str, clock: Clock) -> Proof:
    """The proof that the strategy asks for."""
    if webhook.proof == "bearer":
        return Bearer(secret)
    return Signed(secret, webhook.window, clock)


class Bearer:
    """`Authorization: Bearer SECRET`."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def of_headers(self, headers: Headers) -> str:
        """The one header there is; compared in a time that does not depend on where it differs."""
        given = headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            return "no bearer token"
        right = hmac.compare_digest(token.strip().encode("latin-1"), self._secret)
        return "" if right else "another token"

    def of_body(self, headers: Headers, body: bytes) -> str:  # noqa: ARG002 - the headers have said it all
        """Nothing more."""
        return ""


class Signed:
    """A signature over time and body, which is taken once."""

    def __init__(self, secret: str, window_s: float, clock: Clock) -> None:
        self._secret = secret.encode()
        self._window_s = window_s
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        """What was taken, with when it can be forgotten because its time is past."""

    def of_headers(self, headers: Headers) -> str:
        """That there is a signature, and that its time is not long past or far off."""
        stamp, _ = self._given(headers)
        if stamp is None:
            return f"no {TIMESTAMP} and {SIGNATURE}"
        off = abs(self._now() - stamp)
        return (
            "" if off <= self._window_s else f"signed {off:.0f} s from now, {self._window_s:g} s are let pass"
        )

    def of_body(self, headers: Headers, body: bytes) -> str:
        """That it is the signature of this, and was not taken before."""
        stamp, signature = self._given(headers)
        if stamp is None:
            return "no signature"
        right = hmac.new(self._secret, f"{stamp}.".encode() + body, hashlib.sha256).digest()
        if not hmac.compare_digest(signature, right):
            return "another signature"
        return self._once(right, stamp + self._window_s)

    def _once(self, digest: bytes, until: float) -> str:
        """Why it is not taken (again); empty where it is taken now."""
        now = self._now()
        for old in [known for known, past in self._seen.items() if past < now]:
            del self._seen[old]
        if digest in self._seen:
            return "the same message again"
        if len(self._seen) >= REMEMBERED:
            return f"more than {REMEMBERED} messages in a window"
        self._seen[digest] = until
        return ""

    def _given(self, headers: Headers) -> tuple[int | None, bytes]:
        """Time and signature; no time where either is missing, twice there, or no such thing."""
        stamps, signatures = headers.getlist(TIMESTAMP), headers.getlist(SIGNATURE)
        if len(stamps) != 1 or len(signatures) != 1 or not signatures[0].startswith("sha256="):
            return None, b""
        stamp = stamps[0]
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
            return None, b""
        try:
            return int(stamp), bytes.fromhex(signatures[0].removeprefix("sha256="))
        except ValueError:
            return None, b""

    def _now(self) -> float:
        return math.floor(self._clock.now().utc_us / 1e6)

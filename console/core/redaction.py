"""Keeps secrets out of whatever is written, also where one arrives in pieces."""

import json
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import AnyStr
from urllib.parse import quote, unquote, urlsplit

MASK = "[secret]"

_KEYWORD = re.compile(r"\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_RUN = re.compile(rb"\x00+|\x01+")
_LONG_LINE = 8
"""From this length on, a line of a secret is kept out by itself: shorter ones are in every text."""


class Redactor:
    """Knows every secret that was resolved, and masks them in text and in streams."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def register(self, secret: str) -> None:
        """Keep `secret` out from now on, also as it stands in URLs and JSON; a DSN's password as well."""
        self._secrets |= {form for form in _forms(secret) if form}

    def redact(self, text: str) -> str:
        """`text` with every secret masked."""
        flags = _covered(text, self._secrets)
        return "".join(MASK if masked else text[start:end] for start, end, masked in _runs(flags))

    def stream(self) -> "RedactedStream":
        """A filter for bytes that come in pieces; it masks what is registered later, too."""
        return RedactedStream(self._secrets)


class RedactedStream:
    """Lets bytes through, masked; holds back as many as the beginning of a secret could be."""

    def __init__(self, secrets: AbstractSet[str]) -> None:
        self._secrets = secrets
        self._held = b""
        self._flags = bytearray()
        """For each byte held back, whether it is known to be part of a secret."""
        self._in_mask = False
        """Whether the byte let through last was part of a secret."""

    def feed(self, chunk: bytes) -> bytes:
        """What can be let through after `chunk` has come."""
        secrets = {secret.encode(errors="surrogateescape") for secret in self._secrets}
        self._held += chunk
        before, self._flags = self._flags, _covered(self._held, secrets)
        for index, masked in enumerate(before):
            self._flags[index] |= masked  # its secret may have begun in what is gone by now
        longest = max(map(len, secrets), default=1)
        return self._release(max(0, len(self._held) - (longest - 1)))

    def finish(self) -> bytes:
        """What was held back; the stream is over."""
        return self._release(len(self._held))

    def _release(self, count: int) -> bytes:
        out = []
        for start, end, masked in _runs(self._flags[:count]):
            if not masked:
                out.append(self._held[start:end])
            elif start > 0 or not self._in_mask:
                out.append(MASK.encode())
            self._in_mask = masked
        self._held, self._flags = self._held[count:], self._flags[count:]
        return b"".join(out)


def _covered(text: AnyStr, secrets: Iterable[AnyStr]) -> bytearray:
    """For each character or byte 1 where it is part of a secret; overlapping secrets cover one stretch."""
    flags = bytearray(len(text))
    for secret in secrets:
        start = text.find(secret)
        while start >= 0:
            flags[start : start + len(secret)] = b"\1" * len(secret)
            start = text.find(secret, start + 1)
    return flags


def _runs(flags: bytearray) -> Iterator[tuple[int, int, bool]]:
    """Stretches of equal flags: beginning, end, and whether they are to be masked."""
    return ((run.start(), run.end(), run[0][0] == 1) for run in _RUN.finditer(flags))


def _forms(secret: str) -> Iterator[str]:
    """Whatever must not be seen of a secret, in each way in which it may be written."""
    for part in (secret, *passwords(secret), *_long_lines(secret)):
        yield part
        yield quote(part, safe="", errors="surrogateescape")
        yield json.dumps(part)[1:-1]
        yield json.dumps(part, ensure_ascii=False)[1:-1]


def _long_lines(secret: str) -> Iterator[str]:
    """The lines of a key file: programs print them one by one."""
    return (line for line in secret.splitlines() if len(line) >= _LONG_LINE)


def passwords(text: str) -> Iterator[str]:
    """The password inside a connection string, if it is one: drivers quote that alone."""
    for match in _KEYWORD.finditer(text):
        yield re.sub(r"\\(.)", r"\1", match[1].strip("'"))
    if "://" in text:
        try:
            password = urlsplit(text).password
        except ValueError:  # not a URL after all, and masked as a whole
            return
        if password:
            yield password
            yield unquote(password)

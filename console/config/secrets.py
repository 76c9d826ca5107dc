"""Secrets by reference: resolved at use, kept out of whatever is written, and out of child processes."""

from collections.abc import Mapping
from pathlib import Path

from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.redaction import RedactedStream, Redactor

_PASSED_ON = frozenset({"PATH", "HOME", "LANG", "TZ", "TERM", "SSH_AUTH_SOCK", "GNUPGHOME"})
_PASSED_ON_PREFIXES = ("LC_", "XDG_")


class SecretError(StatedError):
    """A secret that cannot be had; the message says where it should be, never what it is."""

    exit = Exit.USAGE


class Secrets:
    """Resolves references to secrets, and remembers what must not be seen."""

    def __init__(self, environ: Mapping[str, str], base: Path | None = None) -> None:
        """`file:` references are relative to `base`, or to the working directory where that is None."""
        self._environ = environ
        self._base = base or Path()
        self._redactor = Redactor()

    def resolve(self, reference: str) -> str:
        """The secret that `env:NAME` or `file:PATH` refers to, without the line end of its file.

        Raises SecretError when it is unset, unreadable or empty.
        """
        kind, _, place = reference.partition(":")
        secret = self._variable(place) if kind == "env" else self._file(place)
        self._redactor.register(secret)
        return secret

    def register(self, secret: str) -> None:
        """Keep out what was read elsewhere than by a reference."""
        self._redactor.register(secret)

    def redact(self, text: str) -> str:
        """`text` without any of the secrets resolved so far."""
        return self._redactor.redact(text)

    def stream(self) -> RedactedStream:
        """A filter that keeps all secrets, those resolved later too, out of bytes that come in pieces."""
        return self._redactor.stream()

    def _variable(self, name: str) -> str:
        secret = self._environ.get(name)
        if not secret:
            state = "empty" if secret is not None else "not set"
            raise SecretError(f"env:{name}: the variable is {state}; export {name} before starting")
        return secret

    def _file(self, name: str) -> str:
        path = self._base / name
        try:
            path = self._base / Path(name).expanduser()
            secret = path.read_text(encoding="utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise SecretError(f"file:{name}: {path} is not text in UTF-8") from None
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "there is no such home"
            raise SecretError(f"file:{name}: {path} cannot be read: {reason}") from None
        if not secret:
            raise SecretError(f"file:{name}: {path} is empty; write the secret into it")
        return secret


def child_environment(environ: Mapping[str, str], extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child process sees: what is harmless of `environ` (an allow-list), and `extra`."""
    passed = {
        name: value
        for name, value in environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return passed | dict(extra or {})

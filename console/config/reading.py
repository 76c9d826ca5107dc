"""The bytes and the text of a file that a person wrote, or the reason why they cannot be had."""

import stat
from pathlib import Path

from console.config.mistakes import ConfigError, Mistake

MAX_BYTES = 1 << 20
"""More than anybody writes by hand."""


def text_of(path: Path, hint: str) -> tuple[bytes, str]:
    """The bytes of the file, and the text in them without a byte order mark.

    Raises ConfigError; `hint` says how to come by a file where there is none.
    """
    raw = _bytes_of(path, hint)
    try:
        return raw, raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        before = raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start]
        byte = f"byte 0x{raw[error.start]:02x}"
        message = f"not UTF-8 ({byte}): save the file as UTF-8"
        raise ConfigError([Mistake(str(path), line, len(before.decode()) + 1, message)]) from None


def _bytes_of(path: Path, hint: str) -> bytes:
    def unusable(message: str) -> ConfigError:
        return ConfigError([Mistake(str(path), 1, 1, message)])

    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise unusable("a folder: name the file in it")
        if not stat.S_ISREG(kind):  # opening a named pipe would wait for a writer
            raise unusable("not a regular file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise unusable(f"no such file: {hint}") from None
    except OSError as error:
        raise unusable(f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise unusable(f"larger than {MAX_BYTES // 1024} KiB: is it the right file?")
    return raw

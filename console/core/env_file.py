"""A file of environment variables (`KEY=value` lines), read to be compared and merged by key. Pure.

What stands in one may be secret: nothing here says a word of a value, and a line that cannot be told for sure
to be a setting is named by its number alone: it may be a piece of a key whose quotes are missing.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from msgspec import Struct

_SETTING = re.compile(
    r"""[^\S\n]*(?:export[^\S\n]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)[^\S\n]*=[^\S\n]*
    (?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\n"'\s][^\n]*|)[^\S\n]*(?:\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_NOTHING = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
_REMARK = re.compile(r"(?:^|\s)#.*")
_ENCODED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
"""A line of a key or certificate whose quotes are missing; its end looks like that of a setting."""


class EnvFileError(ValueError):
    """A line that is no setting; the message follows the file's name: `line 7: not a setting, ...`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One assignment, as it is written."""

    key: str
    value: str
    """Without its quotes; an escape stays as it is written."""
    written: str
    """All of it, with the line's end."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """Everything that the file holds, in order: settings, and what stands between them."""

    pieces: tuple[Setting | str, ...]

    @property
    def settings(self) -> dict[str, Setting]:
        """By key; of a key that is set twice, the last one counts."""
        return {piece.key: piece for piece in self.pieces if isinstance(piece, Setting)}

    @property
    def values(self) -> dict[str, str]:
        """What each key is set to."""
        return {key: setting.value for key, setting in self.settings.items()}

    @property
    def text(self) -> str:
        """The file again."""
        return "".join(piece if isinstance(piece, str) else piece.written for piece in self.pieces)


class Differences(Struct, frozen=True):
    """Keys that are not set alike in two files, by name alone; each in order."""

    added: tuple[str, ...]
    """That the second has alone."""
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def words(self) -> str:
        """`2 changed: GAS_LIMIT, RPC_URL; 1 added: FLAG`; `no key differs`."""
        named = (("changed", self.changed), ("added", self.added), ("removed", self.removed))
        told = [f"{len(keys)} {what}: {', '.join(keys)}" for what, keys in named if keys]
        return "; ".join(told) or "no key differs"


def parse(text: str) -> EnvFile:
    """The file in that text. Raises EnvFileError with the line of what is neither setting nor remark."""
    return EnvFile(tuple(_pieces(text)))


def _pieces(text: str) -> Iterator[Setting | str]:
    at = 0
    while at < len(text):
        if nothing := _NOTHING.match(text, at):
            yield nothing[0]
            at = nothing.end()
            continue
        line = _SETTING.match(text, at)
        if line is None or _ENCODED.fullmatch(line["key"]):
            number = text.count("\n", 0, at) + 1
            raise EnvFileError(f"line {number}: not a setting, write `KEY=value` with a name for the key")
        yield Setting(line["key"], _value(line["value"]), line[0])
        at = line.end()


def _value(written: str) -> str:
    """Without its quotes; or, where it has none, without the remark behind it."""
    return written[1:-1] if written[:1] in ('"', "'") else _REMARK.sub("", written).strip()


def differences(before: EnvFile, after: EnvFile) -> Differences:
    """Which keys the second sets otherwise than the first."""
    old, new = before.values, after.values
    return Differences(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(key for key in old.keys() & new.keys() if old[key] != new[key])),
    )


def merged(backup: EnvFile, today: EnvFile, keep: Collection[str]) -> EnvFile:
    """The backup, with today's settings of the keys in `keep`; one that today does not set is not set."""
    left = {key: today.settings[key] for key in keep if key in today.settings}
    pieces: list[Setting | str] = []
    for piece in backup.pieces:
        if isinstance(piece, str) or piece.key not in keep:
            pieces.append(piece)
        elif piece.key in left:
            pieces.append(left.pop(piece.key))
    pieces += left.values()
    return EnvFile(tuple(_ended(pieces)))


def _ended(pieces: list[Setting | str]) -> Iterator[Setting | str]:
    """Each on lines of its own: the last one of either file may have had no line's end."""
    for number, piece in enumerate(pieces):
        written = piece if isinstance(piece, str) else piece.written
        if number + 1 == len(pieces) or written.endswith("\n"):
            yield piece
        elif isinstance(piece, str):
            yield f"{piece}\n"
        else:
            yield Setting(piece.key, piece.value, f"{written}\n")

"""Which settings of a configuration file differ between two releases: by name, never by value. Pure."""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from console.core.errors import StatedError

Scalar: TypeAlias = tuple[str, str]
"""A value: its kind, and its text as it is compared."""
Tree: TypeAlias = "Scalar | list[Tree] | Mapping[str, Tree]"
"""What a configuration file holds, whatever it is written in."""
WHOLE = "(all of it)"
"""The name of a setting that is the whole file."""
MOST_KEYS = 5_000
DEEPEST = 40

What = Literal["added", "removed", "changed"]


class KeyChange(Struct, frozen=True):
    """A setting that is not the same in both."""

    file: str
    key: str
    """Dotted: `gas.margin`, `servers[0].port`, `"a.b".c`."""
    what: What


class TooMuchError(StatedError):
    """There is more in a file than people would read; the message says how much, and nothing of what."""


def compared(file: str, before: Tree, after: Tree) -> tuple[KeyChange, ...]:
    """The settings of `file` that differ, by name. Values are compared and forgotten.

    A file that is not there is an empty mapping. Raises TooMuchError.
    """
    old, new = _settings(before), _settings(after)
    return tuple(
        KeyChange(file, key, _what(key in old, key in new))
        for key in sorted(old.keys() | new.keys())
        if (key in old) is not (key in new) or old[key] != new[key]
    )


def _what(was: bool, is_now: bool) -> What:  # noqa: FBT001 - both are what a reader expects them to be
    if was and is_now:
        return "changed"
    return "removed" if was else "added"


def _settings(tree: Tree) -> dict[str, object]:
    """Every setting by its dotted name."""
    found: dict[str, object] = {}
    if isinstance(tree, Mapping) and not tree:
        return found
    for key, value in _walk(tree, "", 0):
        found[key or WHOLE] = value
        if len(found) > MOST_KEYS:
            raise TooMuchError(f"it has more than {MOST_KEYS:,} settings")
    return found


def _walk(tree: Tree, path: str, depth: int) -> Iterator[tuple[str, object]]:
    if depth > DEEPEST:
        raise TooMuchError(f"it is nested more than {DEEPEST} deep")
    if isinstance(tree, Mapping) and tree:
        for key, below in tree.items():
            yield from _walk(below, f"{path}.{_name(key)}" if path else _name(key), depth + 1)
    elif isinstance(tree, list) and any(isinstance(item, list | Mapping) for item in tree):
        for index, below in enumerate(tree):
            yield from _walk(below, f"{path}[{index}]", depth + 1)
    else:
        yield path, tree


def _name(key: str) -> str:
    """A key as part of a dotted name: quoted where it could be taken for more than one."""
    return f'"{key}"' if not key or any(sign in key for sign in '.[]" ') else key

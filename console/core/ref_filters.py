"""The filters of GitHub's workflow files: which branches, and which paths, a list of patterns lets in.

By https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\[[A-Za-z0-9-]+\]|[?+]|.", re.DOTALL)
_ANY = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}


def lets_in(patterns: Sequence[str], name: str) -> bool:
    """Whether a name passes: the last pattern that matches decides, and one that begins with `!` is a no."""
    passes = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if matches(pattern[1:] if negated else pattern, name):
            passes = not negated
    return passes


def any_let_in(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Whether at least one of the names passes."""
    return any(lets_in(patterns, name) for name in names)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern without its `!` is of the whole name."""
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_atoms(pattern)), re.DOTALL)


def _atoms(pattern: str) -> Iterator[str]:
    """Regular expressions, one after the other, of what the pattern consists of."""
    counted = ""
    """The character, or class of them, that a `?` or a `+` would count; empty: it stands for itself."""
    for at in _TOKENS.finditer(pattern):
        part = at[0]
        if part in ("?", "+") and counted:
            yield counted + part
            counted = ""
            continue
        yield counted
        counted = ""
        if part in _ANY:
            # `a**/b` has no folder of its own before the slash: there it is `**` and a slash
            whole = part != "**/" or at.start() == 0 or pattern[at.start() - 1] == "/"
            yield _ANY[part] if whole else ".*/"
        else:
            counted = part if len(part) > 1 else re.escape(part)
    yield counted

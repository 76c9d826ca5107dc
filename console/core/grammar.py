"""The grammar of conditions, and what is said in plain words where a text does not follow it."""

import re
from decimal import Decimal

from console.core.naming import nearest, quoted

NAME = r"[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*"
"""A name, as a regular expression: lower case, digits, underscores, and hyphens between them."""
KEYWORDS = frozenset({"and", "or", "not", "for"})
"""Words that no metric and no trigger can have for a name."""
SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
"""Units of time, in seconds."""
MAX_LENGTH = 500
"""Characters of a condition; it also keeps the tree shallow enough to walk."""

_UNITS = "|".join(SECONDS)
_END = "(?![a-z0-9_]|-[a-z0-9_])"
"""What ends a word: neither a letter of a name nor a hyphen that joins one follows."""
GRAMMAR = rf"""
?any_of: all_of (_OR all_of)*
?all_of: held (_AND held)*
?held: atom
     | atom _FOR NUMBER TIME         -> held_for
?atom: NAME COMPARE quantity         -> comparison
     | NAME                          -> flag
     | _NOT NAME                     -> negation
     | "(" any_of ")"
quantity: NUMBER [PERCENT | TIME]

_AND: /and{_END}/
_OR: /or{_END}/
_NOT: /not{_END}/
_FOR: /for{_END}/
NAME: /(?!(?:{"|".join(sorted(KEYWORDS))}){_END}){NAME}/
COMPARE: /[<>=!]+/
NUMBER: /\d+(?:\.\d+)?/
PERCENT: "%"
TIME: /(?:{_UNITS}){_END}/
%ignore /[ \t\r\n]+/
"""

OPERATORS = ("<", "<=", ">", ">=", "=", "!=")
_WORDS = {
    "NAME": "the name of a metric or flag",
    "COMPARE": "a comparison (`<` `<=` `>` `>=` `=` `!=`)",
    "NUMBER": "a number such as `5%`, `2s` or `3`",
    "PERCENT": "`%`",
    "TIME": "a unit of time (`ms` `s` `m` `h` `d`)",
    "_NOT": "`not`",
    "_FOR": "`for`",
    "_AND": "`and`",
    "_OR": "`or`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "$END": "the end",
}
"""The grammar's tokens as a person calls them, in the order in which a message names them."""


_WORD = re.compile(r"[^\W_][\w-]*|[<>=!&|]+|\S")
"""What a message shows of the place where the grammar ended: a word, an operator or a character."""
_NEGATED = re.compile(rf"\bnot\s+(?:{NAME}\s*)?$")
_LENGTH_WANTED = re.compile(r"\bfor\s*$")
_FOREIGN = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}
_FOREIGN |= {"==": "=", "=>": ">=", "=<": "<=", "<>": "!=", "≥": ">=", "≤": "<=", "≠": "!="}
"""How other languages write it."""


def seconds(number: str, unit: str) -> float:
    """Seconds in so many of a unit of `SECONDS`; multiplied exactly, and rounded once."""
    return float(Decimal(number) * SECONDS[unit])


def no_operator(found: str) -> str:
    """What to write instead of something that only looks like a comparison."""
    if found in _FOREIGN:
        return f"write `{_FOREIGN[found]}` instead of {quoted(found)}"
    return f"expected {_WORDS['COMPARE']}, found {quoted(found)}"


def what_was_expected(text: str, at: int, allowed: set[str]) -> str:
    """What should stand in `text` at index `at`, where the parser allows those tokens, and what does."""
    before = text[:at]
    found = match[0] if (match := _WORD.match(text, at)) else ""
    if hint := _hint(found, allowed, before):
        return hint
    if not before.strip() and not found:
        return "expected a condition such as `error_rate > 5% for 5m`, found nothing"
    words = [_WORDS[name] for name in _WORDS if name in allowed]
    if _LENGTH_WANTED.search(before):
        words = ["a duration such as `5m`"]
    expected = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"expected {expected}, found {quoted(found) if found else 'the end'}"


def _hint(found: str, allowed: set[str], before: str) -> str | None:
    """What to write instead, for the slips that people make."""
    foreign = _FOREIGN.get(found, "")
    if f"_{foreign.upper()}" in allowed or (foreign in OPERATORS and "COMPARE" in allowed):
        return f"write `{foreign}` instead of {quoted(found)}"
    keywords = [word for word in sorted(KEYWORDS) if f"_{word.upper()}" in allowed]
    if found not in KEYWORDS and found.isalpha() and (close := nearest(found, keywords)):
        return f"expected `{close}`, found {quoted(found)}"
    if _NEGATED.search(before) and (found in OPERATORS or found == "("):
        return "`not` stands before a flag only: turn the comparison round, or give each flag its `not`"
    if "NAME" in allowed and found in KEYWORDS:
        return f"{_WORDS['NAME']} is missing before {quoted(found)}"
    if "NAME" in allowed and found != found.lower():
        return f"names are in lower case: write {quoted(found.lower())} instead of {quoted(found)}"
    return None

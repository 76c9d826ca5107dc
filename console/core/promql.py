"""What a question in PromQL speaks of, as far as it can be told without Prometheus' own parser."""

import re

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
_COMMENT = re.compile(r"#[^\n]*")
_WINDOW = re.compile(r"\[([^\]:]+)(?::[^\]]*)?\]")
_MATCHERS = re.compile(r"\{[^}]*\}")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w:.])([a-zA-Z_:][a-zA-Z0-9_:]*)(?!\s*\()(?![\w:])")
_OPERATORS = ("and", "or", "unless", "atan2", "bool", "offset")
_MODIFIERS = ("by", "without", "on", "ignoring", "group_left", "group_right")
_KEYWORDS = frozenset((*_OPERATORS, *_MODIFIERS, "inf", "nan"))
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 7 * 86_400.0,
    "y": 365 * 86_400.0,
}


def names_of(question: str) -> tuple[str, ...]:
    """The series that it names, in that order; a name that stands in a matcher alone is not among them."""
    bare = _LABELS.sub(" ", _WINDOW.sub(" ", _MATCHERS.sub(" ", _plainer(question))))
    found = (match[1] for match in _WORD.finditer(bare))
    return tuple(dict.fromkeys(name for name in found if name.lower() not in _KEYWORDS))


def windows_of(question: str) -> tuple[float, ...]:
    """The lengths of its ranges, in seconds; of a subquery the outer one."""
    told = (seconds_of(match[1].strip()) for match in _WINDOW.finditer(_plainer(question)))
    return tuple(length for length in told if length is not None)


def seconds_of(text: str) -> float | None:
    """A duration as Prometheus writes it, `1h30m`, in seconds; None when it is none."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def _plainer(question: str) -> str:
    """Without comments, and with nothing in its strings: either may look like anything."""
    return _COMMENT.sub(" ", _STRING.sub('""', question))

"""The kinds of value that a strategy or roster file is made of, and how messages call each."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict

from console.core.conditions import Condition, parse
from console.core.grammar import KEYWORDS, NAME, SECONDS, seconds


class Model(BaseModel):
    """A part of a file: an unknown name in it is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Expected:
    """What a message says a value should have been; beside the type, because people do not read types."""

    words: str
    secret: bool = False
    """Whether what was found there instead may be a secret, which no message repeats."""


def matching(pattern: str) -> BeforeValidator:
    """Text that matches `pattern` from its first to its last character."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(pattern)
        return value

    return BeforeValidator(check)


_DURATION = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(SECONDS)})")


def seconds_of(value: Any) -> float:
    """A duration as it is written in a file, in seconds; ValueError when it is none."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("duration")
    return seconds(*match.groups())


def _condition(value: Any) -> Condition:
    if not isinstance(value, str):
        raise ValueError("condition")  # noqa: TRY004 - pydantic reports ValueError alone
    return parse(value)


def _moment(value: Any) -> float | None:
    return None if value == "end" else seconds_of(value)


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("pattern")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(str(error)) from error
    return value


def _day(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("day")  # noqa: TRY004 - pydantic reports ValueError alone
    return dt.date.fromisoformat(value).isoformat()


Seconds = Annotated[
    float,
    BeforeValidator(seconds_of, json_schema_input_type=str),
    Expected("a duration such as `500ms`, `30s`, `5m`, `4h` or `7d`"),
]
"""A duration, in seconds."""
Span = Annotated[Seconds, Field(gt=0), Expected("a duration above zero such as `500ms`, `30s` or `5m`")]
"""A duration that cannot be nothing, in seconds."""
Moment = Annotated[
    float | None,
    BeforeValidator(_moment, json_schema_input_type=str),
    Expected("a time since the beginning such as `0s` or `5m`, or `end`"),
]
"""Seconds since an incident's beginning; None is its end."""
When = Annotated[
    Condition,
    BeforeValidator(_condition, json_schema_input_type=str),
    PlainSerializer(str),
    Expected("a condition such as `error_rate > 5% for 5m`"),
]
"""A condition in the shorthand."""
Name = Annotated[
    str,
    matching(NAME),
    Expected("a name in lower case (`error_rate`, `push-branch`)"),
]
"""An identifier: lower case, digits, underscores, and hyphens between them."""
Word = Annotated[
    str,
    matching(rf"(?!(?:{'|'.join(sorted(KEYWORDS))})$){NAME}"),
    Expected("a name in lower case (`error_rate`) other than `and`, `or`, `not` and `for`"),
]
"""An identifier that conditions can mention."""
Text = Annotated[str, matching(r"(?s).*\S.*"), Expected("text")]
"""Text that is not empty."""
Pattern = Annotated[str, BeforeValidator(_pattern), Expected("a regular expression such as `^wallet-v`")]
"""A regular expression."""
Title = Annotated[
    str, matching(r"(?=.*\S).{1,12}"), Expected("a title of 1 to 12 characters on one line, to fit its pane")
]
"""What a pane calls a metric."""
Url = Annotated[
    str, matching(r"https?://\S+"), Expected("an address that begins with `http://` or `https://`")
]
Address = Annotated[
    str,
    matching(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}"),
    Expected("an address with a port, such as `127.0.0.1:9911` or `[::1]:9911`"),
]
"""Where something of ours listens."""
AlertName = Annotated[
    str, matching(r"\S(.{0,98}\S)?"), Expected("the name of an alert, on one line of 100 characters at most")
]
"""What Prometheus calls an alert."""
SecretRef = Annotated[
    str,
    matching(r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*"),
    Expected("a reference to the secret (`env:NAME` or `file:PATH`), never the secret itself", secret=True),
]
"""Where a secret is (`env:NAME`, `file:PATH`), never the secret."""
BranchTemplate = Annotated[
    str,
    matching(r"[^\s{}]*\{epoch\}[^\s{}]*"),
    Expected("a branch name with `{epoch}` in it, so that each rollback has a branch of its own"),
]
CommitId = Annotated[str, matching(r"[0-9a-f]{40}([0-9a-f]{24})?"), Expected("a full commit id in hex")]
Day = Annotated[
    str, BeforeValidator(_day, json_schema_input_type=str), Expected("a day such as `2024-12-23`")
]
Count = Annotated[int, Strict(), Field(ge=1), Expected("a whole number from 1")]
Status = Annotated[int, Strict(), Field(ge=100, le=599), Expected("an HTTP status such as `200`")]
Fraction = Annotated[float, Strict(), Field(gt=0, lt=1), Expected("a number between 0 and 1 such as `0.99`")]
YesNo = Annotated[bool, Strict(), Expected("`true` or `false`")]

"""What the strategy says of the file with the service's environment variables. Shapes only."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from console.core.fields import Expected, Model, Text, matching
from console.core.moments import moment_of


def _instant(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("instant")  # noqa: TRY004 - pydantic reports ValueError alone
    dt.datetime.fromisoformat(value)  # no time of day, nor so long before something
    return moment_of(value, now=0, known=0)


Instant = Annotated[
    int,
    BeforeValidator(_instant, json_schema_input_type=str),
    Expected("a moment such as `2026-11-23T14:05:30Z`"),
]
"""A moment, UTC microseconds."""
Variable = Annotated[
    str, matching(r"[A-Za-z_][A-Za-z0-9_.-]*"), Expected("the name of a variable such as `JWT_SECRET`")
]
BackupPattern = Annotated[
    str,
    matching(r"(?=[^*]*\*[^*]*$)[^\x00]*\*[^/]*/[^*/]+"),
    Expected("a path whose folder has one `*` in it, such as `backups/staging-*/env.backup`"),
]
"""Where backups of one file lie, a folder for each."""


class Rotation(Model):
    """A secret that was given another value."""

    key: Variable
    at: Instant
    """From then on the value before counts nowhere any more."""


class EnvironmentFile(Model):
    """A file of `KEY=value` lines that the service starts with, and where its backups lie."""

    path: Text
    backups: BackupPattern
    rotated: list[Rotation] = Field(default_factory=list)
    older: Literal["refused", "merged"] = "refused"
    """What becomes of a backup older than a rotation: not used; or used with today's values of those keys."""

    @property
    def rotations(self) -> dict[str, int]:
        """When each key was rotated last, UTC microseconds."""
        last: dict[str, int] = {}
        for one in self.rotated:
            last[one.key] = max(one.at, last.get(one.key, one.at))
        return last

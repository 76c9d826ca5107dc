"""Mistakes in files that people write: where each is, and what was expected there."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from console.core.errors import StatedError
from console.core.exits import Exit


class Mistake(NamedTuple):
    """One mistake; line and column count from 1. Mistakes sort by place."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(StatedError):
    """A file that cannot be used; `str()` is a line for each of its mistakes, in the order of the file."""

    exit: ClassVar[Exit] = Exit.USAGE

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: Sequence[Mistake] = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))

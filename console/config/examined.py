"""A file held against its model: the value that it holds, and every mistake in it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from console.config.document import Document, read
from console.config.mistakes import ConfigError, Mistake
from console.config.shape import shaped
from console.core.parts import Finding

M = TypeVar("M", bound=BaseModel)

HINT = "`warroom init` writes one to start from"


@dataclass(frozen=True, slots=True)
class Examined(Generic[M]):
    """A file that could be read, right or wrong."""

    document: Document
    model: M | None
    """None when there are mistakes of shape."""
    mistakes: list[Mistake]


def examine(
    path: Path, model: type[M], check: Callable[[object], Iterator[Finding]], hint: str = HINT
) -> Examined[M]:
    """A file of that model with its mistakes; `check` finds those that are not of shape.

    `hint` says how to come by such a file where there is none. Raises ConfigError when it is not YAML.
    """
    document = read(path, hint)
    value, findings = shaped(model, document.value)
    findings.extend(check(document.value))
    return Examined(document, value, [*document.twice, *map(document.located, findings)])


def without_mistakes(examined: Examined[M]) -> tuple[M, bytes, str]:
    """The model, the bytes it was read from, and their SHA-256; ConfigError when there are mistakes."""
    if examined.model is None or examined.mistakes:
        raise ConfigError(examined.mistakes)
    raw = examined.document.raw
    return examined.model, raw, hashlib.sha256(raw).hexdigest()

"""A cursor over a document as it was read, right or wrong: rules about names look through it.

Typed models exist only for a file without a mistake of shape. Whoever mends a file wants all its mistakes at
once, so rules about names read the plain document, and pass over whatever is not what it should be: the
models have complained about that already.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.core.conditions import Condition, ConditionError, parse

Path = tuple[str | int, ...]
"""Where something is in a document: keys, and places in lists from 0."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in a document, before it is known which line that is."""

    path: Path
    message: str
    column: int | None = None
    """Where in the text at `path` it is (from 1); None: the whole value."""
    on_key: bool = False
    """Whether the key is wrong, not the value."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a document, by its path; everything below a piece that is missing is missing too."""

    value: Any
    path: Path = ()

    def __getitem__(self, key: str) -> "Part":
        value = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Part(value, (*self.path, key))

    def items(self) -> Iterator[tuple[str, "Part"]]:
        """The entries of a mapping; of anything else, none."""
        if isinstance(self.value, Mapping):
            for key, value in self.value.items():
                yield key, Part(value, (*self.path, key))

    def values(self) -> Iterator["Part"]:
        """The values of a mapping; of anything else, none."""
        return (part for _, part in self.items())

    def each(self) -> Iterator["Part"]:
        """The members of a list; of anything else, none."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield Part(value, (*self.path, index))

    @property
    def text(self) -> str | None:
        """The text that it is; None when it is none."""
        return self.value if isinstance(self.value, str) else None

    @property
    def names(self) -> list[str] | None:
        """The keys of a mapping, in order; None when it is no mapping: then nothing can be said of them."""
        return list(self.value) if isinstance(self.value, Mapping) else None

    @property
    def condition(self) -> Condition | None:
        """The condition that it says; None when it says none."""
        try:
            return parse(self.value) if isinstance(self.value, str) else None
        except ConditionError:
            return None

    def wrong(self, message: str, *, column: int | None = None, on_key: bool = False) -> Finding:
        """A mistake here."""
        return Finding(self.path, message, column, on_key)


Rule = Callable[[Part], Iterator[Finding]]
"""Something that must be true of an environment: yields what is not."""

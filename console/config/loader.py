"""The strategy from its file; a file with mistakes is answered with all of them at once."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from console.config.examined import Examined, examine, without_mistakes
from console.core.strategy import Strategy
from console.core.strategy_check import check_strategy


@dataclass(frozen=True, slots=True)
class LoadedStrategy:
    """A strategy, and the very bytes that it was read from."""

    strategy: Strategy
    path: Path
    raw: bytes
    sha256: str
    """Of `raw`, in hex."""


def load_strategy(path: Path, actions: Collection[str] | None = None) -> LoadedStrategy:
    """The strategy in a file. Raises ConfigError with every mistake in it.

    `actions` are the names that runbooks may use; a caller that runs no step may leave them out.
    """
    strategy, raw, sha256 = without_mistakes(examine_strategy(path, actions))
    return LoadedStrategy(strategy, path, raw, sha256)


def examine_strategy(path: Path, actions: Collection[str] | None) -> Examined[Strategy]:
    """A strategy file with its mistakes; ConfigError when it cannot even be read as YAML."""
    return examine(path, Strategy, lambda document: check_strategy(document, actions))

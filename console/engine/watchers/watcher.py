"""A source while it is being asked: what every kind of it can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from console.core.measures import Measured
from console.core.watched import Measure

Reader = Callable[[], Measured]


class Watcher(ABC):
    """One source: asked again and again, and read in between."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.trouble = ""
        """Why the last question brought no answer, in one line; empty when it did."""
        self.troubles: Mapping[str, str] = {}
        """Why a part of the last question brought no number although others did, by the part's key."""

    @abstractmethod
    async def ask(self) -> None:
        """Ask once, within the source's limit; trouble is kept, not raised."""

    @abstractmethod
    def reader(self, measure: Measure) -> Reader:
        """What tells a measure's value from the answers so far; UnwatchableError for a measure of another
        kind of source.
        """

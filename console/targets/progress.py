"""Where long work of a target says how far it is; an action's report is one."""

from typing import Protocol


class Progress(Protocol):
    """Hears how far something is, and knows how long it may still take."""

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        """What is being done now, and where it can be counted, how much of it is done."""
        ...

    @property
    def left_s(self) -> float:
        """Seconds until the time limit."""
        ...

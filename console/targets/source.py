"""What every source of numbers raises when it has none: one line, safe to show."""

from collections.abc import Mapping

from console.core.errors import StatedError


class SourceError(StatedError):
    """A source gave no usable answer; the message says where and what, never a password."""


class CannotAskError(SourceError):
    """The question could not be put at all: our own address or credentials are wrong.

    It says nothing about the target, so nobody may conclude from it that the target is down.
    """


class UnreachedError(SourceError):
    """The question did not get to the target, or whoever answered did not prove to be it.

    Others may reach it all the same; but there is no answer either, and whoever watches from here is blind.
    """


class AnsweredBadlyError(SourceError):
    """The target answered, and what it said is a failure: a command's exit code, a cache that is loading."""

    def __init__(self, words: str, known: Mapping[str, float]) -> None:
        super().__init__(words)
        self.known = known
        """The numbers that are known all the same, by name."""

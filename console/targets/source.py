"""What every source of numbers raises when it has none: one line, safe to show."""

from console.core.errors import StatedError


class SourceError(StatedError):
    """A source gave no usable answer; the message says where and what, never a password."""


class CannotAskError(SourceError):
    """The question could not be put at all: our own address or credentials are wrong.

    It says nothing about the target, so nobody may conclude from it that the target is down.
    """

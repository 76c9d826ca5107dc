"""What every source of numbers answers, and raises where it does not: words of one line, safe to show."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from console.core.errors import StatedError
from console.core.naming import quoted

_NAMED = 3
"""Parts whose trouble is told; of the others, how many they are."""


class Answered(Struct, frozen=True):
    """What a target that answers has said."""

    numbers: Mapping[str, float] = {}
    """By name; what is not known is not there."""
    failure: str = ""
    """That what it said is a failure as a whole: a command's exit code, a cache that is loading."""
    troubles: Mapping[str, str] = {}
    """What is wrong with a part, by the name that its number has or would have; the target itself works."""

    @property
    def trouble(self) -> str:
        """All of it in one line; empty where there is none."""
        told = [f"{quoted(name)}: {words}" for name, words in self.troubles.items()]
        more = [f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else []
        return self.failure or "; ".join([*told[:_NAMED], *more])


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


def resolved(secret: Callable[[], str]) -> str:
    """A secret as it is now; CannotAskError where there is none: that is our own trouble."""
    try:
        return secret()
    except StatedError as error:
        raise CannotAskError(str(error)) from None

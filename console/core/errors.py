"""The one kind of error that reaches a user: a line that says what, where, and what to do."""

from typing import ClassVar

from console.core.exits import Exit


class StatedError(Exception):
    """What went wrong, in one line that a user can act on; parts of the house raise their own subclasses."""

    exit: ClassVar[Exit] = Exit.FAILED
    """The exit code of a command that ends with it."""

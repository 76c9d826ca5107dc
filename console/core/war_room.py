"""What a strategy says of the people of an incident: roles, first tasks, and who sits at the keys."""

from typing import Annotated

from pydantic import Field

from console.core.fields import Expected, Model, Span, Text
from console.core.staff import IncidentRole


class FirstTask(Model):
    """A task that is given when the incident is declared."""

    who: IncidentRole
    """The role whose task it is, whoever has that."""
    what: Text
    within: Span | None = None
    """How long it may take; None: no time box."""


class WarRoomRule(Model):
    """How an incident is staffed."""

    roles: Annotated[
        list[IncidentRole],
        Field(min_length=1),
        Expected("a list of roles, at least one"),
    ]
    """Those that a declaration asks for; whoever declares it is the commander."""
    tasks: list[FirstTask] = Field(default_factory=list)
    ask_again: Span | None = None
    """After so long without a key a console asks who is there; None: it never does."""

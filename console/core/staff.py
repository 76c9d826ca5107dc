"""Who does what in an incident, as part of its state: roles held and offered, tasks and their time boxes."""

from typing import Literal, get_args

from msgspec import Struct

from console.core.clock import Stamp

IncidentRole = Literal["commander", "operations", "communications", "scribe"]
INCIDENT_ROLES: tuple[IncidentRole, ...] = get_args(IncidentRole)
"""In the order in which they are filled; each is one person's, and one person may have several."""


class Held(Struct, frozen=True):
    """A role that somebody has."""

    person: str
    since: Stamp


class Offer(Struct, frozen=True):
    """A role that somebody was asked to take, and has not answered."""

    to: str
    by: str
    at: Stamp


class Assignment(Struct, frozen=True):
    """A task as it is given."""

    id: str
    """Within its incident: `t1`, `t2`."""
    to: str
    """A handle, or a role of the incident: then it is for whoever has that at the time."""
    what: str
    within_s: float | None = None
    """How long it may take; None: no time box."""


class Task(Struct, frozen=True):
    """A task, and what became of it."""

    to: str
    what: str
    by: str
    """Who gave it."""
    since: Stamp
    within_s: float | None
    status: Literal["open", "done", "dropped"] = "open"
    overdue: bool = False
    """Whether the engine has said that its time went by."""
    ended: Stamp | None = None
    words: str = ""
    """What came of it, or why it was dropped."""

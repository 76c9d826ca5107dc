"""Who does what in an incident: its roles, and tasks with their time boxes."""

from console.core.events.body import Body
from console.core.staff import Assignment, IncidentRole


class RoleTaken(Body, frozen=True):
    """Whoever the event's actor is has the role now."""

    kind = "role.taken"
    role: IncidentRole
    before: str = ""
    """Who had it; empty when nobody did."""
    reason: str = ""
    """Why it was taken over from them."""


class RoleOffered(Body, frozen=True):
    """Somebody is asked to take a role."""

    kind = "role.offered"
    role: IncidentRole
    to: str


class RoleAccepted(Body, frozen=True):
    """Whoever was asked has the role now."""

    kind = "role.accepted"
    role: IncidentRole
    before: str = ""
    """Who had it; empty when nobody did."""


class RoleDeclined(Body, frozen=True):
    """Somebody who was asked will not take it, or is not asked any more."""

    kind = "role.declined"
    role: IncidentRole
    to: str
    """Who was asked."""


class TaskAssigned(Body, frozen=True):
    """Tasks were given: one by a person, or the strategy's first ones."""

    kind = "task.assigned"
    critical = False
    tasks: tuple[Assignment, ...]


class TaskDone(Body, frozen=True):
    """Somebody says that it is done."""

    kind = "task.done"
    critical = False
    id: str
    what: str
    words: str = ""


class TaskDropped(Body, frozen=True):
    """It will not be done."""

    kind = "task.dropped"
    critical = False
    id: str
    what: str
    reason: str


class TaskOverdue(Body, frozen=True):
    """Its time is over, and it is open."""

    kind = "task.overdue"
    critical = False
    id: str
    what: str
    whose: str


KINDS: tuple[type[Body], ...] = (
    RoleTaken,
    RoleOffered,
    RoleAccepted,
    RoleDeclined,
    TaskAssigned,
    TaskDone,
    TaskDropped,
    TaskOverdue,
)

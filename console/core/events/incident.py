"""An incident, or a verb by itself, from its beginning to its end."""

from typing import Literal

from console.core.clock import Stamp
from console.core.events.body import Body
from console.core.plan import Wish


class IncidentSuspected(Body, frozen=True):
    """The first mandatory rung: the engine thinks that a release is bad."""

    kind = "incident.suspected"
    triggers: tuple[str, ...]
    """The rules that fire, in their own words."""
    onset: Stamp
    """When the first of them began to be true."""
    samples_from: Stamp
    """The first sample that led here."""


class IncidentDeclared(Body, frozen=True):
    """A person took command of an incident."""

    kind = "incident.declared"
    commander: str
    severity: str
    note: str
    triggers: tuple[str, ...]
    onset: Stamp
    samples_from: Stamp
    roster: str = ""
    """SHA-256 of the roster by which this incident's signatures are counted."""


class SeverityChanged(Body, frozen=True):
    """Somebody said how grave it is, whatever the rule says."""

    kind = "severity.changed"
    severity: str
    reason: str


class OnsetMoved(Body, frozen=True):
    """Somebody said when it really began: what data may go back to ends before."""

    kind = "onset.moved"
    onset: Stamp
    reason: str


class ItemTicked(Body, frozen=True):
    """An item of the checklist, or a prerequisite, was ticked or unticked."""

    kind = "item.ticked"
    item: str
    done: bool
    note: str
    step: str | None = None
    """The step whose success is the evidence; None when a person ticked it."""


class NoteAdded(Body, frozen=True):
    """Somebody said something."""

    kind = "note.added"
    critical = False
    text: str


class IncidentResolved(Body, frozen=True):
    """The incident is over."""

    kind = "incident.resolved"
    outcome: Literal["recovered", "mitigated", "false alarm"]
    note: str
    head: str
    """The journal's head just before, in hex, so that a cut tail can be noticed."""
    in_force: tuple[str, ...] = ()
    """Mitigations that nobody has taken back, by name."""


class RollbackAdvised(Body, frozen=True):
    """What rungs, declared triggers, the line of deploys and mitigations say of a rollback now."""

    kind = "rollback.advised"
    critical = False
    level: Literal["none", "consider", "mandatory", "held"]
    words: str
    """In a sentence."""
    cause: str = ""
    """Why no rollback will help, where that is why it is held."""


class ErrandBegun(Body, frozen=True):
    """A verb was asked for by itself: it has a plan of its own, beside any incident's."""

    kind = "errand.begun"
    wish: Wish


class ErrandEnded(Body, frozen=True):
    """The verb has come to its end."""

    kind = "errand.ended"
    outcome: Literal["done", "failed"]
    words: str


KINDS: tuple[type[Body], ...] = (
    IncidentSuspected,
    IncidentDeclared,
    SeverityChanged,
    OnsetMoved,
    ItemTicked,
    NoteAdded,
    IncidentResolved,
    RollbackAdvised,
    ErrandBegun,
    ErrandEnded,
)

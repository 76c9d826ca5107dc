"""Alerts that others told of, and who was paged to take command of a suspected incident."""

from typing import Literal

from console.core.clock import Stamp
from console.core.events.body import Body


class AlertFired(Body, frozen=True):
    """Alertmanager says that an alert fires."""

    kind = "alert.fired"
    critical = False
    alert: str
    """Its name."""
    fingerprint: str
    """What Alertmanager tells it from others of that name by."""
    means: str
    """The metric or declared trigger that the strategy maps it to; empty where it maps it to none."""
    starts: Stamp
    """Since when; never later than this event, and never more than a day before it."""
    told: int
    """Since when as it was told, UTC microseconds: what is told again is no news."""
    words: str
    """What it says of itself, cut; empty when nothing."""


class AlertEnded(Body, frozen=True):
    """Alertmanager says that an alert does not fire any more."""

    kind = "alert.ended"
    critical = False
    alert: str
    fingerprint: str


class CommandAsked(Body, frozen=True):
    """Somebody is asked to take command of the suspected incident: CommandPaged tells what came of it."""

    kind = "command.asked"
    critical = False
    person: str
    role: str
    """What they are asked as: `on call`, or their level of the escalation path."""
    level: int
    """How far the path is walked: 0 is whoever is on call."""
    why: Literal["on call", "again", "escalation", "by hand"]
    source: str = ""
    """Who says that they are on call, and what is wrong with that; empty with any other reason."""


class CommandPaged(Body, frozen=True):
    """How the page of somebody who was asked to take command ended."""

    kind = "command.paged"
    critical = False
    person: str
    delivered: bool
    words: str
    """What the paging command said, or why it could not be run."""


KINDS: tuple[type[Body], ...] = (AlertFired, AlertEnded, CommandAsked, CommandPaged)

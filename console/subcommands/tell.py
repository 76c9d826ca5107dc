"""Events and progress as plain lines, for terminals that are no screen."""

from console.core.events import Event
from console.core.format import clock, plain
from console.core.strategy import Environment
from console.core.wording import Names, said


def names_of(environment: Environment) -> Names:
    """Titles of the environment's steps and checklist items, by id."""
    steps = {step.id: step.title for step in environment.runbook}
    return steps | {item.id: item.title for item in environment.checklist}


def line(event: Event, names: Names) -> str:
    """`14:08:33 ops-1    signed: ...`: time in UTC, who, and what."""
    return f"{clock(event.at)} {plain(event.actor):8} {plain(said(event, names).words)}"

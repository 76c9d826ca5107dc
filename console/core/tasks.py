"""Tasks of an incident: whose each is, how long it may take yet, and who may give and end one. Pure."""

import math
from collections.abc import Iterable, Iterator

from console.core.clock import Stamp
from console.core.roles import holder, roles_of
from console.core.staff import INCIDENT_ROLES, Assignment, Task
from console.core.state import Incident
from console.core.war_room import FirstTask
from console.core.words import duration

SCRIBE = "scribe"


def owner(incident: Incident, task: Task) -> str | None:
    """Whose it is now; None where its role is nobody's."""
    return holder(incident, task.to) if task.to in INCIDENT_ROLES else task.to


def whose(incident: Incident, task: Task) -> str:
    """Who is waited for: a handle, or the role that nobody has."""
    return owner(incident, task) or task.to


def left_s(task: Task, now: Stamp) -> float | None:
    """Seconds that are left, below zero when it is overdue; None without a time box."""
    return None if task.within_s is None else task.within_s - now.seconds_since(task.since)


def is_late(task: Task, now: Stamp) -> bool:
    """Whether it is open, and its time is over."""
    left = left_s(task, now)
    return task.status == "open" and left is not None and left <= 0


def time_words(task: Task, now: Stamp) -> str:
    """How long it may take yet, or is over: `01:20 left`, `OVERDUE 00:12`; since when, without a time box."""
    left = left_s(task, now)
    if left is None:
        return f"for {duration(now.seconds_since(task.since))}"
    return f"{duration(math.ceil(left))} left" if left > 0 else f"OVERDUE {duration(-left)}"


def open_tasks(incident: Incident, now: Stamp) -> tuple[tuple[str, Task], ...]:
    """Those that are waited for, the most urgent first; those without a time box last."""

    def urgency(item: tuple[str, Task]) -> float:
        left = left_s(item[1], now)
        return math.inf if left is None else left

    found = ((name, task) for name, task in incident.tasks.items() if task.status == "open")
    return tuple(sorted(found, key=urgency))


def late(incident: Incident, now: Stamp) -> int:
    """How many are overdue."""
    return sum(is_late(task, now) for task in incident.tasks.values())


def overdue(incident: Incident, now: Stamp) -> Iterator[str]:
    """Tasks whose time is over, and of which nobody has said so yet."""
    for name, task in incident.tasks.items():
        if is_late(task, now) and not task.overdue:
            yield name


def task_id(incident: Incident | None, after: int = 0) -> str:
    """The id that the next task of the incident gets, or the one so many after it."""
    return f"t{(len(incident.tasks) if incident else 0) + 1 + after}"


def numbered(incident: Incident | None, tasks: Iterable[FirstTask]) -> tuple[Assignment, ...]:
    """The strategy's tasks as they are given, with the ids that come next."""
    return tuple(
        Assignment(task_id(incident, n), task.who, task.what, task.within) for n, task in enumerate(tasks)
    )


def may_not_assign(incident: Incident, actor: str, to: str) -> str:
    """Why somebody may not give that task; whoever has a role may, and anybody to themselves."""
    if to == actor or roles_of(incident, actor):
        return ""
    return f"{actor} has no role in {incident.id}: who has one gives tasks to others, anybody to themselves"


def may_not_end(incident: Incident, task: Task, actor: str) -> str:
    """Why somebody may not say that it is done: whose it is, who gave it, commander and scribe may."""
    if task.status != "open":
        return f"it is {task.status} already"
    may = (owner(incident, task), task.by, incident.commander, holder(incident, SCRIBE))
    if actor in may:
        return ""
    return f"it is {whose(incident, task)}'s, from {task.by}: they may say so, the commander and the scribe"


def may_not_drop(incident: Incident, task: Task, actor: str) -> str:
    """Why somebody may not drop it: who gave it may, and the commander."""
    if task.status != "open":
        return f"it is {task.status} already"
    if actor in (task.by, incident.commander):
        return ""
    may = " or ".join(dict.fromkeys(filter(None, (task.by, incident.commander))))
    return f"only {may} may drop it; whose it is tells them why it cannot be done"

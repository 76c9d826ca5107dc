"""Who does what in an incident, in words."""

from console.core import events as ev
from console.core.staff import Assignment
from console.core.wording.base import Said, Title, Tone, words_of
from console.core.words import duration


@words_of.register
def _(body: ev.RoleTaken, _event: ev.Event, _title: Title) -> Said:
    over = f" over from {body.before}: {body.reason}" if body.before else ""
    return Said(f"takes {_named(body.role)}{over}", Tone.PERSON)


@words_of.register
def _(body: ev.RoleOffered, _event: ev.Event, _title: Title) -> Said:
    return Said(f"asks {body.to} to take {_named(body.role)}", Tone.PERSON)


@words_of.register
def _(body: ev.RoleAccepted, _event: ev.Event, _title: Title) -> Said:
    handed = f", from {body.before}" if body.before else ""
    return Said(f"accepts: has {_named(body.role)} now{handed}", Tone.PERSON)


@words_of.register
def _(body: ev.RoleDeclined, event: ev.Event, _title: Title) -> Said:
    if event.actor == body.to:
        return Said(f"does not take {_named(body.role)}", Tone.WARN)
    return Said(f"asks {body.to} no more to take {_named(body.role)}", Tone.PERSON)


@words_of.register
def _(body: ev.TaskAssigned, _event: ev.Event, _title: Title) -> Said:
    if len(body.tasks) == 1:
        return Said(f"task for {_told(body.tasks[0])}", Tone.PERSON)
    every = "; ".join(_told(task) for task in body.tasks)
    return Said(f"{len(body.tasks)} first tasks: {every}", Tone.PERSON)


@words_of.register
def _(body: ev.TaskDone, _event: ev.Event, _title: Title) -> Said:
    words = f"; {body.words}" if body.words else ""
    return Said(f"done: {body.what}{words}", Tone.GOOD)


@words_of.register
def _(body: ev.TaskDropped, _event: ev.Event, _title: Title) -> Said:
    return Said(f"dropped: {body.what}; {body.reason}", Tone.WARN)


@words_of.register
def _(body: ev.TaskOverdue, _event: ev.Event, _title: Title) -> Said:
    return Said(f"OVERDUE, {body.whose}: {body.what}", Tone.WARN)


def _named(role: str) -> str:
    return "the command" if role == "commander" else role


def _told(task: Assignment) -> str:
    within = f", within {duration(task.within_s)}" if task.within_s is not None else ""
    return f"{task.to}: {task.what}{within}"

"""Who has what, and how long: the roles and tasks of an incident as a page, and as a few words on a line."""

from collections.abc import Iterator, Sequence

from console.core.clock import Stamp
from console.core.format import clock, count
from console.core.roles import held, shown, vacant
from console.core.staff import IncidentRole, Task
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.tasks import late, left_s, open_tasks, time_words, whose
from console.core.words import duration
from screens.lines import Line, Role, Span, blank, cell, fit, line, rule, span, wrap
from screens.lines import width as width_of

ROLE_CELLS, WHO_CELLS, TIME_CELLS = 16, 15, 15
"""A role's name has 14 cells, and so has a time that is over."""
SOON_S = 60.0
"""A task that has less time left than that is about to be overdue."""
_SIGN = {"done": ("✓", Role.GOOD), "dropped": ("✗", Role.DIM)}


def staff_lines(
    incident: Incident | None, environment: Environment, now: Stamp, actor: str, width: int
) -> list[Line]:
    """The page: every role and who has it, every task and how long it has; the most urgent first."""
    if incident is None:
        return wrap("No incident is open: nobody has a role or a task.", width)
    waited = open_tasks(incident, now)
    ended = [(name, task) for name, task in incident.tasks.items() if task.status != "open"]
    number = late(incident, now)
    over = (span(f", {number} OVERDUE", Role.BAD),) if number else ()
    return [
        *_roles(incident, _wanted(environment), now, actor, width),
        rule(width, span("WAITED FOR ", Role.STRONG), span(count(len(waited), "task")), *over),
        *(row for name, task in waited for row in _task(incident, name, task, now, actor, width)),
        *([] if waited else wrap("Nobody: no task is open.", width, Role.DIM)),
        *([rule(width, span("ENDED", Role.STRONG))] if ended else ()),
        *(row for name, task in ended for row in _ended(incident, name, task, width)),
    ]


def _wanted(environment: Environment) -> Sequence[IncidentRole]:
    return environment.war_room.roles if environment.war_room else ()


def _roles(
    incident: Incident, wanted: Sequence[IncidentRole], now: Stamp, actor: str, width: int
) -> Iterator[Line]:
    yield rule(width, span("ROLES", Role.STRONG))
    missing = vacant(incident, wanted)
    for role in shown(incident, wanted):
        has, offer = held(incident, role), incident.offers.get(role)
        sign, look = ("✓", Role.GOOD) if has else ("…", Role.WARN) if offer else ("!", Role.WARN)
        parts: list[Line] = []
        if has:
            since = f"for {duration(now.seconds_since(has.since))}"
            parts.append((*cell(_person(has.person, actor), WHO_CELLS), span(since, Role.DIM)))
        if offer:
            asked = f"{offer.to} is asked, by {offer.by} at {clock(offer.at)}"
            mine = offer.to == actor
            parts.append(line(span(f"{asked}{' (t)' * mine}", Role.ACT if mine else Role.WARN)))
        if role in missing:
            parts.append(line(span("nobody: t takes it, h asks somebody", Role.WARN)))
        said = parts[0] if len(parts) == 1 else (*parts[0], blank(2), *parts[1])
        yield fit((span(f" {sign} ", look), *cell(span(role), ROLE_CELLS), *said), width)


def _task(incident: Incident, name: str, task: Task, now: Stamp, actor: str, width: int) -> list[Line]:
    sign, look = _urgency(task, now)
    who = cell(_person(whose(incident, task), actor), WHO_CELLS)
    time = cell(span(time_words(task, now), look), TIME_CELLS)
    head = (span(f" {sign} ", look), *cell(span(name, Role.DIM), 4), *who, *time)
    return _wrapped(head, task.what, width)


def _ended(incident: Incident, name: str, task: Task, width: int) -> list[Line]:
    sign, look = _SIGN[task.status]
    when = f"{task.status} {clock(task.ended)[:5]}" if task.ended else task.status
    head = (
        span(f" {sign} ", look),
        *cell(span(name, Role.DIM), 4),
        *cell(span(whose(incident, task), Role.DIM), WHO_CELLS),
        *cell(span(when, Role.DIM), TIME_CELLS),
    )
    return _wrapped(head, f"{task.what}{'; ' * bool(task.words)}{task.words}", width, Role.DIM)


def _wrapped(head: Line, words: str, width: int, role: Role = Role.PLAIN) -> list[Line]:
    """The words at the right of the head, on as many lines as they need."""
    taken = width_of(head)
    first, *more = wrap(words, max(1, width - taken), role)
    return [(*head, *first), *((blank(taken), *row) for row in more)]


def _person(handle: str, actor: str) -> Span:
    return span(handle, Role.ACT if handle == actor else Role.STRONG)


def _urgency(task: Task, now: Stamp) -> tuple[str, Role]:
    left = left_s(task, now)
    if left is None:
        return "·", Role.PLAIN
    if left <= 0:
        return "!", Role.BAD
    return ("◌", Role.WARN) if left < SOON_S else ("·", Role.PLAIN)


# -- a few words ------------------------------------------------------------------------------------


def task_words(incident: Incident | None, now: Stamp, key: str) -> tuple[Line, ...]:
    """What is to be known of tasks on one line, from all words to the fewest; nothing when none is open."""
    waited = open_tasks(incident, now) if incident and incident.status == "declared" else ()
    if incident is None or not waited:
        return ()
    _, first = waited[0]
    over = late(incident, now)
    look = _urgency(first, now)[1]
    number = count(len(waited), "task")
    urgent = span(f"{whose(incident, first)} {time_words(first, now)}", look)
    some = span(f"{over} OVERDUE" if over else number, look)
    press = (span(" "), span(key, Role.ACT))
    few = line(f"{number}, ", some, *press) if over else line(some, *press)
    return (line(f"{number}: ", urgent, *press), few, *((line(some),) if over else ()))

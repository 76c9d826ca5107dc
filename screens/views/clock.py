"""The clock line: how long from gate to healthy, against the target, and who or what is waited for."""

from msgspec import Struct

from console.core.automatic_words import stage_clock
from console.core.commands import command
from console.core.format import left
from console.core.plan import Phase, Plan
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.standing import gate_waits_for, healthy_at, to_healthy
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.words import duration, took
from screens.lines import RULE, Line, Role, Span, blank, line, rule, span
from screens.lines import width as width_of
from screens.views.staff import task_words

RIGHT_CELLS = 3
"""What stands around the words at the right edge: a space on both sides, and the rule's last cell."""
EDGES_CELLS = 4 + RIGHT_CELLS
"""That, and the same around the words at the left, which have a cell of the rule on both sides."""
OVERDUE = 2
"""The place of the fewest words about tasks, which there are only when one is overdue."""


class ClockView(Struct, frozen=True):
    """The words on the line."""

    words: Line
    tasks: tuple[Line, ...] = ()
    """What is to be known of tasks, at the right edge: from all words to the fewest."""


def clock_view(snapshot: Snapshot, environment: Environment) -> ClockView:
    """What the clocks say at this moment, and who is waited for with a task."""
    tasks = task_words(snapshot.state.open_incident, snapshot.at, command("people").key)
    return ClockView(_clocks(snapshot, environment), tasks)


def _clocks(snapshot: Snapshot, environment: Environment) -> Line:
    incident = snapshot.state.incident
    target = duration(environment.recover_within)
    if incident is not None and (stages := _stages(snapshot, incident)):
        return line(stages, f" · target {target}")
    if incident is None or incident.plan is None:
        return line(f"recovery target {target}")
    if incident.gate_opened is None:
        expected = left(to_healthy(snapshot, incident, incident.plan))
        waits = _waits(snapshot, incident)
        return line(f"gate to healthy {expected} · target {target} · ", waits)
    return _after_gate(snapshot, incident, incident.plan)


def _stages(snapshot: Snapshot, incident: Incident) -> Span | None:
    """The stage of an automatic rollback that goes on by itself; None where none does."""
    run = incident.automatic
    if run is None or not run.active or run.mode not in ("validating", "runs"):
        return None
    words = stage_clock(run, snapshot.at)
    return span(f"AUTOMATIC {words}", Role.ALARM if "OVER" in words else Role.WARN)


def draw_clock(view: ClockView, width: int, height: int) -> list[Line]:
    """One rule with the words in it; at its right edge those of tasks, as many as there is room for.

    For an overdue task there is always room: then the end of the other words gives way.
    """
    room = width - width_of(view.words) - EDGES_CELLS
    fitting = [words for words in view.tasks if width_of(words) <= room]
    right = fitting[0] if fitting else view.tasks[OVERDUE] if len(view.tasks) > OVERDUE else ()
    if not right:
        return [rule(width, *view.words)][:height]
    whole = rule(width - width_of(right) - RIGHT_CELLS, *view.words)
    return [(*whole, blank(1), *right, blank(1), span(RULE, Role.DIM))][:height]


_NOBODY = {Presence.SILENT: "the engine is silent"}


def _nobody(snapshot: Snapshot) -> Span:
    return span(_NOBODY.get(presence(snapshot), "no engine runs it"), Role.ALARM)


def _waits(snapshot: Snapshot, incident: Incident) -> Span:
    if presence(snapshot) is not Presence.ALIVE:
        return _nobody(snapshot)
    if incident.planning:
        return span("planning")
    if incident.aborted is not None:
        return span("stopped: somebody has to go on", Role.WARN)
    if incident.asking():
        return span("waiting for a decision", Role.WARN)
    if not incident.settled(Phase.PREPARE):
        return span("preparing")
    short = gate_waits_for(incident, snapshot.at)
    return span(short, Role.WARN) if short else span("the gate opens")


def _after_gate(snapshot: Snapshot, incident: Incident, plan: Plan) -> Line:
    assert incident.gate_opened is not None  # noqa: S101 - the caller has looked
    target = plan.recover_within_s
    if healthy := healthy_at(incident):
        seconds = healthy.seconds_since(incident.gate_opened)
        verdict = span("met", Role.GOOD) if seconds <= target else span("missed", Role.BAD)
        sick = took(healthy.seconds_since(incident.onset))
        return line(
            f"gate to healthy {took(seconds)} · target {duration(target)} ", verdict, f" · sick for {sick}"
        )
    since = snapshot.at.seconds_since(incident.gate_opened)
    if since > target:
        over = span(f"OVER by {duration(since - target)}", Role.ALARM)
        return line(
            f"gate {duration(since)} ago · target {duration(target)} ", over, *_goes_on(snapshot, incident)
        )
    runs = presence(snapshot) is Presence.ALIVE and incident.aborted is None and not incident.asking()
    expected = f" · {left(to_healthy(snapshot, incident, plan))} to healthy" if runs else ""
    words = f"gate {duration(since)} ago{expected} · target {duration(target)}"
    return line(words, *_goes_on(snapshot, incident))


def _goes_on(snapshot: Snapshot, incident: Incident) -> Line:
    """Behind the gate: what runs, or why nothing does."""
    if presence(snapshot) is not Presence.ALIVE:
        return line(" · ", _nobody(snapshot))
    if running := incident.running():
        return line(f" · {running[0].title}")
    asks = bool(incident.asking()) or incident.aborted is not None
    return line(span(" · waiting for a decision", Role.WARN)) if asks else ()

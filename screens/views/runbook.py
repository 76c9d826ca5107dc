"""The runbook: every step with its proof, what runs with how far it is, and the gate in its place."""

from msgspec import Struct

from console.core.automatic_words import gate_words
from console.core.clock import Stamp
from console.core.commanding import to_allow
from console.core.format import clock, left, short
from console.core.live import Progress
from console.core.plan import PHASES, Phase, Plan, Step
from console.core.plan_words import way
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.standing import gate_waits_for, remaining, spent
from console.core.state import Incident, Status, StepState
from console.core.strategy import Environment
from console.core.words import duration, took
from screens.lines import Line, Role, blank, cell, fit, flush, line, rule, span, wrap
from screens.lines import width as width_of
from screens.views.schema import schema_caption

SAID_LINES = 3
"""Lines that a step gets for what it is doing, or for why it failed."""
TITLE_CELLS = 16
"""What a title gets at least; more where the pane is wide."""

SIGN = {
    Status.WAITING: ("·", Role.DIM),
    Status.RUNNING: ("▸", Role.ACT),
    Status.DONE: ("✓", Role.GOOD),
    Status.FAILED: ("✗", Role.ALARM),
    Status.UNKNOWN: ("?", Role.ALARM),
    Status.SKIPPED: ("-", Role.WARN),
    Status.UNDONE: ("<", Role.WARN),
}
_FOUND = {
    None: "",
    "done": "looks done: ",
    "not done": "looks not done: ",
    "cannot tell": "cannot be told: ",
}
_ORPHANED = "nobody runs it now: what became of it is unknown until an engine looks"
_UNHEARD = "the engine is silent: how far this is, nobody can say"
_EMPHASIS = {Role.DIM: Role.DIM, Role.ACT: Role.STRONG, Role.ALARM: Role.BAD}


class RunbookRow(Struct, frozen=True):
    """One line of the runbook."""

    sign: str
    role: Role
    title: str
    words: str
    time: str
    settled: bool = False
    expected_s: float = 0.0
    gate: bool = False
    stands_out: bool = False
    """It runs, or waits for a decision: its words get lines of their own."""


class RunbookView(Struct, frozen=True):
    """The runbook as it stands."""

    caption: Line
    """What way back this is, for the rule above."""
    rows: tuple[RunbookRow, ...]
    focus: int
    """The row that matters now: never folded away."""
    output: tuple[str, ...] = ()
    """The last lines that the running step printed."""
    output_of: str = ""


# -- from the snapshot ------------------------------------------------------------------------------


def runbook_view(snapshot: Snapshot, environment: Environment, *, output: bool) -> RunbookView:
    """The steps of the plan; without one, those that a plan would have. `output`: with what is printed."""
    incident = snapshot.state.incident
    if incident is None or incident.plan is None:
        return _before_plan(snapshot, environment)
    rows, focus = _rows(snapshot, incident, incident.plan)
    running = incident.running()
    progress = snapshot.live.steps.get(running[0].id) if running and snapshot.live else None
    return RunbookView(
        caption=_caption(snapshot, incident),
        rows=rows,
        focus=focus,
        output=progress.output if progress and output else (),
        output_of=running[0].title if running else "",
    )


def _before_plan(snapshot: Snapshot, environment: Environment) -> RunbookView:
    rows = tuple(
        RunbookRow("·", Role.DIM, step.title, "", left(step.expected), expected_s=step.expected)
        for phase in PHASES
        for step in environment.runbook
        if step.phase is phase
    )
    return RunbookView(_caption(snapshot, snapshot.state.open_incident), rows, focus=0)


def _caption(snapshot: Snapshot, incident: Incident | None) -> Line:
    """What way back it is; or that one is being planned, or cannot be."""
    if incident is not None and incident.planning:
        return line(span("PLANNING ", Role.ACT), _planning(snapshot))
    if incident is not None and incident.planning_failed is not None and not incident.running():
        return line(span("NO NEW PLAN " if incident.plan else "NO PLAN ", Role.BAD), incident.planning_failed)
    if incident is None or incident.plan is None:
        return line(span("WAY BACK ", Role.STRONG), span("what it would be", Role.DIM))
    plan = incident.plan
    stopped = incident.aborted is not None and incident.status != "resolved"
    return line(
        span("STOPPED ", Role.ALARM) if stopped else span("WAY BACK ", Role.STRONG),
        way(plan),
        *schema_caption(incident, plan),
        span(f" · plan {short(incident.plan_hash or '')}", Role.DIM),
    )


def _planning(snapshot: Snapshot) -> str:
    if presence(snapshot) is not Presence.ALIVE:
        return "nobody goes on with it: no engine"
    doing = snapshot.live.planning if snapshot.live else None
    return f"{doing.words} {duration(snapshot.at.seconds_since(doing.since))}" if doing else "begins"


def _rows(snapshot: Snapshot, incident: Incident, plan: Plan) -> tuple[tuple[RunbookRow, ...], int]:
    rows: list[RunbookRow] = []
    for phase in PHASES:
        if phase is Phase.SWITCH:
            rows.append(_gate_row(incident, snapshot.at))
        rows += [_step_row(snapshot, incident, step) for step in plan.of_phase(phase)]
    focus = next((index for index, row in enumerate(rows) if not row.settled), len(rows) - 1)
    return tuple(rows), focus


def _gate_row(incident: Incident, now: Stamp) -> RunbookRow:
    if incident.gate_opened is not None:
        said = ", ".join(a.person for a in incident.approvals if a.plan_hash == incident.plan_hash)
        how = gate_words(incident) or f"{said} said yes"
        opened = f"open since {clock(incident.gate_opened)}, {how}"
        return RunbookRow("✓", Role.GOOD, "GATE", opened, "", settled=True, gate=True)
    asked = incident.settled(Phase.PREPARE)
    words = gate_words(incident) or gate_waits_for(incident, now) or "everybody said yes"
    role = Role.WARN if asked else Role.DIM
    return RunbookRow("◌", role, "GATE", words, "", gate=True)


def _step_row(snapshot: Snapshot, incident: Incident, step: Step) -> RunbookRow:
    if undo := _undo_row(snapshot, incident, step):
        return undo
    state = incident.step(step.id)
    lost = lost_sight(snapshot) if state.status is Status.RUNNING else ""
    sign, role = SIGN[Status.UNKNOWN if lost else state.status]
    words, time = (lost, "") if lost else _progress(snapshot, incident, step, state)
    stands_out = state.status is Status.RUNNING or state.status.asks
    return RunbookRow(
        sign, role, step.title, words, time, state.status.settled, step.expected_s, stands_out=stands_out
    )


def _undo_row(snapshot: Snapshot, incident: Incident, step: Step) -> RunbookRow | None:
    """A step that is being taken back, or could not be; None for any other, also one that has been."""
    undo = incident.undos.get(step.id)
    if undo is None or undo.status is Status.DONE:
        return None
    lost = lost_sight(snapshot) if undo.status is Status.RUNNING else ""
    sign, role = SIGN[Status.UNKNOWN if lost else undo.status]
    words, time = (lost, "") if lost else _progress(snapshot, incident, step, undo)
    return RunbookRow(sign, role, f"undo {step.title}", words, time, stands_out=True)


def lost_sight(snapshot: Snapshot) -> str:
    """Why nobody knows how far a step under way is; empty while an engine says so."""
    match presence(snapshot):
        case Presence.ALIVE:
            return ""
        case Presence.SILENT:
            return _UNHEARD
        case _:
            return _ORPHANED


def _progress(snapshot: Snapshot, incident: Incident, step: Step, state: StepState) -> tuple[str, str]:
    """What stands in the middle of the row and at its end."""
    match state.status:
        case Status.WAITING:
            waits = step in to_allow(incident)
            return f"waits for {incident.commander} (y)" if waits else "", left(step.expected_s)
        case Status.RUNNING:
            progress = snapshot.live.steps.get(step.id) if snapshot.live else None
            so_far = duration(spent(snapshot, incident, step))
            expected = remaining(snapshot, incident, step)
            end = f"{left(expected)} left" if expected > 0 else f"limit {duration(step.limit_s)}"
            return _counted(progress), f"{so_far} {end}"
        case Status.FAILED:
            return f"FAILED {state.words}", took(state.seconds or 0)
        case Status.UNKNOWN:
            return f"UNKNOWN, {_FOUND[state.finding]}{state.words}", ""
        case Status.SKIPPED:
            return "skipped", ""
        case Status.UNDONE:
            undo = incident.undos.get(step.id)
            return f"taken back: {undo.words}" if undo else "taken back", took(state.seconds or 0)
        case Status.DONE:
            return state.words, took(state.seconds or 0)


def _counted(progress: Progress | None) -> str:
    if progress is None:
        return "begins"
    if progress.total is None or progress.done is None:
        return progress.words
    return f"{progress.done:g} of {progress.total:g} {progress.unit} · {progress.words}"


# -- to lines ---------------------------------------------------------------------------------------


def draw_runbook(view: RunbookView, width: int, height: int) -> list[Line]:
    """The rows; folded at both ends where they are too many, with the running step's output below them."""
    longest = max((span(row.title).cells for row in view.rows), default=0)
    titles = min(longest, max(TITLE_CELLS, width // 3))
    blocks = [_block(row, titles, width) for row in view.rows]
    lines = [line for block in blocks for line in block]
    if len(lines) > height:
        return _folded(view, blocks, width, height)
    spare = height - len(lines)
    if view.output and spare > 1:
        lines.append(rule(width, span(f"output of {view.output_of}", Role.DIM)))
        lines += [fit((span(f" {printed}", Role.DIM),), width) for printed in view.output[-(spare - 1) :]]
    return lines


def _block(row: RunbookRow, titles: int, width: int) -> list[Line]:
    """A row on one line; what runs or waits for a decision says more on a second."""
    emphasis = _EMPHASIS.get(row.role, Role.PLAIN)
    end: Line = (blank(1), span(row.time, Role.DIM if row.settled else emphasis), blank(1))
    title = span(row.title, emphasis)
    sign = (blank(1), span(row.sign, row.role), blank(1))
    if row.stands_out:
        said = wrap(row.words, width - 4, Role.BAD if row.role is Role.ALARM else Role.ACT)
        return [flush((*sign, title), end, width), *((blank(3), *more) for more in said[:SAID_LINES])]
    head = (*sign, *(cell(title, titles) if row.words and not row.gate else (title,)))
    words = span(f" {row.words}", row.role if row.gate else emphasis)
    if row.settled and width_of((*head, words, *end)) > width:
        end = (blank(1),)  # the proof says more than how long it took
    return [flush((*head, words), end, width)]


def _folded(view: RunbookView, blocks: list[list[Line]], width: int, height: int) -> list[Line]:
    """The rows around the one that matters; what lies before and after is counted."""
    first, last = _window([len(block) for block in blocks], view.focus, height)
    lines = [line for block in blocks[first : last + 1] for line in block]
    if first > 0:
        lines.insert(0, fit((span(f" ✓ {first} more done", Role.GOOD),), width))
    if after := view.rows[last + 1 :]:
        rest = duration(sum(row.expected_s for row in after))
        more = line(span(f" · {len(after)} more", Role.DIM))
        lines.append(flush(more, line(span(f"~{rest} ", Role.DIM)), width))
    return lines[:height]


def _window(heights: list[int], focus: int, room: int) -> tuple[int, int]:
    """First and last row to show: the one that matters, one before it, and as many after it as fit."""
    first = last = focus

    def fits(low: int, high: int) -> bool:
        folds = (low > 0) + (high < len(heights) - 1)
        return sum(heights[low : high + 1]) + folds <= room

    if first > 0 and fits(first - 1, last):
        first -= 1
    while last < len(heights) - 1 and fits(first, last + 1):
        last += 1
    while first > 0 and fits(first - 1, last):
        first -= 1
    return first, last


def lines_wanted(view: RunbookView) -> int:
    """Lines that the runbook would like to have: a step that runs or asks takes more than one."""
    return len(view.rows) + SAID_LINES

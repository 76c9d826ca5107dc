"""Automatic rollback in words: whether it is on, how far it is, what to do next, what a page says. Pure."""

from typing import Literal

from msgspec import Struct

from console.core.automatic import blocked, off
from console.core.automatic_run import STAGES, About, AutomaticRun, Outcome, Stage
from console.core.clock import Stamp
from console.core.format import clock, plain
from console.core.protocols import Snapshot
from console.core.state import Incident, State
from console.core.strategy import Environment
from console.core.words import duration, took

Word = Literal["on", "off", "begun", "running", "armed", "held", "ended", "none"]


class Told(Struct, frozen=True):
    """Whether automatic rollback acts here, in a word, and why in a sentence."""

    word: Word
    words: str
    short: str
    """The same for a corner of the screen."""


def told(state: State, environment: Environment, now: Stamp, standing: str = "") -> Told:
    """How it stands; `standing`: until when one is in force that it may run by, empty for none."""
    rule, incident = environment.automatic, state.open_incident
    if rule is None:
        return Told("none", "the strategy has no automatic rollback here", "")
    run = incident.automatic if incident else None
    if incident is not None and run is not None:
        return _of_run(run, now)
    if why := off(state, environment):
        return Told("off", why, "automatic OFF")
    if incident is not None and incident.commander is not None:
        words = f"{incident.commander} commands: nothing is rolled back automatically"
        return Told("off", words, f"automatic off, {incident.commander} commands")
    if why := blocked(state, rule, now):
        return Told("held", why, "automatic HELD")
    if standing:
        words = f"on: it rolls back by itself, by a standing authorisation until {standing}"
        return Told("on", words, f"automatic on until {standing[:10]}")
    if rule.unsigned == "runs":
        return Told("on", "on: it rolls back by itself, which this environment lets it", "automatic on")
    words = "it prepares and waits at the gate: no standing authorisation is in force"
    return Told("on", f"on: {words}", "automatic on, arms only")


_SHORT: dict[Outcome, str] = {
    "rolled back": "rolled back by itself",
    "stopped": "automatic STOPPED",
    "taken": "automatic over",
    "off": "automatic OFF",
}


def _of_run(run: AutomaticRun, now: Stamp) -> Told:
    if run.outcome is not None:
        return Told("ended", f"{run.outcome}: {run.words}", _SHORT[run.outcome])
    match run.mode:
        case "held":
            return Told("held", run.why, "automatic HELD")
        case "arms":
            return Told("armed", run.why, "automatic ARMED")
        case "runs":
            return Told("running", f"{stage_clock(run, now)}; {run.why}", "AUTOMATIC runs")
        case "validating":
            return Told("begun", stage_clock(run, now), "AUTOMATIC looks again")


def told_now(snapshot: Snapshot, environment: Environment) -> Told:
    """How it stands at the moment of a snapshot."""
    standing = snapshot.live.standing if snapshot.live else ""
    return told(snapshot.state, environment, snapshot.at, standing)


def gate_words(incident: Incident) -> str:
    """By what the gate of the present plan opens, or has, with nobody's yes; empty where people open it."""
    run = incident.automatic
    if run is None:
        return ""
    by = f", by standing authorisation {run.standing}" if run.standing else ""
    if run.opened and run.opened == incident.plan_hash:
        return f"opened by itself{by}"
    waits = run.by_itself and incident.gate_opened is None
    return f"opens by itself{by}" if waits else ""


def stage_clock(run: AutomaticRun, now: Stamp) -> str:
    """`validation 00:04 of 01:00`; of the stage that is waited for."""
    stage = _present(run)
    if stage is None:
        return "begins"
    state = run.stages[stage]
    spent = state.spent_s(now)
    over = f", OVER by {duration(spent - state.budget_s)}" if spent > state.budget_s else ""
    return f"{stage} {duration(spent)} of {duration(state.budget_s)}{over}"


def _present(run: AutomaticRun) -> Stage | None:
    """The last that has begun and is under way; the alert only where no other is."""
    open_ = [stage for stage in STAGES if run.under_way(stage)]
    return next((stage for stage in reversed(open_) if stage != "alert"), open_[-1] if open_ else None)


class StageLine(Struct, frozen=True):
    """One stage on the screen."""

    stage: Stage
    state: Literal["waits", "runs", "done"]
    late: bool
    spent: str
    """`0.6 s of 01:00`."""
    words: str


def stage_lines(run: AutomaticRun, now: Stamp) -> tuple[StageLine, ...]:
    """All five, in order."""
    return tuple(_line(stage, run, now) for stage in STAGES)


def _line(stage: Stage, run: AutomaticRun, now: Stamp) -> StageLine:
    state = run.stages.get(stage)
    if state is None:
        return StageLine(stage, "waits", late=False, spent="", words="")
    spent, budget = state.spent_s(now), duration(state.budget_s)
    if state.seconds is None:
        return StageLine(stage, "runs", spent > state.budget_s, f"{duration(spent)} of {budget}", "")
    return StageLine(stage, "done", spent > state.budget_s, f"{took(spent)} of {budget}", state.words)


def next_words(incident: Incident, now: Stamp) -> tuple[str, str | None] | None:
    """What somebody should do who looks at the screen, and by which command; None: nothing of its own."""
    run = incident.automatic
    if run is None or incident.commander is not None:
        return None
    if run.outcome == "rolled back":
        at = f" at {clock(run.ended)}" if run.ended else ""
        return f"take command, then close it (R): it rolled back by itself{at}, {run.words}", "declare"
    if run.outcome is not None:
        return f"take command: automatic rollback {run.outcome}, {run.words}", "declare"
    if run.mode == "held":
        return f"take command: automatic rollback is held: {run.why}", "declare"
    if run.mode == "arms":
        return None
    how = "looks again, then decides" if run.mode == "validating" else "rolls back by itself"
    stop = "x stops it" if run.opened else "D takes command instead, K switches it off"
    return f"wait: it {how}, {stage_clock(run, now)}; {stop}", None


_SAYS: dict[About, str] = {
    "begun": "automatic rollback has begun, nobody commands",
    "held": "automatic rollback is HELD: a person is needed",
    "stopped": "automatic rollback has STOPPED: a person is needed",
}


def page_text(name: str, incident: Incident, run: AutomaticRun, about: About, person: str) -> str:
    """What a page says to somebody who would have to say yes, with a line break at its end."""
    why = {"begun": ", ".join(run.rules), "held": run.why, "stopped": run.words}[about]
    lines = (
        f"{name.upper()}: {incident.severity} {incident.id}: {_SAYS[about]}",
        f"why: {why}; sick since {clock(incident.onset)}Z",
        f"take command: warroom go {incident.id} --env {name} --as {person}",
        f"look: warroom status --env {name}",
    )
    return "".join(f"{plain(line)}\n" for line in lines)

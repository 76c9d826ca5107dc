"""The one registry of commands: bindings, keys line, palette, help and the key table all come from here."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from console.core.plan import Step
from console.core.policy import choices
from console.core.presence import Presence, hanging, presence
from console.core.protocols import Snapshot
from console.core.state import Incident

Possible = Callable[[Snapshot], str | None]


class Group(StrEnum):
    """Where a command stands in the help."""

    LEAD = "lead the incident"
    RUN = "run the way back"
    WRITE = "write it down"
    LOOK = "look"
    CONSOLE = "this console"
    DIALOG = "in a dialog"


class Command(Struct, frozen=True):
    """Something that a person can ask for with one key, one word in the palette, or one subcommand."""

    id: str
    key: str
    """As people write it, `n`, `D`, `?`."""
    label: str
    """What the keys line calls it; at most 8 characters."""
    sentence: str
    """What it does, for help and tooltip."""
    group: Group
    subcommand: str
    """What does the same on the command line; empty where that makes no sense."""
    possible: Possible
    """None when it can be done now, else the reason in one sentence."""
    rank: int = 99
    """Who stays on a narrow keys line: the lowest do."""
    aliases: tuple[str, ...] = ()
    """Other keys that do the same, by textual's name."""


def _always(_: Snapshot) -> str | None:
    return None


def _declared(snapshot: Snapshot) -> Incident | str:
    """The declared incident, or why there is none to act on."""
    incident = snapshot.state.open_incident
    if incident is None:
        return "no incident is open: D declares one"
    if incident.status == "suspected":
        return f"{incident.id} is only suspected: D declares it"
    return incident


def _declare(snapshot: Snapshot) -> str | None:
    incident = snapshot.state.open_incident
    if incident is None or incident.status == "suspected":
        return None
    return f"{incident.id} is declared already, {incident.commander} commands it"


def _planned(snapshot: Snapshot) -> Incident | str:
    """The declared incident, whose plan is not about to be replaced; or why there is none."""
    incident = _declared(snapshot)
    if isinstance(incident, Incident) and incident.planning:
        return "a plan is being made: wait for it"
    return incident


def _go(snapshot: Snapshot) -> str | None:
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    if incident.plan is None:
        return "there is no plan yet to say yes to"
    if incident.gate_opened is not None:
        return "the gate is open already: the way back is under way"
    if incident.aborted is not None:
        return "the run is stopped: X goes on with it, T plans anew"
    return None


def _plan(snapshot: Snapshot) -> str | None:
    incident = snapshot.state.incident
    return None if incident is not None and incident.plan is not None else "there is no plan yet"


def _decide(snapshot: Snapshot) -> str | None:
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    if any(choices(incident, step.id) for step in incident.asking()):
        return None
    if incident.asking():
        return "the engine looks first what became of the step"
    return "no step has failed or is unclear: there is nothing to decide"


def _abort(snapshot: Snapshot) -> str | None:
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    if incident.aborted is not None:
        return "the run is stopped already: X goes on with it"
    if incident.plan is None or incident.finished:
        return "nothing runs that could be stopped"
    return None


def _resume(snapshot: Snapshot) -> str | None:
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    return None if incident.aborted is not None else "the run is not stopped"


def _target(snapshot: Snapshot) -> str | None:
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    if running := incident.running():
        return _under_way(snapshot, running[0], "stop the run with x, then plan anew")
    if incident.finished:
        return "the plan has been carried out: R closes the incident"
    return None


def _tick(snapshot: Snapshot) -> str | None:
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    return None if incident.gate_opened else "the checklist comes after the switch: the gate is not open yet"


def _resolve(snapshot: Snapshot) -> str | None:
    incident = snapshot.state.open_incident
    if incident is None:
        return "no incident is open"
    if running := incident.running():
        return _under_way(snapshot, running[0], "stop the run with x")
    return None


def _under_way(snapshot: Snapshot, step: Step, otherwise: str) -> str:
    """Why it must wait for a step; without an engine nobody knows how that ended."""
    if presence(snapshot) is Presence.ALIVE:
        return f"{step.title!r} is running: wait for it, or {otherwise}"
    return f"what became of {step.title!r} is unknown until an engine looks: E starts one"


def _output(snapshot: Snapshot) -> str | None:
    incident = snapshot.state.incident
    began = incident is not None and any(step.attempt for step in incident.steps.values())
    return None if began else "no step has run yet"


def _engine(snapshot: Snapshot) -> str | None:
    engine = snapshot.state.engine
    if presence(snapshot) is Presence.ALIVE:
        return f"an engine runs already, process {snapshot.live.pid}" if snapshot.live else "an engine starts"
    if pid := hanging(snapshot):
        return f"process {pid} is an engine, and silent: another can start when it has ended"
    if engine is not None and engine.mode == "separated":
        return "the engine runs under an account of its own: its service manager starts it, not a console"
    return None


COMMANDS: tuple[Command, ...] = (
    Command(
        "next",
        "n",
        "next",
        "Does what the NEXT line says; says why when there is nothing to press.",
        Group.LEAD,
        "warroom status",
        _always,
        rank=0,
    ),
    Command(
        "declare",
        "D",
        "declare",
        "Declares an incident, or takes command of the suspected one.",
        Group.LEAD,
        "warroom declare",
        _declare,
        rank=3,
    ),
    Command(
        "target",
        "T",
        "target",
        "Plans anew: back to a release you name, or to the one that the releases' verdicts propose.",
        Group.LEAD,
        "warroom replan",
        _target,
        rank=10,
    ),
    Command(
        "go",
        "g",
        "go",
        "Says yes to the plan: shows it once more and asks for the environment's name.",
        Group.RUN,
        "warroom go",
        _go,
        rank=4,
    ),
    Command(
        "abort",
        "x",
        "abort",
        "Stops the run before its next step; what is done stays done.",
        Group.RUN,
        "warroom abort",
        _abort,
        rank=5,
    ),
    Command(
        "resume",
        "X",
        "resume",
        "Goes on with a run that was stopped.",
        Group.RUN,
        "warroom resume",
        _resume,
        rank=12,
    ),
    Command(
        "decide",
        "r",
        "decide",
        "Decides about a step that failed or whose end is unclear: retry, count it as done, skip, or stop.",
        Group.RUN,
        "warroom run STEP",
        _decide,
        rank=6,
    ),
    Command(
        "tick",
        "t",
        "tick",
        "Ticks an item of the validation checklist, or takes the tick back.",
        Group.WRITE,
        "warroom tick",
        _tick,
        rank=7,
    ),
    Command(
        "note",
        "i",
        "note",
        "Writes a note on the timeline.",
        Group.WRITE,
        "warroom note",
        _always,
        rank=8,
    ),
    Command(
        "resolve",
        "R",
        "resolve",
        "Closes the incident: recovered, mitigated, or a false alarm.",
        Group.LEAD,
        "warroom resolve",
        _resolve,
        rank=9,
    ),
    Command(
        "plan",
        "v",
        "view",
        "Shows the whole plan: every step with its exact effects, what the gate demands, the hash.",
        Group.LOOK,
        "warroom plan",
        _plan,
        rank=11,
    ),
    Command(
        "output",
        "o",
        "output",
        "Shows the output of the step that runs, or of the last one that ran.",
        Group.LOOK,
        "warroom steps",
        _output,
        rank=13,
    ),
    Command(
        "engine",
        "E",
        "engine",
        "Starts an engine where none runs.",
        Group.CONSOLE,
        "warroom engine",
        _engine,
        rank=14,
    ),
    Command(
        "look",
        "L",
        "look",
        "Changes between the dark and the light look; --look and WARROOM_LOOK choose one from the start.",
        Group.CONSOLE,
        "",
        _always,
        rank=16,
    ),
    Command(
        "quit",
        "q",
        "quit",
        "Leaves this console, after asking; the run goes on without it.",
        Group.CONSOLE,
        "",
        _always,
        rank=15,
        aliases=("ctrl+q", "ctrl+c"),
    ),
    Command(
        "palette",
        ":",
        "all",
        "Finds a command by its name.",
        Group.CONSOLE,
        "",
        _always,
        rank=2,
    ),
    Command(
        "help",
        "?",
        "help",
        "Shows every key and what it does.",
        Group.CONSOLE,
        "warroom --help",
        _always,
        rank=1,
        aliases=("f1",),
    ),
)

CLOSE = Command(
    "close",
    "escape",
    "close",
    "Closes the dialog and changes nothing; so does its last button (Tab, Enter).",
    Group.DIALOG,
    "",
    _always,
)
EVERYWHERE = (*COMMANDS, CLOSE)

_BY_ID = {command.id: command for command in EVERYWHERE}


def command(command_id: str) -> Command:
    """The command of that id; KeyError when there is none."""
    return _BY_ID[command_id]


def key_table() -> str:
    """The key table of the documentation, in Markdown, a section a group."""
    lines: list[str] = []
    for group in Group:
        lines += [f"### {group.value.capitalize()}", "", "| key | does | command line |", "|---|---|---|"]
        for entry in EVERYWHERE:
            if entry.group is group:
                line = f"`{entry.subcommand}`" if entry.subcommand else ""
                lines.append(f"| `{entry.key}` | {entry.sentence} | {line} |")
        lines.append("")
    return "\n".join(lines)

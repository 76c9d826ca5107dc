"""One line for a status bar: where, which incident, who commands, how long, and whether an engine runs."""

from console.core.format import count
from console.core.presence import Presence, presence, silent_for
from console.core.protocols import Snapshot
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.tasks import late
from console.core.words import duration

_SHAPE = {"critical": "◆", "medium": "▲", "low": "○"}


def place(name: str, environment: Environment) -> str:
    """The environment with the sign of its risk on both sides; the critical one in capitals."""
    sign = _SHAPE[environment.risk]
    return f"{sign} {name.upper() if environment.risk == 'critical' else name} {sign}"


def clock_of(snapshot: Snapshot, incident: Incident) -> str:
    """Time since the incident was declared, or suspected: `T+04:12`."""
    began = incident.declared or incident.suspected or incident.onset
    return f"T+{duration(snapshot.at.seconds_since(began))}"


def engine_words(snapshot: Snapshot) -> str:
    """Whether an engine runs: `engine ✓`, or what is wrong with it."""
    match presence(snapshot):
        case Presence.ALIVE:
            return "engine ✓"
        case Presence.SILENT:
            return f"engine silent {duration(silent_for(snapshot))}"
        case Presence.GONE:
            return "engine gone"
        case _:
            return "no engine"


def status_line(snapshot: Snapshot, name: str, environment: Environment) -> str:
    """All of it, in the order of the console's first line."""
    incident = snapshot.state.open_incident
    told = ["no incident"]
    if incident is not None:
        commander = f"IC {incident.commander}" if incident.commander else "nobody commands"
        told = [incident.severity or "suspected", incident.id, commander, clock_of(snapshot, incident)]
        if number := late(incident, snapshot.at):
            told.append(f"{count(number, 'task')} OVERDUE")
    return "  ".join((place(name, environment), *told, engine_words(snapshot)))

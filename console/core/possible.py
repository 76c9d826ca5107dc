"""What can be asked for at this moment, and why not what cannot: a condition for each command. Pure.

Each answers None when the command is possible, else the reason in one sentence.
"""

from collections.abc import Callable

from console.core import calling, undoing
from console.core.commanding import to_allow
from console.core.pacing import to_release
from console.core.plan import POINT_IN_TIME, Step
from console.core.policy import choices
from console.core.presence import Presence, hanging, presence
from console.core.protocols import Snapshot
from console.core.single_rows import not_shown
from console.core.state import Incident
from console.core.strategy import ByHand, Environment
from console.core.summons_by_hand import nobody_is_asked
from console.core.wishes import way_back_is_over

Possible = Callable[[Snapshot, Environment], str | None]


def always(_snapshot: Snapshot, _environment: Environment) -> str | None:
    """Looking, and what is this console's own."""
    return None


def _declared(snapshot: Snapshot) -> Incident | str:
    """The declared incident, or why there is none to act on."""
    incident = snapshot.state.open_incident
    if incident is None:
        return "no incident is open: D declares one"
    if incident.status == "suspected":
        return f"{incident.id} is only suspected: D declares it"
    return incident


def _planned(snapshot: Snapshot) -> Incident | str:
    """The declared incident, whose plan is not about to be replaced; or why there is none."""
    incident = _declared(snapshot)
    if isinstance(incident, Incident) and incident.planning:
        return "a plan is being made: wait for it"
    return incident


def _plannable(snapshot: Snapshot) -> Incident | str:
    """The declared incident, for which another plan can be made; or why none can."""
    incident = _planned(snapshot)
    if isinstance(incident, Incident) and (running := incident.running()):
        return _under_way(snapshot, running[0], "stop the run with x, then plan anew")
    return incident


def _under_way(snapshot: Snapshot, step: Step, otherwise: str) -> str:
    """Why it must wait for a step; without an engine nobody knows how that ended."""
    if presence(snapshot) is Presence.ALIVE:
        return f"{step.title!r} is running: wait for it, or {otherwise}"
    return f"what became of {step.title!r} is unknown until an engine looks: E starts one"


# -- the incident -----------------------------------------------------------------------------------


def declare(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Nobody commands it yet."""
    incident = snapshot.state.open_incident
    if incident is None or incident.commander is None:
        return None
    return f"{incident.id} is declared already, {incident.commander} commands it"


def _at_gate(snapshot: Snapshot) -> Incident | str:
    """The incident with a plan whose gate nobody has opened; or why there is none."""
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    if incident.plan is None:
        return "there is no plan yet to say yes to"
    if incident.gate_opened is not None:
        return "the gate is open already: the way back is under way"
    if incident.aborted is not None:
        return "the run is stopped: X goes on with it, T plans anew"
    return not_shown(incident) or incident


def go(snapshot: Snapshot, _environment: Environment) -> str | None:
    """There is a plan that asks for a typed name, and nobody has opened its gate."""
    incident = _at_gate(snapshot)
    if isinstance(incident, str):
        return incident
    signs = incident.plan is not None and incident.plan.proof == "signature"
    return "this plan asks for signatures, not for a typed name: A" if signs else None


def sign(snapshot: Snapshot, _environment: Environment) -> str | None:
    """There is a plan that asks for signatures, and nobody has opened its gate."""
    incident = _at_gate(snapshot)
    if isinstance(incident, str):
        return incident
    claimed = incident.plan is not None and incident.plan.proof == "claim"
    return "this plan asks for a typed name, not for signatures: g" if claimed else None


def page(snapshot: Snapshot, environment: Environment) -> str | None:
    """Nobody has taken command, or there is a plan whose yes is missing; and people are asked for it here."""
    suspected = snapshot.state.open_incident
    if suspected is not None and suspected.status == "suspected":
        return calling.nobody_is_asked(environment) or None
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    return nobody_is_asked(incident, environment, snapshot.at) or None


def look_at_plan(snapshot: Snapshot, _environment: Environment) -> str | None:
    """There is or was one."""
    incident = snapshot.state.incident
    return None if incident is not None and incident.plan is not None else "there is no plan yet"


def decide(snapshot: Snapshot, _environment: Environment) -> str | None:
    """A step waits for a person."""
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    if any(choices(incident, step.id) for step in incident.asking()):
        return None
    if incident.asking():
        return "the engine looks first what became of the step"
    return "no step has failed or is unclear: there is nothing to decide"


def allow(snapshot: Snapshot, _environment: Environment) -> str | None:
    """A step waits for the commander alone; whether that is who asks, the engine says."""
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    return None if to_allow(incident) else "no step waits for the commander's yes"


def unfreeze(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Something is frozen, and no incident is open whose plan would see to it."""
    if not snapshot.state.frozen:
        return "nothing of the CI is frozen"
    if incident := snapshot.state.open_incident:
        return f"{incident.id} is open: its plan unfreezes after the proof, or R closes it first"
    return _errand(snapshot)


def abort(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Something runs, or will."""
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    if incident.undo:
        return None
    if incident.aborted is not None:
        return "the run is stopped already: X goes on with it"
    if incident.plan is None or incident.finished:
        return "nothing runs that could be stopped"
    return None


def run(snapshot: Snapshot, environment: Environment) -> str | None:
    """A step waits for its key."""
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    try:
        to_release(incident, "", environment.pace)
    except ValueError as error:
        return str(error)
    return None


def pace(snapshot: Snapshot, _environment: Environment) -> str | None:
    """There is an incident that somebody has declared."""
    incident = _declared(snapshot)
    return incident if isinstance(incident, str) else None


def undo(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Something was done that can be taken back, and nothing is under way."""
    incident = _declared(snapshot)
    return incident if isinstance(incident, str) else undoing.refused(incident) or None


def resume(snapshot: Snapshot, _environment: Environment) -> str | None:
    """It was stopped."""
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    if undoing.is_undone(incident) or incident.undo:
        return "what was done is taken back: only another plan goes on from there (T)"
    return None if incident.aborted is not None else "the run is not stopped"


def target(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Nothing runs, and the plan has not been carried out."""
    incident = _plannable(snapshot)
    if isinstance(incident, str):
        return incident
    if way_back_is_over(incident):
        return "the plan has been carried out: R closes the incident"
    return None


def mitigate(snapshot: Snapshot, environment: Environment) -> str | None:
    """The strategy names some, and no other verb runs by itself."""
    if not environment.mitigations:
        return "the strategy names no `mitigations` of this environment"
    return _errand(snapshot)


def tick(snapshot: Snapshot, environment: Environment) -> str | None:
    """There is something to check."""
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    if incident.gate_opened or any(isinstance(rule.proof, ByHand) for rule in environment.prerequisites):
        return None
    return "the checklist comes after the switch: the gate is not open yet"


def resolve(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Nothing runs."""
    incident = snapshot.state.open_incident
    if incident is None:
        return "no incident is open"
    if running := incident.running():
        return _under_way(snapshot, running[0], "stop the run with x")
    return None


def switch_automatic(_snapshot: Snapshot, environment: Environment) -> str | None:
    """There is something to switch."""
    if environment.automatic is not None:
        return None
    return "nothing is rolled back automatically here: the strategy has no `automatic` section"


def look_at_output(snapshot: Snapshot, _environment: Environment) -> str | None:
    """A step has run."""
    incident = snapshot.state.incident
    began = incident is not None and any(step.attempt for step in incident.steps.values())
    return None if began else "no step has run yet"


def look_at_changes(snapshot: Snapshot, _environment: Environment) -> str | None:
    """An engine has looked."""
    if snapshot.live is not None and snapshot.live.changes is not None:
        return None
    if presence(snapshot) is Presence.ALIVE:
        return "nobody has looked yet what changed: the engine is about to"
    return "no engine has looked what changed: E starts one, `warroom diff` does without"


def look_at_metrics(_snapshot: Snapshot, environment: Environment) -> str | None:
    """There are some."""
    return None if environment.metrics else "the strategy names no metrics of this environment"


def start_engine(snapshot: Snapshot, environment: Environment) -> str | None:
    """None runs, and a console may start one."""
    engine = snapshot.state.engine
    if presence(snapshot) is Presence.ALIVE:
        return f"an engine runs already, process {snapshot.live.pid}" if snapshot.live else "an engine starts"
    if pid := hanging(snapshot):
        return f"process {pid} is an engine, and silent: another can start when it has ended"
    if environment.engine == "external" or (engine is not None and engine.mode == "separated"):
        return "the engine runs under an account of its own: its service manager starts it, not a console"
    return None


# -- who does what ----------------------------------------------------------------------------------


def look_at_people(snapshot: Snapshot, _environment: Environment) -> str | None:
    """There is an incident in which somebody does something."""
    return None if snapshot.state.open_incident is not None else "no incident is open: D declares one"


def staff(snapshot: Snapshot, _environment: Environment) -> str | None:
    """Somebody has declared it."""
    incident = _declared(snapshot)
    return incident if isinstance(incident, str) else None


def end_task(snapshot: Snapshot, _environment: Environment) -> str | None:
    """A task is open."""
    incident = _declared(snapshot)
    if isinstance(incident, str):
        return incident
    waits = any(task.status == "open" for task in incident.tasks.values())
    return None if waits else "no task is open"


# -- the data ---------------------------------------------------------------------------------------

_NO_BACKUPS = "the strategy names no `backups` of this environment"


def look_at_data(_snapshot: Snapshot, environment: Environment) -> str | None:
    """There is a place where copies are kept."""
    return None if environment.backups is not None else _NO_BACKUPS


def restore(snapshot: Snapshot, environment: Environment) -> str | None:
    """A plan can be made that goes back to one of the copies."""
    if environment.backups is None:
        return _NO_BACKUPS
    if environment.recovery is None:
        return "the strategy names no `recovery` of this environment: its data cannot go back"
    return target(snapshot, environment)


def restore_rows(snapshot: Snapshot, environment: Environment) -> str | None:
    """A copy can be had to take rows from, and another plan can be made; also after the way back."""
    if environment.backups is None:
        return _NO_BACKUPS
    if environment.recovery is None:
        return "the strategy names no `recovery` of this environment: no row can go back"
    incident = _plannable(snapshot)
    return incident if isinstance(incident, str) else None


def change_severity(snapshot: Snapshot, _environment: Environment) -> str | None:
    """There is an incident that somebody has declared."""
    incident = snapshot.state.open_incident
    if incident is None or incident.status != "declared":
        return "no incident is declared"
    return None


def move_onset(snapshot: Snapshot, _environment: Environment) -> str | None:
    """What data goes back to is not decided yet."""
    incident = _planned(snapshot)
    if isinstance(incident, str):
        return incident
    if incident.gate_opened is not None:
        return "the gate is open: what the data goes back to is decided"
    return None


def back_up(snapshot: Snapshot, environment: Environment) -> str | None:
    """No other verb runs by itself."""
    if environment.backups is None:
        return _NO_BACKUPS
    return _errand(snapshot)


def _errand(snapshot: Snapshot) -> str | None:
    """What runs by itself already, so that nothing else can."""
    errand = snapshot.state.open_errand
    if errand is None:
        return None
    if presence(snapshot) is Presence.ALIVE:
        return f"{errand.id}, {errand.wish.verb}, is under way: wait for it"
    return f"what became of {errand.id} ({errand.wish.verb}) is unknown until an engine looks: E starts one"


def verify_backup(snapshot: Snapshot, environment: Environment) -> str | None:
    """There is a backup to verify, and no other verb runs by itself."""
    if reason := back_up(snapshot, environment):
        return reason
    catalogue = snapshot.live.catalogue if snapshot.live else None
    kept = [one for one in catalogue.candidates if one.id != POINT_IN_TIME] if catalogue else []
    return None if kept else "no backup is known that could be verified"


def change_cache(snapshot: Snapshot, environment: Environment) -> str | None:
    """There is a cache, and another plan can be made."""
    if environment.backups is None:
        return _NO_BACKUPS
    if environment.cache is None:
        return "the strategy names no `cache` of this environment"
    incident = _plannable(snapshot)
    return incident if isinstance(incident, str) else None


def swap_back(snapshot: Snapshot, environment: Environment) -> str | None:
    """Another plan can be made; whether there is anything to swap back to, the step finds out."""
    if environment.backups is None:
        return _NO_BACKUPS
    incident = _plannable(snapshot)
    return incident if isinstance(incident, str) else None

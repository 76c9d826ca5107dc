"""What NEXT says before a gate opens: try a mitigation, wait for it, hold a rollback that cannot help. Pure.

None of it closes the gate: whoever knows better goes on with the way back.
"""

from collections.abc import Sequence

from msgspec import Struct

from console.core.format import count
from console.core.metrics import Rung
from console.core.mitigating import (
    Trial,
    covering,
    firing,
    in_force,
    may_not,
    named_by,
    still_in_force,
    title,
    trials,
    unhelpful,
    unseen,
    way_back_begun,
    who_may,
)
from console.core.protocols import Snapshot
from console.core.recommendation import Grounds, Recommendation, grounds, recommend
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.words import duration

CLOSE = "close the incident as mitigated: "
NAMED = 2
"""More than so many that fire are counted, not named."""


class Advice(Struct, frozen=True):
    """A sentence, and the id of the command that does it."""

    sentence: str
    command: str | None


def advice(snapshot: Snapshot, incident: Incident, environment: Environment, actor: str) -> Advice | None:
    """What comes before the way back; None where it is the way back's turn.

    `actor` is whoever looks; empty where that is nobody in particular.
    """
    at_its_gate = named_by(incident.wish) is not None and incident.gate_opened is None
    if way_back_begun(incident) or at_its_gate:
        return None
    known = grounds(snapshot, environment)
    fires = firing(environment, known.rungs, known.declared)
    tried = trials(snapshot.state, incident, environment, snapshot.at)
    if doing := _under_way(snapshot, environment):
        return Advice(f"wait: {doing} is under way", None)
    if not fires:
        return _calm(snapshot, incident, environment, known, tried)
    found = recommend(environment, known)
    if not tried and (first := _first(environment, fires, snapshot)):
        return _propose(environment, incident, first, fires, found.cause, actor)
    if words := unseen(environment, fires, tried):
        return Advice(f"look, and close the incident as mitigated if it is over: {words}", "resolve")
    if tried and tried[-1].waits_s > 0:
        return _wait(tried[-1], incident)
    return _held(found, snapshot, incident, environment)


def _wait(trial: Trial, incident: Incident) -> Advice:
    """It is done, or about to be, and may help yet."""
    if trial.tried.status == "doing":
        return Advice(f"wait: {trial.title} is under way", None)
    goes_on = "" if named_by(incident.plan_wish) else "; g goes on with the rollback all the same"
    return Advice(f"wait: {trial.title} is in force, {duration(trial.waits_s)} left to help{goes_on}", None)


def _under_way(snapshot: Snapshot, environment: Environment) -> str:
    """The mitigation that is being done, or taken back; empty when none is."""
    errand = snapshot.state.open_errand
    name = named_by(errand.wish) if errand else None
    return title(environment, name) if name else ""


def _first(environment: Environment, fires: Sequence[str], snapshot: Snapshot) -> str | None:
    """The cheapest that covers everything and is not in force already."""
    done = in_force(snapshot.state, environment)
    return next((name for name in covering(environment, fires) if name not in done), None)


def _propose(
    environment: Environment, incident: Incident, name: str, fires: Sequence[str], cause: str, actor: str
) -> Advice:
    """`cause`: why a rollback will not help, if it will not."""
    mitigation = environment.mitigations[name]
    what = _names(environment, fires)
    if actor and (why := may_not(mitigation, incident, actor)):
        return Advice(f"wait: {mitigation.title} covers all that fires ({what}), not tried; {why}", None)
    plans = "plan" if mitigation.authority == "matrix" else "try"
    why = f"{cause}: a rollback will not help" if cause else who_may(mitigation)
    return Advice(f"{plans} first: {mitigation.title}, covers all that fires ({what}); {why}", "mitigate")


def _names(environment: Environment, fires: Sequence[str]) -> str:
    if len(fires) > NAMED:
        return count(len(fires), "rule")
    known = (environment.metrics.get(name) or environment.triggers[name] for name in fires)
    return ", ".join(one.title for one in known)


def _held(
    found: Recommendation, snapshot: Snapshot, incident: Incident, environment: Environment
) -> Advice | None:
    """That a rollback will not help, where a cause that is not ours explains what fires."""
    if not found.cause:
        return None
    told = unhelpful(snapshot.state, incident, environment, snapshot.at)
    also = f". {told}" if told else ""
    return Advice(f"do not roll back, mend it where it is: {found.words}{also}", "diff")


def _calm(
    snapshot: Snapshot, incident: Incident, environment: Environment, known: Grounds, tried: Sequence[Trial]
) -> Advice | None:
    """Nothing fires: it has helped, or what was waited for has come; None where nothing is known to have."""
    helped = [trial for trial in tried if trial.tried.status == "in force"]
    if helped and (blind := _blind(environment, known, helped[-1])):
        return Advice(f"wait: no fresh data of {blind}: whether {helped[-1].title} helped is not known", None)
    if helped:
        runs = f"; {snapshot.state.running.release} still runs" if snapshot.state.running else ""
        return Advice(f"{CLOSE}{helped[-1].title} helped{runs}", "resolve")
    if incident.held and not tried:
        return Advice(
            f"{CLOSE}nothing fires any more; {incident.held}, so nothing was rolled back", "resolve"
        )
    return None


def _blind(environment: Environment, known: Grounds, trial: Trial) -> str:
    """The metrics that it covers and nobody sees now; while it may help yet, those that wait for data too.

    Later, few tries may be what it has brought about: traffic that was sent away does not come back.
    """
    mitigation = environment.mitigations.get(trial.name)
    unknown = {Rung.STALE, Rung.WAITING} if trial.waits_s > 0 else {Rung.STALE}
    covered = (name for name in (mitigation.covers if mitigation else ()) if name in environment.metrics)
    return ", ".join(environment.metrics[name].title for name in covered if known.rungs.get(name) in unknown)


def remark(snapshot: Snapshot, incident: Incident, environment: Environment) -> str:
    """What is to be known while the way back goes on: what did not help, and that it may not help either."""
    if way_back_begun(incident):
        return ""
    known = grounds(snapshot, environment)
    if not firing(environment, known.rungs, known.declared):
        return ""
    found = recommend(environment, known)
    told = unhelpful(snapshot.state, incident, environment, snapshot.at)
    doubt = found.words if found.level == "consider" else ""
    return ". ".join(filter(None, (told, doubt)))


def lasting(snapshot: Snapshot, environment: Environment) -> str:
    """What is still in force when an incident can be closed, and how to take it back; empty when nothing."""
    told = still_in_force(snapshot.state, environment)
    return f"{told} (f takes it back)" if told else ""

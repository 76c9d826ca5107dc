"""Where the service stands: on the release that is left, on the one gone back to, or unknown. Pure."""

from typing import Literal

from msgspec import Struct

from console.core.protocols import Snapshot
from console.core.state import Incident, Status
from console.core.strategy import Environment
from console.core.undoing import DEPLOYS, is_back
from console.core.watched import FailuresInARow, Probe

STOPPERS = frozenset({"stop-writers"})
"""Actions after which nothing answers until a deploy, or their way back, has started it again."""


class Whereabouts(Struct, frozen=True):
    """Which release users are on."""

    side: Literal["bad", "good", "neither", "changing", "unknown"]
    words: str

    @property
    def sentence(self) -> str:
        """`Users are on v1.5.3, the bad release`."""
        return self.words[:1].upper() + self.words[1:]


def whereabouts(snapshot: Snapshot, environment: Environment) -> Whereabouts | None:
    """What the service itself answered last, held against the plan; None where no release is changed."""
    incident = snapshot.state.incident
    if incident is None or incident.plan is None or incident.plan.code is None:
        return None
    if moving := _moving(incident):
        return moving
    code, seen = incident.plan.code, snapshot.state.running
    if seen is None:
        return Whereabouts("unknown", "nobody knows which release runs: the service has not said it yet")
    sick = _silence(snapshot, environment)
    if seen.release == (code.answers or code.target.tag):
        kind = "the good release" if code.verdict == "good" else "the release gone back to"
        return Whereabouts("good", f"users are on {seen.release}, {kind}{sick}")
    if seen.release == code.running.tag:
        as_before = ", as before" if is_back(incident) or _untouched(incident) else ""
        return Whereabouts("bad", f"users are on {seen.release}, the bad release{as_before}{sick}")
    words = f"the service answers {seen.release}, neither {code.running.tag} nor {code.target.tag}"
    return Whereabouts("neither", f"{words}{sick}")


def _moving(incident: Incident) -> Whereabouts | None:
    """What changes it at this moment, or was cut off so that nobody has looked yet."""
    for step in incident.plan.steps if incident.plan else ():
        if step.action not in DEPLOYS | STOPPERS:
            continue
        if step in incident.running():
            return Whereabouts("changing", f"the release is changing: {step.title} is under way")
        state = incident.step(step.id)
        if state.status is Status.UNKNOWN and state.finding in (None, "cannot tell"):
            return Whereabouts("unknown", f"nobody knows which release runs: {step.title} was cut off")
        undo = incident.undos.get(step.id)
        if undo is not None and undo.status is Status.UNKNOWN:
            words = f"nobody knows which release runs: taking back {step.title} was cut off"
            return Whereabouts("unknown", words)
    return None


def _untouched(incident: Incident) -> bool:
    """Whether nothing that changes the release has begun."""
    steps = incident.plan.steps if incident.plan else ()
    return all(incident.step(s.id).attempt == 0 for s in steps if s.action in DEPLOYS | STOPPERS)


def _silence(snapshot: Snapshot, environment: Environment) -> str:
    """`; 4 probes in a row have failed`, where the newest sample says so of its health endpoint."""
    readings = {one.metric: one for one in snapshot.rows[-1].readings} if snapshot.rows else {}
    for name, metric in environment.metrics.items():
        measure = metric.measure
        if not isinstance(measure, FailuresInARow):
            continue
        source = environment.sources.get(measure.source)
        reading = readings.get(name)
        of_health = isinstance(source, Probe) and source.url == environment.service.health
        if of_health and reading is not None and reading.value:
            return f"; it has failed {reading.value:g} probes in a row"
    return ""

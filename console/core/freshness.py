"""How old a sample may be before what it says is no longer true; the engine and every console judge alike."""

from console.core.clock import Stamp
from console.core.metrics import Reading, Rung
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.rules import STALE_AFTER, silence_s
from console.core.strategy import Environment

FIELD_TICK_S = 1.0
"""Outside of a rehearsal there is one tick a second at most."""
PATIENCE_S = 3.0
"""A console that looks once a second calls nothing old before this, however fast the ticks are."""


def tick_s(environment: Environment) -> float:
    """Seconds from tick to tick: the rhythm of the fastest source."""
    shortest = min((source.every for source in environment.sources.values()), default=FIELD_TICK_S)
    return shortest if environment.drill else max(FIELD_TICK_S, shortest)


def gaps(environment: Environment) -> dict[str, float]:
    """Seconds without data that make each metric stale; metrics without a source have none."""
    silent = {name: silence_s(source.every, source.limit) for name, source in environment.sources.items()}
    return {
        name: silent[metric.measure.source] for name, metric in environment.metrics.items() if metric.measure
    }


def blind_after_s(environment: Environment) -> float:
    """Seconds without a row of samples after which nobody looks, or nobody did."""
    return max(STALE_AFTER * tick_s(environment), PATIENCE_S)


def unwatched(snapshot: Snapshot, environment: Environment) -> bool:
    """Whether nobody looks: no engine is there, or its newest sample is old. What is shown is then past."""
    if presence(snapshot) is not Presence.ALIVE:
        return True
    if not snapshot.rows:
        return False  # an engine that has just begun, and what was never measured is not shown as good
    return snapshot.at.seconds_since(snapshot.rows[-1].at) > blind_after_s(environment)


def last_look(snapshot: Snapshot, environment: Environment) -> Stamp | None:
    """When somebody looked last; None while somebody does, and where nobody ever has."""
    if not unwatched(snapshot, environment):
        return None
    if snapshot.rows:
        return snapshot.rows[-1].at
    if snapshot.live:
        return snapshot.live.beat
    return snapshot.state.engine.since if snapshot.state.engine else None


def rungs_now(snapshot: Snapshot, environment: Environment) -> dict[str, Rung]:
    """The rung that may be shown of each metric: STALE where its reading is too old, whatever it was then."""
    blind, silent = unwatched(snapshot, environment), gaps(environment)
    newest = snapshot.rows[-1].by_metric() if snapshot.rows else {}
    rungs = {}
    for name in environment.metrics:
        reading = newest.get(name)
        if name not in silent:
            rungs[name] = Rung.NO_SOURCE
        elif reading is None:
            rungs[name] = Rung.WAITING
        else:
            old = blind or _age_s(snapshot, reading) > max(silent[name], PATIENCE_S)
            rungs[name] = Rung.STALE if old else reading.rung
    return rungs


def _age_s(snapshot: Snapshot, reading: Reading) -> float:
    """Seconds since the value was taken; 0 when none ever was: the engine says what that means."""
    return snapshot.at.seconds_since(reading.measured) if reading.measured else 0.0

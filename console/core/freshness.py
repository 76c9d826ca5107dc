"""How old a sample may be before what it says is no longer true: engine and console judge by the same figures."""

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


def unwatched(snapshot: Snapshot, environment: Environment) -> bool:
    """Whether nobody looks: no engine is there, or its newest sample is old. Then nothing shown is present."""
    if presence(snapshot) is not Presence.ALIVE:
        return True
    if not snapshot.rows:
        return False  # an engine that has just begun, and what was never measured is not shown as good
    age_s = snapshot.at.seconds_since(snapshot.rows[-1].at)
    return age_s > max(STALE_AFTER * tick_s(environment), PATIENCE_S)


def rung_now(
    snapshot: Snapshot, environment: Environment, name: str, reading: Reading | None, *, blind: bool
) -> Rung:
    """The rung that may be shown of a metric: STALE where its reading is too old, whatever it was then.

    `blind` is what `unwatched` says of the same snapshot.
    """
    metric = environment.metrics[name]
    if metric.measure is None:
        return Rung.NO_SOURCE
    if reading is None:
        return Rung.WAITING
    return Rung.STALE if blind or _too_old(snapshot, environment, name, reading) else reading.rung


def _too_old(snapshot: Snapshot, environment: Environment, name: str, reading: Reading) -> bool:
    if reading.measured is None:
        return False
    return snapshot.at.seconds_since(reading.measured) > max(gaps(environment)[name], PATIENCE_S)

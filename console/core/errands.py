"""The verb that runs beside an incident: how far it is, and for a while how the last one ended. Pure."""

from console.core.clock import Stamp
from console.core.format import left
from console.core.live import Progress
from console.core.presence import Presence, presence
from console.core.protocols import Snapshot
from console.core.state import Incident
from console.core.wording import Said, Tone
from console.core.words import duration

ERRAND = "errand:"
"""Begins the names under which the steps of an errand are shown, so that no incident's have the same."""
PLANNING = f"{ERRAND}plan"
REMEMBERED_S = {"done": 120.0, "failed": 900.0}
"""How long it is told how an errand ended."""


def errand_now(snapshot: Snapshot) -> Said | None:
    """`RUN-3HXP backup: 34 %, ~01:10 left`; None when nothing runs, nor has ended lately."""
    errand = snapshot.state.errand
    if errand is None:
        return None
    if errand.resolved is not None:
        return _ended(errand, snapshot.at.seconds_since(errand.resolved))
    if presence(snapshot) is not Presence.ALIVE:
        return Said(f"{title(errand)}: what became of it is unknown until an engine looks", Tone.WARN)
    step = progress_of(snapshot, errand)
    return Said(f"{title(errand)}: {how_far(step, snapshot.at) if step else 'begins'}")


def title(errand: Incident) -> str:
    """`RUN-3HXP backup`, with what it was told."""
    return " ".join((errand.id, errand.wish.verb or "", *errand.wish.options.values()))


def progress_of(snapshot: Snapshot, errand: Incident) -> Progress | None:
    """What the errand's step says of itself; before there is one, what its planning does."""
    shown = snapshot.live.steps if snapshot.live else {}
    steps = (shown.get(f"{ERRAND}{step.id}") for step in (errand.plan.steps if errand.plan else ()))
    return next((step for step in steps if step), shown.get(PLANNING))


def how_far(progress: Progress, now: Stamp) -> str:
    """`34 %, ~01:10 left: dumping`; what it is doing, and since when, where that cannot be counted."""
    so_far = now.seconds_since(progress.since)
    if not progress.total or progress.done is None:
        return f"{progress.words}, {duration(so_far)}"
    share = min(1.0, progress.done / progress.total)
    rest = f", {left(so_far * (1 - share) / share)} left" if share > 0 else ""
    return f"{share * 100:.0f} %{rest}: {progress.words}"


def _ended(errand: Incident, ago_s: float) -> Said | None:
    outcome = errand.outcome or ""
    if ago_s > REMEMBERED_S.get(outcome, 0.0):
        return None
    tone = Tone.GOOD if outcome == "done" else Tone.BAD
    steps = [errand.step(step.id).words for step in errand.plan.steps] if errand.plan else []
    words = "; ".join(filter(None, steps)) or errand.planning_failed or ""
    return Said(f"{title(errand)} {outcome}{f': {words}' if words else ''}", tone)

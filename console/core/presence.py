"""Whether an engine is there: said of itself in the journal, and by its heartbeat."""

from enum import StrEnum

from console.core.protocols import Snapshot

SILENT_AFTER_S = 5.0
"""A heartbeat comes at least once a second; five are not lost by chance."""


class Presence(StrEnum):
    """What is known of the environment's engine."""

    NEVER = "never"
    """None has ever run here."""
    STOPPED = "stopped"
    """The last one ended and said so."""
    SILENT = "silent"
    """The last one is gone without a word, or has said nothing for a while: killed, stopped or cut off."""
    ALIVE = "alive"


def presence(snapshot: Snapshot) -> Presence:
    """Whether an engine watches and takes requests."""
    engine, live, silent = snapshot.state.engine, snapshot.live, snapshot.engine_silent_s
    newer = live is not None and (engine is None or live.epoch > engine.epoch)
    if engine is not None and engine.stopped is not None and not newer:
        return Presence.STOPPED
    if snapshot.engine_gone:
        return Presence.SILENT
    if silent is None:
        if engine is None:
            return Presence.NEVER
        silent = snapshot.at.seconds_since(engine.since)
    return Presence.SILENT if silent > SILENT_AFTER_S else Presence.ALIVE

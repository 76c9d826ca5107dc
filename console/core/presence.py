"""Whether an engine is there: said of itself in the journal, by its heartbeat, and by its process."""

from enum import StrEnum

from console.core.protocols import Snapshot

SILENT_AFTER_S = 3.0
"""A heartbeat comes at least once a second; three are not lost by chance."""


class Presence(StrEnum):
    """What is known of the environment's engine."""

    NEVER = "never"
    """None has ever run here."""
    STOPPED = "stopped"
    """The last one ended and said so."""
    GONE = "gone"
    """The last one's process is not there any more, and it left no word."""
    SILENT = "silent"
    """The last one has said nothing for a while: stopped, hanging, or cut off from its disk."""
    ALIVE = "alive"


def presence(snapshot: Snapshot) -> Presence:
    """Whether an engine watches and takes requests."""
    engine, live = snapshot.state.engine, snapshot.live
    newer = live is not None and (engine is None or live.epoch > engine.epoch)
    if engine is not None and engine.stopped is not None and not newer:
        return Presence.STOPPED
    if snapshot.engine_gone and _is_of_the_last(snapshot):
        return Presence.GONE
    if engine is None and live is None:
        return Presence.NEVER
    return Presence.SILENT if silent_for(snapshot) > SILENT_AFTER_S else Presence.ALIVE


def silent_for(snapshot: Snapshot) -> float:
    """Seconds since the last engine was heard: its heartbeat, or that it began; 0 when there was none."""
    engine = snapshot.state.engine
    if snapshot.engine_silent_s is not None and _is_of_the_last(snapshot):
        return snapshot.engine_silent_s
    return snapshot.at.seconds_since(engine.since) if engine else 0.0


def hanging(snapshot: Snapshot) -> int | None:
    """The process of an engine that is there and says nothing; no other can start beside it."""
    live = snapshot.live
    if live is None or presence(snapshot) is not Presence.SILENT or not _is_of_the_last(snapshot):
        return None
    return live.pid


def _is_of_the_last(snapshot: Snapshot) -> bool:
    """Whether the heartbeat is the last engine's: one that has just begun has its predecessor's before it."""
    engine, live = snapshot.state.engine, snapshot.live
    return live is not None and (engine is None or live.epoch >= engine.epoch)

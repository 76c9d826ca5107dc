"""What the engine says of itself, of what it measures, and of what it was asked."""

from typing import Literal

from msgspec import field

from console.core.events.body import Body
from console.core.metrics import Rung


class EngineStarted(Body, frozen=True):
    """An engine took the lease of the environment."""

    kind = "engine.started"
    pid: int
    epoch: int
    warroom: str
    strategy_hash: str
    roster_hash: str
    mode: Literal["cooperative", "separated"]
    supervised: bool = False
    """Whether a service manager runs it, and would start it again."""


class EngineStopped(Body, frozen=True):
    """The engine ended of its own accord; a killed one leaves no such event."""

    kind = "engine.stopped"
    critical = False
    reason: str


class RungChanged(Body, frozen=True):
    """A metric moved on its ladder."""

    kind = "metric.rung"
    metric: str
    title: str
    before: Rung
    after: Rung
    value: float | None
    count: int | None
    unit: str
    rule: str
    """The rule's own words, `error_rate > 5%`; empty where no rule decided."""


class ReleaseSeen(Body, frozen=True):
    """The service answers another version than before: a deployment has landed, ours or somebody else's."""

    kind = "release.seen"
    critical = False
    release: str
    """The version as the service tells it; of several instances, what most of them tell."""
    commit: str | None
    """Full commit id, where the service tells it."""
    instances: dict[str, str] = field(default_factory=dict)
    """The version that each of several instances told last, by its name."""


class RequestRefused(Body, frozen=True):
    """The engine did not do what was asked."""

    kind = "request.refused"
    critical = False
    ask: str
    reason: str


KINDS: tuple[type[Body], ...] = (
    EngineStarted,
    EngineStopped,
    RungChanged,
    ReleaseSeen,
    RequestRefused,
)

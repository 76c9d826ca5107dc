"""Automatic rollback: where it begins, its stages, what it decides, and how it ends; and its kill switch."""

from console.core.automatic_run import About, By, Mode, Outcome, Stage
from console.core.clock import Stamp
from console.core.events.body import Body


class AutomaticBegan(Body, frozen=True):
    """An automatic rung was reached where nobody commands: the incident is declared, without a commander."""

    kind = "automatic.began"
    triggers: tuple[str, ...]
    """The metrics."""
    rules: tuple[str, ...]
    severity: str
    roster: str
    """SHA-256 of the roster by which this incident's signatures are counted."""


class StageBegan(Body, frozen=True):
    """A stage is under way."""

    kind = "automatic.stage.began"
    stage: Stage
    budget_s: float
    since: Stamp | None = None
    """When it began, where that was before this was said."""


class StageOverran(Body, frozen=True):
    """A stage has used up its budget, and is not over."""

    kind = "automatic.stage.overran"
    critical = False
    stage: Stage
    budget_s: float


class StageEnded(Body, frozen=True):
    """A stage is over."""

    kind = "automatic.stage.ended"
    stage: Stage
    seconds: float
    budget_s: float
    words: str
    """What came of it."""


class AutomaticDecided(Body, frozen=True):
    """Whether it runs by itself, prepares all and waits at the gate, or does nothing; and on what grounds."""

    kind = "automatic.decided"
    mode: Mode
    why: str
    trigger: str = ""
    """The metric that a second path has confirmed."""
    standing: str = ""
    """Id of the standing authorisation that it runs by."""


class AutomaticEnded(Body, frozen=True):
    """It does nothing more in this incident; what it has prepared or done stays."""

    kind = "automatic.ended"
    outcome: Outcome
    words: str


class AutomaticPaged(Body, frozen=True):
    """How the page of somebody ended who is told of it."""

    kind = "automatic.paged"
    critical = False
    person: str
    about: About
    delivered: bool
    words: str


class AutomaticSwitched(Body, frozen=True):
    """Automatic rollback was switched off or on, by a person or by the file in the state folder."""

    kind = "automatic.switched"
    on: bool
    by: By
    reason: str


KINDS: tuple[type[Body], ...] = (
    AutomaticBegan,
    StageBegan,
    StageOverran,
    StageEnded,
    AutomaticDecided,
    AutomaticEnded,
    AutomaticPaged,
    AutomaticSwitched,
)

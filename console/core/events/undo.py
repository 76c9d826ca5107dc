"""The way back of single steps, how far one key goes, and what a step found before it changed anything."""

from typing import Literal

from msgspec import field

from console.core.events.body import Body
from console.core.plan import Pace


class RunPaced(Body, frozen=True):
    """From here on one key starts a whole phase, or a single step."""

    kind = "run.paced"
    pace: Pace


class RunReleased(Body, frozen=True):
    """Somebody pressed the key that these steps wait for."""

    kind = "run.released"
    steps: tuple[str, ...]
    plan_hash: str


class StepFound(Body, frozen=True):
    """What a step found, committed before the effect that replaces it."""

    kind = "step.found"
    step: str
    attempt: int
    facts: dict[str, str]


class UndoAsked(Body, frozen=True):
    """These steps are taken back, the first one first; nothing else of the plan runs any more meanwhile."""

    kind = "undo.asked"
    steps: tuple[str, ...]
    plan_hash: str
    reason: str


class UndoIntent(Body, frozen=True):
    """Committed before a step is taken back: from here on that may have happened."""

    kind = "undo.intent"
    step: str
    attempt: int
    """Of taking it back, counted from 1."""
    epoch: int
    plan_hash: str


class UndoOutcome(Body, frozen=True):
    """Committed after a step was taken back, or could not be."""

    kind = "undo.outcome"
    step: str
    attempt: int
    status: Literal["done", "failed"]
    words: str
    """The proof in a few words, or the reason of the failure."""
    seconds: float
    facts: dict[str, str] = field(default_factory=dict)
    output: str | None = None
    """File of its output, relative to the state folder."""
    output_sha256: str | None = None


KINDS: tuple[type[Body], ...] = (RunPaced, RunReleased, StepFound, UndoAsked, UndoIntent, UndoOutcome)

"""A plan, and what becomes of its steps."""

from typing import Literal

from msgspec import Raw, field

from console.core.events.body import Body
from console.core.plan import Wish
from console.core.requests import Choice


class PlanningStarted(Body, frozen=True):
    """A plan was asked for; until it is there, or cannot be made, an earlier one is not gone on with."""

    kind = "planning.started"
    wish: Wish


class PlanningFailed(Body, frozen=True):
    """No plan could be made; nothing was changed."""

    kind = "planning.failed"
    reason: str


class PlanFrozen(Body, frozen=True):
    """A plan, as the bytes that were hashed; it replaces any before it, and voids what was said to that."""

    kind = "plan.frozen"
    digest: str
    plan: Raw
    voids: tuple[str, ...] = ()
    """Who had said yes to the plan before it, and is to be asked again."""


class StepIntent(Body, frozen=True):
    """Committed before an effect: from here on it may have happened."""

    kind = "step.intent"
    step: str
    attempt: int
    epoch: int
    plan_hash: str


class StepOutcome(Body, frozen=True):
    """Committed after an effect: how it ended."""

    kind = "step.outcome"
    step: str
    attempt: int
    status: Literal["done", "failed"]
    words: str
    """The proof in a few words, or the reason of the failure."""
    seconds: float
    facts: dict[str, str] = field(default_factory=dict)
    """What was measured, by name."""
    output: str | None = None
    """File of its output, relative to the state folder."""
    output_sha256: str | None = None


class StepProbed(Body, frozen=True):
    """What was found when an intent without an outcome was looked into."""

    kind = "step.probed"
    step: str
    attempt: int
    finding: Literal["done", "not done", "cannot tell"]
    words: str


class StepDecided(Body, frozen=True):
    """What a person decided about a step that failed or whose end was unclear."""

    kind = "step.decided"
    step: str
    attempt: int
    choice: Choice
    reason: str


class StepAllowed(Body, frozen=True):
    """The commander said yes to a step that waits for it; that counts while the step does the same."""

    kind = "step.allowed"
    step: str
    plan_hash: str


class EvidenceRecorded(Body, frozen=True):
    """A slot of evidence was filled (or emptied again, when it no longer holds)."""

    kind = "evidence.recorded"
    slot: str
    holds: bool
    words: str
    inputs: str
    """Digest of what it was measured on, so that another plan can use it."""
    age_s: float = 0.0
    """How old what it shows was already."""


class RunAborted(Body, frozen=True):
    """The run stops before its next step."""

    kind = "run.aborted"
    reason: str


class RunResumed(Body, frozen=True):
    """The run goes on after an abort."""

    kind = "run.resumed"


KINDS: tuple[type[Body], ...] = (
    PlanningStarted,
    PlanningFailed,
    PlanFrozen,
    StepIntent,
    StepOutcome,
    StepProbed,
    StepDecided,
    StepAllowed,
    EvidenceRecorded,
    RunAborted,
    RunResumed,
)

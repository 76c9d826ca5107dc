"""State of an environment and its incident, as the journal tells it (see fold)."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

from console.core.automatic_run import AutomaticRun, By, RolledBack, Switch
from console.core.clock import Stamp
from console.core.metrics import Rung
from console.core.plan import PHASES, Pace, Phase, Plan, Step, Wish
from console.core.staff import Held, Offer, Task


class Status(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """An intent without an outcome, whose engine is gone."""
    SKIPPED = "skipped"
    UNDONE = "undone"
    """Taken back: only another plan can do it again."""

    @property
    def settled(self) -> bool:
        """Whether steps that need this one may go on."""
        return self in (Status.DONE, Status.SKIPPED)

    @property
    def asks(self) -> bool:
        """Whether a person has to decide before the run can go on."""
        return self in (Status.FAILED, Status.UNKNOWN)


class EngineInfo(Struct, frozen=True):
    """The engine that wrote last."""

    pid: int
    epoch: int
    mode: Literal["cooperative", "separated"]
    since: Stamp
    strategy_hash: str
    stopped: str | None = None
    """Why it ended, when it said so."""
    supervised: bool = False
    """Whether a service manager would start it again."""


class RungState(Struct, frozen=True):
    """Where a metric stands, since when, and by which rule."""

    rung: Rung
    since: Stamp
    value: float | None
    rule: str
    title: str


class RunningRelease(Struct, frozen=True):
    """What the service says that it runs."""

    release: str
    commit: str | None
    since: Stamp
    """When it was first seen to answer so."""
    before: str | None
    """What it answered before; None for the first one seen."""


class StepState(Struct, frozen=True):
    """What became of a step so far."""

    status: Status = Status.WAITING
    attempt: int = 0
    began: Stamp | None = None
    ended: Stamp | None = None
    seconds: float | None = None
    words: str = ""
    """Proof, reason, or what a probe found."""
    finding: Literal["done", "not done", "cannot tell"] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    output: str | None = None
    before: dict[str, str] = field(default_factory=dict)
    """What its first attempt found before it changed anything: its way back needs it."""


class Evidence(Struct, frozen=True):
    """What fills a slot."""

    holds: bool
    words: str
    inputs: str
    at: Stamp
    age_s: float = 0.0
    """How old what it shows was at that moment."""


class Approval(Struct, frozen=True):
    """A yes to the plan of one hash."""

    person: str
    roles: tuple[str, ...]
    proof: Literal["claim", "signature"]
    plan_hash: str
    at: Stamp
    signed: "Signed | None" = None
    """What was signed; None for a claim."""
    after: int = 0
    """Number of the event in which its person spoke before it; 0 when they had not."""


class Signed(Struct, frozen=True):
    """A statement with its signature, and what the engine found in them."""

    key: str
    """Fingerprint."""
    expires: int
    """UTC microseconds."""
    text: str
    signature: str


class Asked(Struct, frozen=True):
    """Somebody who was asked for a yes to the present plan, and what came of that."""

    roles: tuple[str, ...]
    why: Literal["role", "again", "deputy", "escalation", "by hand"]
    """Why they were asked last."""
    first: Stamp
    last: Stamp
    times: int = 1
    seen: Stamp | None = None
    """When they (or whoever said to be them) looked at what is to be signed."""
    delivered: bool | None = None
    """Whether the last page reached them; None where none was sent, or it is under way."""
    words: str = ""
    """What became of that page."""


class Escalation(Struct, frozen=True):
    """The level of the escalation path that was told last."""

    level: int
    role: str
    people: tuple[str, ...]
    at: Stamp


class Refusal(Struct, frozen=True):
    """A signed no to the plan of one hash."""

    person: str
    because: str
    plan_hash: str
    at: Stamp


class ItemTick(Struct, frozen=True):
    """Who ticked an item, and on what evidence."""

    by: str
    note: str
    at: Stamp
    step: str | None


class Waiver(Struct, frozen=True):
    """Who let a prerequisite of the present plan go, and why."""

    by: str
    reason: str
    at: Stamp


class Called(Struct, frozen=True):
    """Somebody who was asked to take command of a suspected incident, and what came of that."""

    role: str
    """`on call`, or their level of the escalation path."""
    first: Stamp
    last: Stamp
    times: int = 1
    passed: Stamp | None = None
    """When they asked somebody else: they know of it, and are not asked again."""
    delivered: bool | None = None
    """Whether the last page reached them; None where none was sent, or it is under way."""
    words: str = ""
    """What became of that page."""


class Alerted(Struct, frozen=True):
    """An alert that Alertmanager told of."""

    alert: str
    means: str
    """The metric or declared trigger that the strategy maps it to; empty: none."""
    starts: Stamp
    told: int
    """When it began as it was told, UTC microseconds."""
    words: str
    ended: Stamp | None = None
    """When it was told that it fires no more; None while it fires."""


class Mitigated(Struct, frozen=True):
    """What became of a mitigation, the last time that it was asked for."""

    status: Literal["doing", "in force", "failed", "unclear", "undone"]
    """`unclear`: its engine died in the middle of it, and the probe has not said, or cannot."""
    since: Stamp
    by: str
    """Who asked for it."""
    incident: str | None
    """The incident that was open then."""
    words: str = ""
    """Proof, reason, or what a probe found."""


class Incident(Struct, frozen=True):
    """One incident, from suspicion to its end; or an errand, which is declared from its first moment."""

    id: str
    status: Literal["suspected", "declared", "resolved"]
    onset: Stamp
    triggers: tuple[str, ...]
    suspected: Stamp | None = None
    declared: Stamp | None = None
    commander: str | None = None
    commanding: Stamp | None = None
    """Since when that is who commands."""
    roles: dict[str, Held] = field(default_factory=dict)
    """The roles beside the commander's, by name."""
    offers: dict[str, Offer] = field(default_factory=dict)
    """Roles that somebody was asked to take, by name."""
    tasks: dict[str, Task] = field(default_factory=dict)
    """By id, in the order in which they were given; those that have ended among them."""
    severity: str | None = None
    plan: Plan | None = None
    plan_hash: str | None = None
    plan_seq: int | None = None
    plans: int = 0
    """How many plans there have been."""
    planning: bool = False
    """Whether a plan is being made."""
    planning_for: str | None = None
    """Who asked for the one that is being made, or was made last."""
    asked_by: str | None = None
    """Who asked for the plan that there is."""
    wish: Wish = Wish()
    """What the plan, or the one that is being made, was asked for."""
    plan_wish: Wish = Wish()
    """What the plan that there is was asked for: it counts again when another one cannot be made."""
    planning_failed: str | None = None
    steps: dict[str, StepState] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    roster: str = ""
    """SHA-256 of the roster that was pinned when it was declared."""
    approvals: tuple[Approval, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    spoke: dict[str, int] = field(default_factory=dict)
    """Number of the event in which somebody last said something at the gate, by handle."""
    asked_since: int | None = None
    """Number of the event since which this very yes is asked for: what was made before does not count."""
    planned: Stamp | None = None
    """When the present plan was frozen: from then on it waits for those who must say yes."""
    asked: dict[str, Asked] = field(default_factory=dict)
    """Who was asked for a yes to the present plan, by handle."""
    escalated: Escalation | None = None
    """How far the escalation path has been walked for the present plan."""
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Steps that the commander said yes to, by id, with the effects that the yes was about."""
    gate_opened: Stamp | None = None
    first_opened: Stamp | None = None
    """When a gate first opened for the way back: recovery counts from there, however many plans it took."""
    switched: Stamp | None = None
    """When a gate of this incident last opened, whatever plan's it was: things may not be as they were."""
    aborted: str | None = None
    pace: Pace | None = None
    """How far one key goes, where somebody has said so for this incident; None: as the strategy says."""
    released: tuple[str, ...] = ()
    """Steps of the plan that a key was pressed for, where each waits for its own."""
    undo: tuple[str, ...] = ()
    """Steps that are being taken back, in that order; empty while none is."""
    undos: dict[str, StepState] = field(default_factory=dict)
    """What became of taking back each step of the plan for which that was tried."""
    given_up: tuple[str, ...] = ()
    """Releases that this incident went back to, and away from again."""
    called: dict[str, Called] = field(default_factory=dict)
    """Who was asked to take command while it was suspected, by handle."""
    level: int = 0
    """How far the escalation path was walked for that."""
    level_since: Stamp | None = None
    """When that level was asked."""
    items: dict[str, ItemTick] = field(default_factory=dict)
    """Items of the checklist and prerequisites, by id; they are about the incident, whatever is planned."""
    waived: dict[str, Waiver] = field(default_factory=dict)
    """Prerequisites that were let go, by id; about the present plan alone."""
    automatic: AutomaticRun | None = None
    """Its automatic rollback; None where none has begun."""
    resolved: Stamp | None = None
    outcome: str | None = None
    advised: str = ""
    """What was last said of a rollback: `none`, `consider`, `mandatory`, `held`; empty while nothing was."""
    held: str = ""
    """Why no rollback would help, the last time that one was held for that."""

    def step(self, step_id: str) -> StepState:
        """The state of a step; waiting when nothing has happened to it."""
        return self.steps.get(step_id, StepState())

    def settled(self, phase: Phase) -> bool:
        """Whether every step of a phase is done or skipped; False without a plan."""
        return self.plan is not None and all(
            self.step(s.id).status.settled for s in self.plan.of_phase(phase)
        )

    @property
    def phase(self) -> Phase | None:
        """The first phase that is not settled; None without a plan, or when all are."""
        if self.plan is None:
            return None
        return next((phase for phase in PHASES if not self.settled(phase)), None)

    def asking(self) -> tuple[Step, ...]:
        """Steps that wait for a person's decision."""
        return tuple(s for s in self.plan.steps if self.step(s.id).status.asks) if self.plan else ()

    def running(self) -> tuple[Step, ...]:
        """Steps under way, or being taken back."""
        if self.plan is None:
            return ()
        ways = (self.steps, self.undos)
        under_way = {id_ for way in ways for id_, state in way.items() if state.status is Status.RUNNING}
        return tuple(step for step in self.plan.steps if step.id in under_way)

    @property
    def finished(self) -> bool:
        """Whether the plan has been carried out to its last step."""
        return self.plan is not None and self.phase is None


class Standing(Struct, frozen=True):
    """A standing authorisation: one text, and who has signed it."""

    text: str
    signed: tuple[Approval, ...] = ()
    """By its signers; `plan_hash` is empty."""
    since: Stamp | None = None
    """When it was first signed."""
    ended: str = ""
    """Why it does not count any more; empty while nothing has ended it."""


class Freeze(Struct, frozen=True):
    """A workflow that was frozen, and is not yet as it was."""

    repository: str
    workflow: str
    """As the strategy named it."""
    before: str
    """Its state before the first attempt, in GitHub's words."""
    incident: str | None
    since: Stamp


Verdict = Literal["agreed", "objected"]


class Reviewed(Struct, frozen=True):
    """What somebody who was not asked before thinks of it."""

    person: str
    roles: tuple[str, ...]
    verdict: Verdict
    remark: str
    at: Stamp


class Review(Struct, frozen=True):
    """A gate that was opened by breaking the glass, and who has to say what they think of that."""

    plan_hash: str
    approvers: tuple[str, ...]
    """Who opened it."""
    roles: tuple[str, ...]
    """The seats of the matrix that were empty."""
    by: int
    """Until when, UTC microseconds."""
    said: tuple[Reviewed, ...] = ()
    overdue: bool = False
    """Whether that time went by with somebody missing."""


class State(Struct, frozen=True):
    """Everything that the journal says, up to event `seq`."""

    environment: str
    seq: int = 0
    engine: EngineInfo | None = None
    epoch: int = 0
    rungs: dict[str, RungState] = field(default_factory=dict)
    running: RunningRelease | None = None
    landed: tuple[RunningRelease, ...] = ()
    """What the service was seen to run, oldest first, each from when on; the newest of them."""
    incident: Incident | None = None
    """The open incident, or the last one, resolved."""
    incidents: int = 0
    """How many there have been."""
    errand: Incident | None = None
    """The verb that runs by itself, or the last one that did: a run like an incident's, with one step."""
    errands: int = 0
    standing: dict[str, Standing] = field(default_factory=dict)
    """Standing authorisations, those that have ended among them, by id."""
    mitigations: dict[str, Mitigated] = field(default_factory=dict)
    """What became of each mitigation that was ever asked for, by name; they outlive incidents."""
    reviews: dict[str, Review] = field(default_factory=dict)
    """Gates that were opened by breaking the glass, by incident."""
    alerts: dict[str, Alerted] = field(default_factory=dict)
    """Alerts that Alertmanager told of, by fingerprint, the newest of them; also those that have ended."""
    automatic_off: dict[By, Switch] = field(default_factory=dict)
    """Who or what has switched automatic rollback off; empty while nothing has."""
    rolled_back: RolledBack | None = None
    """The last automatic rollback that has opened a gate."""
    frozen: dict[str, Freeze] = field(default_factory=dict)
    """What of the CI is frozen, by repository and workflow."""
    answered: tuple[str, ...] = ()
    """Ids of the requests answered last."""
    unknown_critical: str | None = None
    """Kind of a critical event that this program does not know: it must not write."""

    @property
    def open_errand(self) -> Incident | None:
        """The verb that runs by itself, if one does."""
        return self.errand if self.errand and self.errand.status != "resolved" else None

    @property
    def open_incident(self) -> Incident | None:
        """The incident, if one is suspected or declared."""
        return self.incident if self.incident and self.incident.status != "resolved" else None

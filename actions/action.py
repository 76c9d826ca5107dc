"""What an action is: preview, probe, perform, verify, perhaps undo; and what it may use."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from msgspec import Struct

from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.events import Body
from console.core.plan import CodeChange, DataChange, RowsChange, WayBack
from console.core.protocols import Head
from console.core.reverting import Reverting
from console.core.strategy import Environment
from console.targets.ci import Ci
from console.targets.deploy import Deployer
from console.targets.git import Clone
from console.targets.github.pulls import Pulls
from console.targets.health import HealthProbe
from console.targets.postgres.rows import Rows
from console.targets.process import Programs
from console.targets.scratch_release import ScratchReleases
from console.targets.stores import Stores


class ActionError(StatedError):
    """A step did not do what it is for; the message is the one line that says why and where things stand."""

    def __init__(self, words: str, facts: Mapping[str, str] | None = None) -> None:
        """`facts` is what was measured all the same."""
        super().__init__(words)
        self.facts = dict(facts or {})


Serves = Literal["any", "code", "restore", "keep", "asked"]
"""Any plan; those that change the code, restore the data, keep it; those that it was asked for by name."""


class Inputs(Struct, frozen=True):
    """What the planner has found out, and every step of a plan is made from."""

    incident: str
    author: str
    """Handle that commits are made under."""
    made: int
    """When the plan is made, in seconds since 1970; names what belongs to this plan alone."""
    since: int
    """When the incident was declared, or the verb asked for, or a gate of it last opened: seconds since 1970.

    Until a gate opens it is the same for every plan of an incident: what is named by it, and by the rest of
    its inputs, is what one plan has made and the next may use."""
    onset: int = 0
    """When the incident, or the verb by itself, began: UTC microseconds."""
    change: CodeChange | None = None
    commit: str = ""
    """The bytes of the commit object to deploy, as text; empty where commits are undone one by one."""
    reverting: Reverting | None = None
    """The commits that are undone one by one."""
    restore: DataChange | None = None
    rows: RowsChange | None = None
    options: dict[str, str] = {}
    """What the runbook's line gives the action, under `with`."""

    @property
    def code(self) -> CodeChange:
        """What becomes of the code; ActionError in a plan that keeps the release."""
        if self.change is None:
            raise ActionError("this plan changes no code: its runbook has a step that needs a release")
        return self.change

    @property
    def data(self) -> DataChange:
        """What becomes of the data; ActionError in a plan that keeps it."""
        if self.restore is None:
            raise ActionError("this plan keeps the data: its runbook has a step that needs a candidate")
        return self.restore

    @property
    def single_rows(self) -> RowsChange:
        """The rows that go back by key; ActionError in a plan that has none."""
        if self.rows is None:
            raise ActionError("this plan puts no single rows back: they are asked for by table and key")
        return self.rows


class Preview(Struct, frozen=True):
    """A step in words and in its exact effects, before anything has happened."""

    words: str
    effects: tuple[str, ...]
    params: dict[str, str]
    fresh_s: float | None = None
    """How old what it proves may be at the gate, where that matters."""


class Finding(Struct, frozen=True):
    """What a look at the world says about a step; the look changes nothing."""

    found: Literal["done", "not done", "cannot tell"]
    words: str


class Slot(Struct, frozen=True):
    """A piece of evidence that a step leaves behind."""

    name: str
    words: str
    inputs: str
    """What it was measured on: ids or a digest."""
    holds: bool = True
    shows: int | None = None
    """The moment that its age counts from, UTC microseconds of our clock; None: when it is proven."""


class Proof(Struct, frozen=True):
    """How a step knows that it is done: measured, not assumed."""

    words: str
    facts: dict[str, str] = {}
    evidence: tuple[Slot, ...] = ()
    events: tuple[Body, ...] = ()
    """What else the journal is to say, in the same transaction."""


class Report(Protocol):
    """Where a step under way says how far it is."""

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        """What it is doing now, and where it can be counted, how much of it is done."""
        ...

    def line(self, text: str) -> None:
        """A line of output, kept in the step's output file."""
        ...

    def remember(self, event: Body) -> None:
        """Commit what must outlive us before the effect that it is about."""
        ...

    def found(self, facts: Mapping[str, str]) -> None:
        """Commit what is about to be replaced, before it is: the step's way back needs it."""
        ...

    @property
    def left_s(self) -> float:
        """Seconds until the step's time limit."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for an abort: an action may stop here, where it is safe to."""
        ...

    @property
    def worsened(self) -> str:
        """Which metric has got worse since the step began, in words; empty while none has.

        What loads the servers and can be done later stops then.
        """
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The environment's real parts, as far as the strategy names them."""

    name: str
    """The environment's name in the strategy, as it is typed at the gate."""
    environment: Environment
    clock: Clock
    programs: Programs
    clone: Clone
    deployer: Deployer
    health: HealthProbe
    rows: Rows
    stores: Stores | None
    """The data with its backups; None where the strategy names no `backups`."""
    head: Callable[[], Head]
    """The journal's newest event."""
    releases: Path
    """The file that lists the releases with their verdicts."""
    worktrees: Path
    evidence: Path
    """Folder for files that are evidence of the open incident."""
    base: Path
    """The folder that the strategy lies in: where its own commands are run."""
    trial: ScratchReleases | None = None
    """How releases are tried on a schema; None where the strategy names no `schema`."""
    ci: Ci | None = None
    """The workflow that is frozen; None where the strategy names none."""
    pulls: Pulls | None = None
    """Where pull requests are opened; None where the strategy does not say."""

    def worktree(self, branch: str) -> Path:
        """Where the worktree of a rollback branch is."""
        return self.worktrees / branch.replace("/", "-")

    def picking(self, branch: str) -> Path:
        """Where that rollback's commit is picked onto somebody else's, for as long as that takes."""
        return self.worktrees / f"{branch.replace('/', '-')}.pick"


class Deed(ABC):
    """Something that is looked at, done, and proven."""

    def __init__(self, params: dict[str, str], world: World, token: str) -> None:
        self.params = params
        self.world = world
        self.token = token
        """Names this attempt, so that work which outlives us can be found again."""

    @abstractmethod
    async def probe(self) -> Finding:
        """Whether its effect is there: read only, from the artifact itself."""

    @abstractmethod
    async def perform(self, report: Report) -> None:
        """Do it; raises ActionError (or a target's own error) when it cannot."""

    @abstractmethod
    async def verify(self) -> Proof:
        """Prove on the artifact itself that it is done; raises ActionError when it is not."""


class Undo(Deed):
    """The way back of one step. Twice does no harm: what its probe calls done is not done again."""

    def __init__(
        self, params: dict[str, str], world: World, token: str, before: Mapping[str, str] | None = None
    ) -> None:
        """`params` are the step's own; `before` is what it found before it changed anything."""
        super().__init__(params, world, token)
        self.before = dict(before or {})

    @staticmethod
    @abstractmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """How it is taken back, from the params that the step's plan froze; asks nobody."""


class Action(Deed):
    """One verb on one set of frozen inputs."""

    repeatable: ClassVar[bool]
    """Whether performing it a second time does no harm."""
    serves: ClassVar[Serves] = "any"
    """The plans that its step belongs to."""
    fills: ClassVar[dict[str, str]] = {}
    """Slots of evidence that its proof fills, each with what the gate demands of it, in words."""

    undo: ClassVar[type[Undo] | None] = None
    """How it is taken back; None: it changes nothing, or only a person can."""
    by_hand: ClassVar[str] = ""
    """What a person does to take it back, where the engine cannot."""

    @classmethod
    def belongs(cls, environment: Environment) -> bool:  # noqa: ARG003 - most belong everywhere
        """Whether its step is for this environment; a plan leaves it out otherwise."""
        return True

    @classmethod
    def way_back(cls, params: dict[str, str], world: World) -> WayBack | None:
        """How a step with these params is taken back; None when there is nothing to take back."""
        if cls.undo is not None:
            return cls.undo.preview(params, world)
        return WayBack(cls.by_hand) if cls.by_hand else None

    @staticmethod
    @abstractmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """What the step will do with these inputs; asks nobody and changes nothing."""

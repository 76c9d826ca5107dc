"""The plan: frozen inputs, steps with their exact effects, predicates over evidence; and its hash."""

import hashlib
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

from console.core.schema_verdict import SchemaVerdict
from console.core.triggers import Triggers


class Phase(StrEnum):
    """The four phases of every runbook, in order (STRATEGY 5)."""

    PREPARE = "prepare"
    SWITCH = "switch"
    PROVE = "prove"
    CLOSE = "close"


PHASES = tuple(Phase)

Pace = Literal["phase", "step"]
"""How far one key goes: through a whole phase, or a single step."""


class Authority(StrEnum):
    """Who must have said yes before a step may run (DESIGN 3)."""

    NONE = "none"
    COMMANDER = "commander"
    """The incident's commander, for this step alone: it stops other people's work."""
    MATRIX = "matrix"


class Release(Struct, frozen=True):
    """A release by its name and by the ids that git resolved it to."""

    tag: str
    """The name people use, `v1.5.0`; the short commit id where no tag points at it."""
    commit: str
    """Full commit id, 40 hex digits."""
    tree: str
    """Full tree id of that commit."""


class WayBack(Struct, frozen=True):
    """How what a step has done is taken back; authorised together with the step."""

    words: str
    effects: tuple[str, ...] = ()
    """The exact commands and requests, a line each; none where only a person can: then `words` say how."""

    @property
    def by_hand(self) -> bool:
        """Whether the engine cannot do it."""
        return not self.effects


class Step(Struct, frozen=True):
    """One step as it was authorised: nothing it does may differ from what stands here."""

    id: str
    action: str
    title: str
    phase: Phase
    authority: Authority
    needs: tuple[str, ...]
    """Ids of steps that must be done (or skipped by name) first."""
    params: dict[str, str]
    """The frozen inputs of the action."""
    words: str
    """What it will do, in a sentence."""
    effects: tuple[str, ...]
    """The exact commands and requests, a line each."""
    repeatable: bool
    """Whether performing it again after an unclear end does no harm."""
    expected_s: float
    limit_s: float
    proves: tuple[str, ...] = ()
    """Ids of checklist items that its success ticks."""
    fills: tuple[str, ...] = ()
    """Slots of evidence that it fills."""
    back: WayBack | None = None
    """How it is taken back; None: it changes nothing that would have to be."""


class Predicate(Struct, frozen=True):
    """What the gate demands of a slot of evidence."""

    slot: str
    words: str
    max_age_s: float | None = None


class Need(Struct, frozen=True):
    """How many distinct people of a role must approve."""

    role: str
    count: int


class Glass(Struct, frozen=True):
    """The smaller quorum that opens this plan, and the whole one, which reviews it afterwards."""

    signatures: int
    """Distinct people, each of whom holds a role of the matrix."""
    one_of: tuple[str, ...]
    """One of them holds one of these roles."""
    matrix: tuple[Need, ...]
    """Who would have had to say yes."""
    review_within_s: float
    """How long the others have to say what they think of it, from the gate's opening."""


class Prerequisite(Struct, frozen=True):
    """Something that must be so, or be done, before the gate opens; beside what the predicates demand."""

    id: str
    title: str
    proof: Literal["evidence", "approval", "plan", "hand"]
    """What shows it: a slot, somebody's yes, that there is this plan; or a person who ticks it."""
    slots: tuple[str, ...] = ()
    """Slots of this plan that show it, all of them; the gate demands them as predicates too."""
    roles: tuple[str, ...] = ()
    """Whose yes shows it, or who may tick it; empty: anybody."""
    waived_by: tuple[str, ...] = ()
    """Roles that may let it go, by name and with a reason; empty: nobody may, in this plan."""


Way = Literal["restore tree", "revert commits"]
"""One commit whose tree is the good one; or a commit for each that is undone."""


class Revert(Struct, frozen=True):
    """A commit that one of our own undoes."""

    commit: str
    """Full commit id."""
    summary: str
    author: str
    mainline: int | None
    """Of a merge, which of its parents is the line that stays, from 1; None for any other commit."""
    made: str | None
    """Full id of the commit that undoes it; None where nothing of it is left to undo."""


class CodeChange(Struct, frozen=True):
    """The release to go back to, and the way there in git."""

    running: Release
    """What the deploy branch builds now: the release to get away from."""
    target: Release
    """The release to go back to; where reverts make what was never released, the last commit of them."""
    verdict: Literal["good", "unproven", "bad"]
    """What is said of the target."""
    releases_back: int
    way: Way
    branch: str
    restored: str
    """Full id of the commit that the deploy branch will hold: the target's tree on top of today's history."""
    migrations: tuple[str, ...] | None = None
    """Migrations that one of the two has and the other has not, or not so; None: nobody can tell."""
    schema: SchemaVerdict | None = None
    """Whether the target can work with today's schema; None where the data goes back, schema and all."""
    images: dict[str, str] = {}
    """The target's image of each component, pinned by digest or image id, in order of names."""
    reverts: tuple[Revert, ...] = ()
    """The commits that are undone, in that order: newest first."""
    version: str | None = None
    """What the service will answer where it is not called by the target's tag; empty: nobody can know."""

    triggers: Triggers | None = None
    """What else the pushes set off; None: nobody has looked."""
    protection: str = ""
    """What protects the branch from pushes, or why nobody knows; empty: nothing does, or nobody is asked."""

    @property
    def answers(self) -> str:
        """The version that the service will answer; empty where its commit alone can tell."""
        return self.target.tag if self.version is None else self.version


POINT_IN_TIME = "point in time"
"""The candidate of a plan that replays WAL."""


class DataChange(Struct, frozen=True):
    """The state that the data goes back to, and what may be lost by that."""

    candidate: str
    """Id of a backup; POINT_IN_TIME where base backup and WAL are replayed."""
    recovery_point: int
    """The moment that is gone back to, UTC microseconds."""
    onset: int
    """What it had to end before, UTC microseconds."""
    loss_at_most: int
    """Rows that the approvers sign away."""
    tables: tuple[str, ...] = ()
    """Tables that may lose rows; empty: any."""


class RowsChange(Struct, frozen=True):
    """Single rows that go back by key, out of a candidate; nothing is swapped, no other row touched."""

    table: str
    """As it was asked for."""
    keys: tuple[str, ...]
    candidate: str
    """See DataChange."""
    recovery_point: int
    """The moment that they go back to, UTC microseconds."""


class Wish(Struct, frozen=True):
    """What a plan is asked for, before anybody has looked whether it can be had."""

    target: str | None = None
    """Tag of the release to go back to; None for the one that the ledger proposes."""
    way: Way | None = None
    """How that is made in git; None: as the runbook has it."""
    commits: tuple[str, ...] = ()
    """Commits to undo, instead of a release to go back to; see `core.reverting.picked`."""
    code: bool = True
    """Whether the release goes back at all."""
    data: str | None = None
    """The candidate that all data goes back to (see DataChange); None: it is not swapped."""
    recovery_point: int | None = None
    """The instant to replay to, UTC microseconds; None: as long before the onset as the strategy says."""
    loss_at_most: int | None = None
    """Rows that may be lost by that; None: as many as the strategy says."""
    verb: str | None = None
    """A verb that no plan has unless it is asked for, `flush-cache`; by itself when nothing else is."""
    options: dict[str, str] = {}
    """What the verb is told."""
    break_glass: bool = False
    """Whether fewer people than the matrix asks for may open it."""


class Plan(Struct, frozen=True):
    """Everything that people say yes to, and nothing that changes while they do."""

    environment: str
    incident: str
    code: CodeChange | None
    """None: the release stays as it is."""
    data: DataChange | None
    """None: no database is swapped."""
    verb: str | None
    """The verb that was asked for beside, or alone."""
    steps: tuple[Step, ...]
    predicates: tuple[Predicate, ...]
    needs: tuple[Need, ...]
    proof: Literal["claim", "signature"]
    recover_within_s: float
    rows: RowsChange | None = None
    """Rows that go back one by one, in a plan of nothing else."""
    glass: Glass | None = None
    """What opens it instead of the matrix; None: the matrix does."""
    prerequisites: tuple[Prerequisite, ...] = ()
    """What else must be done before the gate opens; none where neither release nor database goes back."""

    def step(self, step_id: str) -> Step:
        """The step of that id; KeyError when the plan has none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def of_phase(self, phase: Phase) -> tuple[Step, ...]:
        """The steps of one phase, in the order of the runbook."""
        return tuple(step for step in self.steps if step.phase is phase)


def frozen(plan: Plan) -> bytes:
    """The plan's bytes, encoded once: what is hashed, stored and approved."""
    return msgspec.json.encode(plan, order="deterministic")


def thaw(raw: bytes) -> Plan:
    """The plan that those bytes hold."""
    return msgspec.json.decode(raw, type=Plan)


def digest(raw: bytes) -> str:
    """SHA-256 of a frozen plan, in hex."""
    return hashlib.sha256(raw).hexdigest()

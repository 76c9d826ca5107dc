"""How far an automatic rollback is: its stages, what it decided and how it ended, as the journal tells it."""

from typing import Literal, get_args

from msgspec import Struct, field

from console.core.clock import Stamp

Stage = Literal["detection", "alert", "validation", "execution", "verification"]
STAGES: tuple[Stage, ...] = get_args(Stage)
Mode = Literal["validating", "runs", "arms", "held"]
"""Runs: it rolls back by itself. Arms: prepares all and waits at the gate. Held: it does nothing."""
Outcome = Literal["rolled back", "stopped", "taken", "off"]
About = Literal["begun", "held", "stopped"]
"""What people are paged about; whoever is asked for a yes is paged by the gate (core.summons)."""
By = Literal["person", "file"]


class StageState(Struct, frozen=True):
    """One stage on the clock."""

    began: Stamp
    budget_s: float
    seconds: float | None = None
    """How long it took; None while it is under way."""
    overran: bool = False
    words: str = ""
    """What came of it."""

    def spent_s(self, now: Stamp) -> float:
        """Seconds since it began, or those that it took."""
        return now.seconds_since(self.began) if self.seconds is None else self.seconds


class AutomaticRun(Struct, frozen=True):
    """The one automatic rollback of an incident."""

    began: Stamp
    triggers: tuple[str, ...]
    """The metrics on their automatic rung when it began."""
    rules: tuple[str, ...]
    """The rules that put them there, in their own words."""
    mode: Mode = "validating"
    why: str = ""
    """On what grounds it runs, arms or is held."""
    trigger: str = ""
    """The metric that a second path has confirmed; empty before one has."""
    standing: str = ""
    """Id of the standing authorisation that it runs by; empty where it needs none, or has none."""
    stages: dict[Stage, StageState] = field(default_factory=dict)
    opened: str = ""
    """Hash of the plan whose gate it has opened; empty while it has opened none."""
    paged: dict[str, bool] = field(default_factory=dict)
    """Whether a page was delivered, by `paging_key`."""
    outcome: Outcome | None = None
    words: str = ""
    """How it ended, in a sentence."""
    ended: Stamp | None = None

    @property
    def active(self) -> bool:
        """Whether it may still do something, or waits with what it has done."""
        return self.outcome is None

    @property
    def by_itself(self) -> bool:
        """Whether it goes on without anybody's yes."""
        return self.active and self.mode == "runs"

    def under_way(self, stage: Stage) -> bool:
        """Whether that stage has begun and not ended."""
        state = self.stages.get(stage)
        return state is not None and state.seconds is None


def paging_key(about: About, person: str) -> str:
    """Under what it is remembered that somebody was paged."""
    return f"{about} {person}"


class Switch(Struct, frozen=True):
    """Who has switched automatic rollback off, and why."""

    by: str
    reason: str
    at: Stamp


class RolledBack(Struct, frozen=True):
    """The last automatic rollback whose gate was opened."""

    incident: str
    release: str
    """The release that it has put there."""
    commit: str
    restored: str
    """The commit that the deploy branch holds since."""
    at: Stamp

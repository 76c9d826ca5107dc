"""What a screen works with: one snapshot, and where it was taken."""

from collections.abc import Mapping

from msgspec import Struct

from console.core.mitigating import titles
from console.core.protocols import Snapshot
from console.core.roster import Roster
from console.core.strategy import Environment


class Scene(Struct, frozen=True):
    """A moment of one environment, as seen from one console."""

    snapshot: Snapshot
    environment: Environment
    name: str
    """The environment's name, as it is typed at the gate."""
    actor: str
    roster: Roster | None = None
    """The people; None where they are not known."""

    def titles(self) -> Mapping[str, str]:
        """Titles of steps, prerequisites and checklist items, by id."""
        plan = self.snapshot.state.incident.plan if self.snapshot.state.incident else None
        steps = {step.id: step.title for step in (plan.steps if plan else self.environment.runbook)}
        before = {rule.id: rule.title for rule in self.environment.prerequisites}
        items = {item.id: item.title for item in self.environment.checklist}
        return {**titles(self.environment), **before, **items, **steps}

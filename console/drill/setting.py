"""The setting of a drill: its folder, its strategy and roster, and the engine that it takes."""

from pathlib import Path

from msgspec import Struct

from console.core.roster import Roster
from console.core.strategy import Environment
from console.drill.certificates import trusting
from console.drill.place import VARIABLE, Place
from console.drill.story import Story
from console.engine.spawn import EngineWanted


class Setting(Struct, frozen=True):
    """Which drill, and where its files are."""

    folder: Path
    story: Story
    name: str
    """The environment."""
    environment: Environment
    actor: str
    """Handle of the engineer who plays."""
    roster: Roster
    engine: EngineWanted

    @property
    def scenario(self) -> str:
        """What goes wrong."""
        return self.story.scenario

    @property
    def extra(self) -> dict[str, str]:
        """Environment variables of the drill's engine: its mark, and which certificates it trusts."""
        return {VARIABLE: str(self.folder), **trusting(Place(self.folder))}

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """What everybody may say yes as, by handle."""
        return {handle: self.roster.roles_of(handle) for handle in self.roster.handles()}

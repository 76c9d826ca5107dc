"""What the strategy says of an application that Compose deploys."""

from pathlib import Path

from msgspec import Struct

from console.targets.compose.served import Served


class Application(Struct, frozen=True):
    """What the strategy says of the application in its project."""

    services: dict[str, str]
    """Service by component."""
    depends: tuple[str, ...]
    kept: tuple[Path, ...]
    """Paths of the host that hold no code."""
    served: Served
    """Paths of the host that do."""
    room: int
    """Bytes that must be free."""

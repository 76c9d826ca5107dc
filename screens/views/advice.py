"""The recommendation with all its reasons, in lines: shown where somebody is about to say yes."""

from console.core.protocols import Snapshot
from console.core.recommendation import of_snapshot
from console.core.strategy import Environment
from screens.lines import Line, Role, wrap

_ROLE = {"held": Role.BAD, "consider": Role.WARN, "mandatory": Role.STRONG}


def advice_lines(snapshot: Snapshot, environment: Environment, width: int) -> list[Line]:
    """What is recommended, then why; nothing where nothing is."""
    found = of_snapshot(snapshot, environment)
    if found.level == "none":
        return []
    head = wrap(f"Recommended: rollback {found.level}: {found.words}", width, _ROLE[found.level])
    reasons = [row for reason in found.reasons for row in wrap(f"  {reason}", width, Role.DIM, indent=4)]
    return [*head, *reasons]
